//! What a host says it holds, beside what was allocated: never less, and at most twice as much.

use stack::{Config, MemoryBudget};
use std::time::Duration;
use synfin_benches::counting::{Counting, live_bytes};
use synfin_benches::raw::Alone;

#[global_allocator]
static COUNTING: Counting = Counting;

/// Room that allocators, hash tables and a few empty chunks take, and that nobody can make grow.
const FIXED_BYTES: usize = 64 << 10;

struct Held {
    alone: Alone,
    before: usize,
}

impl Held {
    fn new(backlog: usize) -> Held {
        let before = live_bytes();
        let config = Config { memory: MemoryBudget::of(1 << 30), ..Config::default() };
        Held { alone: Alone::new(config, backlog), before }
    }

    /// `besides` is what the test itself has allocated in the meantime.
    fn check(&self, what: &str, besides: usize) {
        let real = live_bytes() - self.before - besides;
        let said = self.alone.host.usage().held_bytes;
        println!("{what:<44} allocated {real:>10}, said {said:>10}: {:.2}", said as f64 / real as f64);
        assert!(said + 1_024 >= real, "{what}: {real} allocated, {said} said");
        assert!(said <= 2 * real + FIXED_BYTES, "{what}: {real} allocated, {said} said");
    }
}

/// One test, because the allocator counts for all threads.
#[test]
fn what_is_said_to_be_held_is_what_was_allocated() {
    nothing_and_idle();
    out_of_order();
    in_order_and_unread();
    written_and_not_taken();
    half_open_and_time_wait();
    datagrams_and_fragments();
}

fn nothing_and_idle() {
    let mut held = Held::new(16);
    held.check("a host alone", 0);
    for number in 0..3_000 {
        held.alone.connect(number, 512);
        held.alone.accept().expect("three steps were made");
    }
    held.check("3,000 idle connections", 0);
}

fn out_of_order() {
    for text_bytes in [1, 100, 536, 1_460, 9_000, 60_000] {
        let mut held = Held::new(64);
        for number in 0..40 {
            let peer = held.alone.connect(number, 512);
            // All but the first byte of each.
            let mut seq = peer.nxt + 1;
            while (seq + text_bytes).bytes_since(peer.nxt) < 60_001.min(text_bytes * 2_000) {
                held.alone.say(&peer, seq, 512, &vec![7; text_bytes as usize]);
                seq += text_bytes + 1;
            }
            held.alone.answers();
        }
        held.check(&format!("out of order, {text_bytes} bytes each"), 0);
    }
    let mut held = Held::new(64);
    for number in 0..40 {
        let peer = held.alone.connect(number, 512);
        // A super-segment of which only the end is new, again and again.
        let mut text_bytes = 600;
        while text_bytes < 60_000 {
            held.alone.say(&peer, peer.nxt, 512, &vec![7; text_bytes]);
            held.alone.answers();
            text_bytes += 600;
        }
    }
    held.check("super-segments of which 600 bytes are new", 0);
}

fn in_order_and_unread() {
    for text_bytes in [1, 100, 536, 1_460, 9_000, 60_000] {
        let mut held = Held::new(64);
        let mut ids = Vec::new();
        for number in 0..40 {
            let peer = held.alone.connect(number, 512);
            let mut sent = 0;
            while sent + text_bytes < 60_001.min(text_bytes * 1_000) {
                held.alone.say(&peer, peer.nxt + sent, 512, &vec![7; text_bytes as usize]);
                held.alone.answers();
                sent += text_bytes;
            }
            ids.push(held.alone.accept().expect("three steps were made"));
        }
        let own = ids.capacity() * size_of_val(&ids[0]);
        held.check(&format!("in order, {text_bytes} bytes each"), own);
        for id in &ids {
            let mut half = [0; 30_000];
            let _ = held.alone.host.tcp_read(held.alone.now, *id, &mut half);
        }
        held.check("  half of it read", own);
    }
}

fn written_and_not_taken() {
    for write_bytes in [1, 100, 1_500, 10_000, 100_000] {
        let mut held = Held::new(64);
        for number in 0..40 {
            let mut peer = held.alone.connect(number, 64);
            let id = held.alone.accept().expect("three steps were made");
            let data = vec![7; write_bytes];
            for _ in 0..(200_000 / write_bytes).min(3_000) {
                if held.alone.host.tcp_write(held.alone.now, id, &data).is_err() {
                    break;
                }
                let answers = held.alone.answers();
                drop(answers);
            }
            if number % 2 == 0 {
                peer.ack += 777;
                held.alone.say(&peer, peer.nxt, 0, &[]);
                held.alone.answers();
            }
        }
        held.check(&format!("written by {write_bytes}, not taken"), 0);
    }
}

fn half_open_and_time_wait() {
    let mut held = Held::new(4_096);
    for number in 0..2_000 {
        held.alone.syn(number, &[7; 20_000]);
    }
    held.check("2,000 half open with text on their SYNs", 0);
    let mut held = Held::new(16);
    for number in 0..3_000 {
        let peer = held.alone.connect(number, 512);
        let id = held.alone.accept().expect("three steps were made");
        held.alone.host.tcp_close(held.alone.now, id).expect("it is ours");
        held.alone.answers();
        let fin = wire::tcp::Header {
            seq: peer.nxt,
            ack: peer.ack + 1,
            flags: wire::tcp::Flags::FIN | wire::tcp::Flags::ACK,
            window: 512,
            ..wire::tcp::Header::default()
        };
        held.alone.segment(peer.end, &fin, &[]);
        held.alone.answers();
    }
    assert_eq!(held.alone.host.usage().time_waits, 3_000);
    held.check("3,000 in TIME-WAIT", 0);
    held.alone.now += Duration::from_secs(61);
    held.alone.host.handle_timeout(held.alone.now);
    held.check("  and after it", 0);
    assert!(held.alone.host.usage().held_bytes < 400 << 10, "{:?}", held.alone.host.usage());
}

fn datagrams_and_fragments() {
    for (said_bytes, text_bytes) in [(0, 0), (1, 1), (1, 1_400), (1_400, 1_400), (9, 9_000)] {
        let mut held = Held::new(16);
        let socket = held.alone.host.udp_bind("10.0.0.2:53".parse().expect("an address")).expect("free");
        for number in 0..1_000 {
            held.alone.datagram(Alone::end(number), 53, said_bytes, &vec![7; text_bytes]);
        }
        held.check(&format!("datagrams of {said_bytes} in packets of {text_bytes}"), 0);
        held.alone.host.udp_close(socket).expect("it is ours");
    }
    let mut held = Held::new(16);
    for number in 0..200u32 {
        for offset in 0..10 {
            let mut bytes = vec![7; 20 + 640];
            wire::ipv4::Header {
                source: Alone::end(number).0,
                destination: "10.0.0.2".parse().expect("an address"),
                protocol: wire::ip::protocol::UDP,
                ttl: 64,
                identification: number as u16,
                more_fragments: true,
                fragment_offset_bytes: offset * 1_280,
                total_bytes: 660,
                ..wire::ipv4::Header::default()
            }
            .emit(&mut bytes[..20]);
            held.alone.frame(bytes);
        }
    }
    held.check("fragments of 200 datagrams", 0);
}
