//! What a host says that its gates hold, beside what was allocated: never less, and at most twice as much.

use stack::{Config, DatagramGateOptions, EchoPolicy, GateOptions, MemoryBudget, SocketId};
use synfin_benches::counting::{Counting, live_bytes};
use synfin_benches::raw::Alone;
use wire::Head;
use wire::icmp::{Echo, v4};
use wire::ip::protocol;
use wire::tcp::{Flags, Header, OptionLayout};

#[global_allocator]
static COUNTING: Counting = Counting;

/// Room that allocators, hash tables and a few empty chunks take, and that nobody can make grow.
const FIXED_BYTES: usize = 64 << 10;

struct Held {
    alone: Alone,
    before: usize,
}

impl Held {
    fn new() -> Held {
        let before = live_bytes();
        let config = Config { memory: MemoryBudget::of(1 << 30), ..Config::default() };
        Held { alone: Alone::new(config, 16), before }
    }

    fn check(&self, what: &str) {
        let real = live_bytes() - self.before;
        let said = self.alone.host.usage().held_bytes;
        println!("{what:<50} allocated {real:>10}, said {said:>10}: {:.2}", said as f64 / real as f64);
        assert!(said + 1_024 >= real, "{what}: {real} allocated, {said} said");
        assert!(said <= 2 * real + FIXED_BYTES, "{what}: {real} allocated, {said} said");
    }
}

/// One test, because the allocator counts for all threads.
#[test]
fn what_gates_are_said_to_hold_is_what_was_allocated() {
    for count in [10, 1_000, 20_000] {
        flows(count);
    }
    for (said_bytes, text_bytes) in [(0, 0), (1, 1), (1, 300), (1, 1_400), (1_400, 1_400), (9, 9_000)] {
        datagrams(said_bytes, text_bytes);
    }
    echoes();
}

fn flows(count: u32) {
    let mut held = Held::new();
    let options = GateOptions { held_max: 1 << 20, ..GateOptions::default() };
    let gate = held.alone.host.open_gate(options).expect("the first gate");
    for number in 0..count {
        let (source, source_port) = Alone::end(number);
        let mut syn = Header { source_port, destination_port: 81, flags: Flags::SYN, ..Header::default() };
        syn.options.mss = Some(1_460);
        syn.options.window_scale = Some(7);
        syn.options.sack_permitted = true;
        let mut head = Head::new();
        syn.append_to(&mut head, OptionLayout::Linux);
        let mut transport = head.as_slice().to_vec();
        transport.extend_from_slice(&[7; 1_000]);
        held.alone.packet(source, protocol::TCP, &transport);
    }
    assert_eq!(held.alone.host.usage().held_flows, count as usize);
    held.check(&format!("{count} flows with text on their SYNs"));
    while let Some(flow) = held.alone.host.next_flow(gate) {
        held.alone.host.accept_flow(held.alone.now, flow.id, None).expect("it waits");
        held.alone.answers();
    }
    held.check("  accepted");
    held.alone.host.close_gate(held.alone.now, gate).expect("it is open");
}

fn datagrams(said_bytes: usize, text_bytes: usize) {
    for flows in [1, 10, 5_000] {
        let mut held = Held::new();
        let options =
            DatagramGateOptions { bytes_max: 1 << 28, flow_bytes_max: 1 << 28, ..Default::default() };
        let gate = held.alone.host.open_datagram_gate(options).expect("the first gate");
        for number in 0..5_000 {
            held.alone.datagram(Alone::end(number % flows), 53, said_bytes, &vec![7; text_bytes]);
        }
        held.check(&format!("5,000 of {said_bytes} in packets of {text_bytes}, {flows} flows"));
        answer_each(&mut held, gate, flows);
        held.check("  read and answered");
    }
}

fn answer_each(held: &mut Held, gate: SocketId, flows: u32) {
    let now = held.alone.now;
    let mut answered = 0;
    while let Some(asked) = held.alone.host.next_datagram(gate) {
        if answered < flows {
            let data = vec![7; 1_000].into();
            held.alone
                .host
                .send_datagram_from(now, gate, asked.local, asked.remote, data)
                .expect("there is room");
            held.alone.answers();
            answered += 1;
        }
    }
}

fn echoes() {
    for data_bytes in [0, 56, 1_400] {
        let mut held = Held::new();
        let options = GateOptions { echo: EchoPolicy::HandOver, ..GateOptions::default() };
        let gate = held.alone.host.open_gate(options).expect("the first gate");
        let message =
            v4::Message::EchoRequest(Echo { identifier: 7, sequence: 1, data: &vec![7; data_bytes] });
        let mut bytes = vec![0; 20 + message.len_bytes()];
        let total_bytes = bytes.len() as u16;
        let (source, destination) = (Alone::end(1).0, "9.9.9.9".parse().expect("an address"));
        wire::ipv4::Header { source, destination, protocol: 1, total_bytes, ..Default::default() }
            .emit(&mut bytes[..20]);
        message.emit(&mut bytes[20..]);
        (0..1_000).for_each(|_| held.alone.frame(bytes.clone()));
        drop(bytes);
        assert!(held.alone.host.usage().held_bytes > 60_000);
        held.check(&format!("pings of {data_bytes}"));
        while held.alone.host.next_echo(gate).is_some() {}
        held.check("  read");
    }
}
