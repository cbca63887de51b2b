//! A host with an address on each of two links: what is taken, by where it arrives (RFC 1122 §3.3.4.2).

use crate::world::link;
use std::net::Ipv4Addr;
use synfin_stack::{AnyAddress, Config, Discard, Host, HostModel, Interface, InterfaceId};
use tcp::Instant;
use wire::{Frame, ipv4};

const NOW: Instant = Instant::from_millis(1_000_000);
const TUNNEL: Ipv4Addr = Ipv4Addr::new(10, 8, 0, 2);

/// A host in a café: 192.168.1.2 on the link that everybody is on, 10.8.0.2 inside a tunnel.
fn host(host_model: HostModel) -> (Host, [InterfaceId; 2]) {
    let mut host = Host::new(Config { host_model, ..Config::default() }, [1; 32]);
    let links = ["192.168.1.2/24", "10.8.0.2/24"].map(|address| {
        let addresses = vec![address.parse().unwrap()];
        host.add_interface(Interface { name: "link".into(), capabilities: link(), hardware: None, addresses })
    });
    host.tcp_listen("10.8.0.2:80".parse().unwrap(), 8).unwrap();
    (host, links)
}

fn syn(source: [u8; 4], port: u16) -> Frame {
    use wire::tcp::{Flags, Header, OptionLayout};
    let header = Header { source_port: 9, destination_port: port, flags: Flags::SYN, ..Header::default() };
    let mut segment = [0; 60];
    let bytes = header.emit(&mut segment, OptionLayout::default());
    let mut packet = vec![0; 20];
    let total_bytes = 20 + bytes as u16;
    let (source, protocol) = (source.into(), 6);
    ipv4::Header { source, destination: TUNNEL, protocol, total_bytes, ..ipv4::Header::default() }
        .emit(&mut packet);
    packet.extend(&segment[..bytes]);
    let mut frame = Frame::from_bytes(packet.into());
    // The link guarantees the checksum: this is not about it.
    frame.offload.checksum = wire::Checksum::Trusted;
    frame
}

#[test]
fn who_is_on_one_link_does_not_reach_an_address_on_another() {
    let (mut host, [cafe, tunnel]) = host(HostModel::Strong);
    // A peer inside the tunnel; and a neighbour who forges its address, before and after.
    let peer = [10, 8, 0, 1];
    for source in [peer, [192, 168, 1, 66]] {
        host.handle_frame(NOW, cafe, syn(source, 80));
        host.handle_frame(NOW, cafe, syn(source, 81));
    }
    assert!(host.poll_transmit(NOW).is_none(), "neither a SYN-ACK nor a reset tells anything");
    assert_eq!(host.counters().discarded(Discard::IpOtherInterface), 4);
    host.handle_frame(NOW, tunnel, syn(peer, 80));
    assert_eq!(host.poll_transmit(NOW).map(|(link, _)| link), Some(tunnel));
    host.handle_frame(NOW, cafe, syn(peer, 80));
    assert!(host.poll_transmit(NOW).is_none(), "not even right after the peer's own packet");
    assert_eq!(host.counters().discarded(Discard::IpOtherInterface), 5);
}

#[test]
fn a_program_may_take_its_addresses_on_every_link() {
    let (mut weak, [cafe, _]) = host(HostModel::Weak);
    weak.handle_frame(NOW, cafe, syn([192, 168, 1, 66], 80));
    assert!(weak.poll_transmit(NOW).is_some());
    // A proxy for whole networks takes every address anyway.
    let (mut proxy, [cafe, _]) = host(HostModel::Strong);
    proxy.set_any_address(AnyAddress::IsOurs);
    proxy.handle_frame(NOW, cafe, syn([192, 168, 1, 66], 80));
    assert!(proxy.poll_transmit(NOW).is_some());
}
