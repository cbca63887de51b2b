//! What a simulated host saw, as a capture file.

use crate::failure::Failure;
use crate::output::Output;
use capture::{Direction, Finish, Format, Interface, LinkType, PacketInfo, Section, Writer};
use sim::{HostId, Vantage, World};
use std::io;

/// When the world's clock stood at zero, for readers that want a date: 2018-01-30 22:30:24 UTC, the
/// day of the article that the demonstration retells. The same seed gives the same file.
const EPOCH_NS: u64 = 1_517_351_424_000_000_000;

/// Writes what crossed the network card of `host`.
pub(crate) fn write(output: &mut Output, world: &World, host: HostId) -> Result<(), Failure> {
    of_world(output, world, host).map_err(|error| output.failed(&error))
}

fn of_world(output: &mut Output, world: &World, host: HostId) -> io::Result<()> {
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

/// Writes what crossed the wire of a script, its stack's side.
pub(crate) fn write_packets(output: &mut Output, run: &script::Run) -> Result<(), Failure> {
    of_script(output, run).map_err(|error| output.failed(&error))
}

fn of_script(output: &mut Output, run: &script::Run) -> io::Result<()> {
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
