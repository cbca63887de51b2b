//! What passed a simulated host, or the stack under a script, as a capture file.

use crate::failure::Failure;
use crate::output::Output;
use capture::{Direction, Finish, Format, Interface, LinkType, PacketInfo, Section, Writer};
use sim::{HostId, Vantage, World};
use std::io;

/// The date of virtual time zero: 2018-01-30 22:30:24 UTC, the day of the article that the demo follows. It
/// is fixed, so that the same seed gives the same file.
const EPOCH_NS: u64 = 1_517_351_424_000_000_000;

/// Writes the packets that passed the network card of `host`.
pub(crate) fn write_host(output: &mut Output, world: &World, host: HostId) -> Result<(), Failure> {
    write_host_packets(output, world, host).map_err(|error| output.failed(&error))
}

fn write_host_packets(output: &mut Output, world: &World, host: HostId) -> io::Result<()> {
    let section =
        Section { application: concat!("synfin ", env!("CARGO_PKG_VERSION")), ..Section::default() };
    let mut writer = Writer::new(output, Format::Pcapng, &section)?;
    let interface = Interface { name: world.name(host), ..Interface::new(LinkType::RAW) };
    let interface = writer.add_interface(&interface)?;
    for seen in sim::captured(world.frames(), Vantage::At(host)) {
        let direction = match seen.direction {
            sim::Direction::Outbound => Direction::Outbound,
            sim::Direction::Inbound => Direction::Inbound,
        };
        let info = PacketInfo {
            direction: Some(direction),
            ..PacketInfo::new(interface, EPOCH_NS + seen.at.as_nanos())
        };
        writer.write_frame(&info, seen.frame, Finish::default())?;
    }
    Ok(())
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
