//! What passed a host, as a capture file.

use crate::ids::HostId;
use crate::record::{Direction, Vantage, captured};
use crate::world::World;
use capture::{Finish, Format, Interface, InterfaceId, LinkType, PacketInfo, Section, Writer};
use std::io::{self, Write};

/// The date of virtual time zero in capture files, in nanoseconds of Unix time: 2018-01-30 22:30:24 UTC. It is fixed,
/// so that the same seed gives the same file.
pub const EPOCH_NS: u64 = 1_517_351_424_000_000_000;

impl World {
    /// Writes the recorded packets that a capture there would hold, as pcapng with nanoseconds. Each host is an
    /// interface with its name; seen from everywhere, a packet is there when it is sent and when it arrives.
    ///
    /// Frames must be recorded ([`World::record`]).
    ///
    /// ```
    /// use synfin_sim::{LinkConfig, Recording, Vantage, World};
    /// let mut world = World::new(7);
    /// let client = world.add_host("client", stack::Config::default(), &["10.0.0.1"]);
    /// let server = world.add_host("server", stack::Config::default(), &["10.0.0.2"]);
    /// world.link(client, server, LinkConfig::default());
    /// world.record(Recording::FRAMES);
    /// world.at(client).connect("10.0.0.2:80");
    /// world.run_for(std::time::Duration::from_secs(1));
    /// let mut file = Vec::new();
    /// world.write_pcap(Vantage::At(client), &mut file)?;
    /// assert!(file.windows(6).any(|name| name == b"client"));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_pcap(&self, vantage: Vantage, out: impl Write) -> io::Result<()> {
        let section =
            Section { application: concat!("synfin ", env!("CARGO_PKG_VERSION")), ..Section::default() };
        let mut writer = Writer::new(out, Format::Pcapng, &section)?;
        let mut interfaces: Vec<(HostId, InterfaceId)> = Vec::new();
        for host in self.hosts() {
            if vantage == Vantage::Everywhere || vantage == Vantage::At(host) {
                let interface = Interface { name: self.name(host), ..Interface::new(LinkType::RAW) };
                interfaces.push((host, writer.add_interface(&interface)?));
            }
        }
        for seen in captured(self.frames(), vantage) {
            let Some((_, interface)) = interfaces.iter().find(|(host, _)| *host == seen.host) else {
                continue;
            };
            let direction = match seen.direction {
                Direction::Outbound => capture::Direction::Outbound,
                Direction::Inbound => capture::Direction::Inbound,
            };
            let info = PacketInfo {
                direction: Some(direction),
                ..PacketInfo::new(*interface, EPOCH_NS + seen.at.as_nanos())
            };
            writer.write_frame(&info, seen.frame, Finish::default())?;
        }
        writer.flush()
    }
}
