//! Two hosts driven by hand, in a time that is only a number.

use std::time::Duration;
use synfin::stack::{Config, Event, Host, Interface, InterfaceId};
use synfin::tcp::Instant;
use synfin::wire::{Frame, LinkCapabilities};

/// How long a frame is on its way. The world below has no clock: time is a number.
const DELAY: Duration = Duration::from_millis(20);

/// A host with one interface.
fn host(address: &str, secret: u8) -> (Host, InterfaceId) {
    let mut host = Host::new(Config::default(), [secret; 32]);
    let capabilities = LinkCapabilities::default();
    let addresses = vec![address.parse().expect("an address with its network")];
    let wire = host.add_interface(Interface { name: "wire".into(), capabilities, hardware: None, addresses });
    (host, wire)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (client, client_wire) = host("10.0.0.1/24", 1);
    let (server, server_wire) = host("10.0.0.2/24", 2);
    let (mut hosts, wires) = ([client, server], [client_wire, server_wire]);
    let mut now = Instant::ZERO;

    // The application asks; nothing waits. Each host names its sockets by ids of its own.
    let listener = hosts[1].tcp_listen("10.0.0.2:80".parse()?, 16)?;
    hosts[0].tcp_connect(now, None, "10.0.0.2:80".parse()?)?;
    let mut heard = Vec::new();

    // The driver: take away what came of the last change, then go on to what is due next.
    let mut in_flight: Vec<(Instant, usize, Frame)> = Vec::new();
    loop {
        for (index, host) in hosts.iter_mut().enumerate() {
            while let Some((id, event)) = host.poll_event() {
                println!("{:>3} ms  host {index}: {event:?}", now.as_millis());
                match event {
                    Event::Connected => {
                        host.tcp_write(now, id, b"hello")?;
                        host.tcp_finish(now, id)?;
                    }
                    Event::Acceptable => {
                        host.tcp_accept(listener).ok_or("nobody is there to be accepted")?;
                    }
                    Event::Readable if index == 1 => {
                        let mut buffer = [0; 1_024];
                        let count = host.tcp_read(now, id, &mut buffer)?;
                        heard.extend_from_slice(&buffer[..count]);
                    }
                    Event::PeerFinished if index == 1 => host.tcp_close(now, id)?,
                    _ => {}
                }
            }
            while let Some((_, frame)) = host.poll_transmit(now) {
                in_flight.push((now + DELAY, 1 - index, frame));
            }
        }
        // What comes first: a frame that arrives, or a timer of a host.
        let arrival = in_flight.iter().map(|(at, ..)| *at).min();
        let timeout = hosts.iter().filter_map(Host::poll_timeout).min();
        let Some(next) = arrival.into_iter().chain(timeout).min() else { break };
        now = next;
        for (at, to, frame) in std::mem::take(&mut in_flight) {
            if at <= now {
                hosts[to].handle_frame(now, wires[to], frame);
            } else {
                in_flight.push((at, to, frame));
            }
        }
        hosts.iter_mut().for_each(|host| host.handle_timeout(now));
    }
    assert_eq!(heard, b"hello");
    // The client closed first, so its end stayed in TIME-WAIT for a minute, which took no time at all.
    assert!(now >= Instant::ZERO + Duration::from_secs(60));
    Ok(())
}
