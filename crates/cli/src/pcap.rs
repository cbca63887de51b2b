//! What passed a simulated host, or the stack under a script, as a capture file.

use crate::failure::Failure;
use crate::output::Output;
use capture::{Direction, Format, Interface, LinkType, PacketInfo, Section, Writer};
use sim::{EPOCH_NS, HostId, Vantage, World};
use std::io;

/// Writes the packets that passed the network card of `host`.
pub(crate) fn write_host(output: &mut Output, world: &World, host: HostId) -> Result<(), Failure> {
    world.write_pcap(Vantage::At(host), &mut *output).map_err(|error| output.failed(&error))
}

/// Writes the packets of a script, as its stack saw them.
pub(crate) fn write_script(output: &mut Output, run: &script::Run) -> Result<(), Failure> {
    write_script_packets(output, run).map_err(|error| output.failed(&error))
}

fn write_script_packets(output: &mut Output, run: &script::Run) -> io::Result<()> {
    let section =
        Section { application: concat!("synfin ", env!("CARGO_PKG_VERSION")), ..Section::default() };
    let mut writer = Writer::new(output, Format::Pcapng, &section)?;
    let interface = writer.add_interface(&Interface { name: "script", ..Interface::new(LinkType::RAW) })?;
    for packet in &run.packets {
        let direction = match packet.direction {
            script::ast::Direction::In => Direction::Inbound,
            script::ast::Direction::Out => Direction::Outbound,
        };
        let at_ns = u64::try_from(packet.at.as_nanos()).unwrap_or(0);
        let info = PacketInfo { direction: Some(direction), ..PacketInfo::new(interface, EPOCH_NS + at_ns) };
        writer.write_slices(&info, &[&packet.bytes])?;
    }
    Ok(())
}
