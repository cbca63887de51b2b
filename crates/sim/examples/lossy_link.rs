//! A program over a bad network, in virtual time: what was sent again, and why.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;
use synfin_sim::stack::{Config, SocketId};
use synfin_sim::tcp::{Instant, Trace};
use synfin_sim::{Application, At, Chance, Happening, Lane, LinkConfig, Loss, Recording, World};

/// Connects, and writes a line every 50 ms until it has written a hundred.
#[derive(Default)]
struct Ticker {
    stream: Option<SocketId>,
    next_at: Instant,
    lines: u32,
}

impl Application for Ticker {
    /// Called when something happened on the host and when a time has come that was asked for: does what can be
    /// done now, and never waits.
    fn poll(&mut self, at: &mut At<'_>) {
        let stream = *self.stream.get_or_insert_with(|| at.connect("10.0.0.2:80"));
        if at.now() < self.next_at {
            return at.wake_at(self.next_at);
        }
        if self.lines == 100 {
            at.close(stream);
            return at.leave();
        }
        let line = format!("line {}\n", self.lines);
        at.write(stream, line.as_bytes()).expect("the send buffer takes more than a hundred lines");
        self.lines += 1;
        self.next_at = at.now() + Duration::from_millis(50);
        at.wake_at(self.next_at);
    }
}

fn main() {
    // The same seed: the same bytes at the same times. Another seed: other losses.
    let mut world = World::new(7);
    let client = world.add_host("client", Config::default(), &["10.0.0.1"]);
    let server = world.add_host("server", Config::default(), &["10.0.0.2"]);
    let lane = Lane {
        rate_bits_per_s: Some(1_000_000),
        delay: Duration::from_millis(20),
        loss: Loss::Random(Chance::percent(5.0)),
        ..Lane::default()
    };
    world.link(client, server, LinkConfig::symmetric(lane));
    world.record(Recording::EVERYTHING);

    // A closure is a program too. What it leaves for us is shared.
    let text = Rc::new(RefCell::new(Vec::new()));
    let heard = Rc::clone(&text);
    let (mut listener, mut stream) = (None, None);
    world.start(server, move |at: &mut At<'_>| {
        let listener = *listener.get_or_insert_with(|| at.listen(80));
        stream = stream.or_else(|| at.accept(listener).map(|accepted| accepted.id));
        if let Some(stream) = stream {
            heard.borrow_mut().extend(at.read_all(stream));
        }
    });
    world.start(client, Ticker::default());

    // A minute of the world takes some milliseconds of ours.
    world.run_for(Duration::from_secs(60));
    let text = String::from_utf8(text.take()).expect("what was written");
    assert_eq!(text.lines().count(), 100);

    let mut sent_again = 0;
    for entry in world.log() {
        let Happening::Traced(record) = &entry.what else { continue };
        let Trace::Sent { segment, why } = record.trace else { continue };
        if why.is_retransmission() {
            sent_again += 1;
            let (name, at) = (world.name(entry.host), entry.at.as_millis());
            println!("{at:>6} ms  {name} sends {} bytes again: {}", segment.len_bytes, why.sentence());
        }
    }
    assert!(sent_again > 0, "5 % of the frames are lost");
}
