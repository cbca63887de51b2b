//! Both ends of one connection driven by hand.

use std::sync::Arc;
use synfin::tcp::{Birth, Config, Connection, Instant, Path, Segment, State};
use synfin::wire::Seq;

/// What a connection is given at its birth because it has no randomness: its first sequence number (RFC 6528
/// says how to choose one), an offset for its timestamps, and what the path carries.
fn birth(iss: u32) -> Birth {
    Birth { iss: Seq::new(iss), timestamp_offset: 0, path: Path { mtu_bytes: 1_500, ip_header_bytes: 20 } }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = Arc::new(Config::default());
    let mut now = Instant::ZERO;
    let client = Connection::connect(now, birth(1_000), Arc::clone(&config));
    let server = Connection::listen(now, birth(2_000), config);
    let mut ends = [client, server];

    // The application: what is written before the handshake is complete waits for it.
    ends[0].write(now, b"hello")?;
    ends[0].finish(now);
    let mut heard = Vec::new();
    while !(ends[0].is_closed() && ends[1].is_closed()) {
        // Segments cross as long as there are any; here they take no time.
        while let Some((to, segment)) = next_segment(&mut ends, now) {
            ends[to].handle_segment(now, segment);
        }
        let mut buffer = [0; 1_024];
        match ends[1].read(&mut buffer) {
            Ok(0) if ends[1].state() == State::CloseWait => ends[1].close(now),
            Ok(count @ 1..) => heard.extend_from_slice(&buffer[..count]),
            // Nothing to read now: on to the next timer.
            _ => {
                let due = ends.iter().filter_map(Connection::poll_timeout).min();
                now = due.ok_or("nothing is due and the connection is not over")?;
                ends.iter_mut().for_each(|end| end.handle_timeout(now));
            }
        }
    }
    assert_eq!(heard, b"hello");
    Ok(())
}

/// Takes the next segment away from an end, and says to which it goes.
fn next_segment(ends: &mut [Connection; 2], now: Instant) -> Option<(usize, Segment)> {
    ends.iter_mut().enumerate().find_map(|(from, end)| {
        let sent = end.poll_transmit(now, 0)?;
        println!("{} sends {} bytes: {:?}", ["client", "server"][from], sent.payload.len(), sent.why);
        Some((1 - from, sent.into()))
    })
}
