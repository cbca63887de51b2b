//! Gates: flows to any address and port, held until somebody decides.

use crate::world::{CLIENT, Fate, Pair, SERVER, link, text, usage};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use synfin_stack::{
    AnyAddress, Config, Discard, Error, Event, FlowId, GateAddresses, GateOptions, Host, Interface,
    IsnPolicy, MemoryBudget, MemoryLevel, PendingFlow, Refuse, SocketId, Unreachable,
};
use tcp::{Instant, ReadError, State, WriteError};
use wire::ip::protocol;
use wire::tcp::{Flags, Header, OptionLayout};
use wire::{Checksum, Frame, LinkCapabilities, Medium, Seq, ipv4};

const FAR_V4: &str = "93.184.216.34:443";
const FAR_V6: &str = "[2001:db8::34]:443";

/// The client sends everything to the server, which has a gate.
fn gateway_with(config: &Config, options: GateOptions) -> (Pair, SocketId) {
    let mut pair = Pair::of(&Config::default(), config, link());
    let out = pair.links[CLIENT];
    for everything in ["0.0.0.0/0", "::/0"] {
        pair.client().add_route(everything.parse().unwrap(), None, out);
    }
    let gate = pair.server().open_gate(options).unwrap();
    (pair, gate)
}

fn gateway() -> (Pair, SocketId) {
    gateway_with(&Config::default(), GateOptions::default())
}

/// The client asks for a connection.
fn ask(pair: &mut Pair, remote: &str) -> SocketId {
    let now = pair.now;
    let id = pair.client().tcp_connect(now, None, remote.parse().unwrap()).unwrap();
    pair.settle();
    id
}

fn next(pair: &mut Pair, gate: SocketId) -> PendingFlow {
    pair.server().next_flow(gate).expect("a flow waits")
}

fn accept(pair: &mut Pair, flow: FlowId) -> SocketId {
    let now = pair.now;
    let id = pair.server().accept_flow(now, flow, None).unwrap().id;
    pair.settle();
    id
}

/// Frames of the server that were put on the wire.
fn answers(pair: &Pair) -> Vec<&[u8]> {
    pair.seen.iter().filter(|(from, _)| *from == SERVER).map(|(_, bytes)| &bytes[..]).collect()
}

fn segment(from: &str, to: &str, mut header: Header, text: &[u8]) -> Frame {
    let (from, to): (SocketAddr, SocketAddr) = (from.parse().unwrap(), to.parse().unwrap());
    (header.source_port, header.destination_port) = (from.port(), to.port());
    let mut bytes = [0; 60];
    let len = header.emit(&mut bytes, OptionLayout::default());
    let (IpAddr::V4(source), IpAddr::V4(destination)) = (from.ip(), to.ip()) else { panic!("IPv4 only") };
    let mut packet = vec![0; 20];
    let total_bytes = (20 + len + text.len()) as u16;
    ipv4::Header { source, destination, protocol: protocol::TCP, total_bytes, ..ipv4::Header::default() }
        .emit(&mut packet);
    packet.extend_from_slice(&bytes[..len]);
    packet.extend_from_slice(text);
    let mut frame = Frame::from_bytes(packet.into());
    // These tests are not about checksums.
    frame.offload.checksum = Checksum::Trusted;
    frame
}

fn syn(seq: u32) -> Header {
    Header { seq: Seq::new(seq), flags: Flags::SYN, window: 1_000, ..Header::default() }
}

fn arrive(pair: &mut Pair, frame: Frame) {
    let (now, link) = (pair.now, pair.links[SERVER]);
    pair.server().handle_frame(now, link, frame);
}

/// The TCP header of the next frame that the server sends; options are not read.
fn sent(pair: &mut Pair) -> Option<Header> {
    let now = pair.now;
    let (_, frame) = pair.server().poll_transmit(now)?;
    Some(Header::parse(&frame.to_vec()[20..]).unwrap().0)
}

#[test]
fn a_syn_to_any_address_is_not_answered_before_somebody_decides_and_then_is_a_stream_like_any_other() {
    for far in [FAR_V4, FAR_V6] {
        let (mut pair, gate) = gateway();
        let client = ask(&mut pair, far);
        assert!(answers(&pair).is_empty(), "not a word before the decision");
        assert_eq!(pair.events[SERVER], [(gate, Event::Acceptable)]);
        let flow = next(&mut pair, gate);
        assert_eq!(pair.server().next_flow(gate), None);
        assert_eq!(flow.local, far.parse::<SocketAddr>().unwrap());
        assert_eq!(flow.remote, pair.client().local_addr(client).unwrap());
        assert_eq!((flow.interface, flow.hop_limit), (pair.links[SERVER], 64));
        let mss = if flow.local.is_ipv4() { 1_460 } else { 1_440 };
        assert_eq!((flow.syn.mss, flow.syn.sack_permitted, flow.syn.ecn), (Some(mss), true, false));
        assert!(flow.syn.window_scale.is_some() && flow.syn.timestamp.is_some());
        assert!(flow.syn.window_bytes > 0);
        let held = usage(|used| (used.gates, used.held_flows) = (1, 1));
        assert_eq!(pair.server().usage().counts(), held);
        pair.events[SERVER].clear();

        let server = accept(&mut pair, flow.id);
        assert_eq!(pair.events[SERVER].first(), Some(&(server, Event::Connected)));
        assert!(pair.events[CLIENT].contains(&(client, Event::Connected)));
        assert_eq!(pair.server().local_addr(server), Some(flow.local));
        let data = text(200_000);
        assert_eq!(pair.send((CLIENT, client), (SERVER, server), &data), data);
        assert_eq!(pair.send((SERVER, server), (CLIENT, client), &data), data);
        // Half-close: the client has said everything, the server has not.
        let now = pair.now;
        pair.client().tcp_finish(now, client).unwrap();
        pair.settle();
        assert_eq!(pair.server().tcp_read(now, server, &mut [0; 9]), Ok(0));
        assert_eq!(pair.send((SERVER, server), (CLIENT, client), b"late"), b"late");
        pair.close((SERVER, server));
        assert_eq!(pair.client().tcp_read(now, client, &mut [0; 9]), Ok(0));
        pair.close((CLIENT, client));
        assert_eq!(pair.server().usage().counts(), usage(|used| used.gates = 1));
        assert_eq!(pair.server().counters().discarded_total(), 0, "{:?}", pair.server().counters());
    }
}

#[test]
fn what_is_written_before_the_third_step_waits_for_it() {
    let (mut pair, gate) = gateway();
    let client = ask(&mut pair, FAR_V4);
    let flow = next(&mut pair, gate).id;
    let now = pair.now;
    let server = pair.server().accept_flow(now, flow, None).unwrap().id;
    assert_eq!(pair.server().usage().half_open, 1);
    assert_eq!(pair.server().tcp_write(now, server, b"welcome"), Ok(7));
    assert_eq!(pair.server().tcp_read(now, server, &mut [0; 9]), Err(ReadError::WouldBlock));
    pair.fate = Box::new(|from, _| if from == CLIENT { Fate::Lose } else { Fate::Deliver });
    pair.settle();
    assert!(!pair.events[SERVER].contains(&(server, Event::Connected)));
    pair.fate = Box::new(|_, _| Fate::Deliver);
    pair.pass_time(Duration::from_secs(2));
    assert!(pair.events[SERVER].contains(&(server, Event::Connected)), "the SYN-ACK came again");
    assert_eq!(pair.server().usage().half_open, 0);
    let mut buffer = [0; 9];
    let now = pair.now;
    assert_eq!(pair.client().tcp_read(now, client, &mut buffer), Ok(7));
    assert_eq!(&buffer[..7], b"welcome");
}

#[test]
fn a_flow_may_be_finished_or_closed_before_its_third_step() {
    for closes in [false, true] {
        let (mut pair, gate) = gateway();
        let client = ask(&mut pair, FAR_V4);
        let flow = next(&mut pair, gate).id;
        let now = pair.now;
        let server = pair.server().accept_flow(now, flow, None).unwrap().id;
        if closes {
            pair.server().tcp_close(now, server).unwrap();
        } else {
            pair.server().tcp_finish(now, server).unwrap();
        }
        pair.settle();
        let told = pair.events[SERVER].contains(&(server, Event::Connected));
        assert_eq!(told, !closes, "who has closed it is told nothing more");
        assert_eq!(pair.client().tcp_read(now, client, &mut [0; 9]), Ok(0));
        assert_eq!(pair.server().usage().half_open, 0);
        pair.close((CLIENT, client));
        if !closes {
            pair.close((SERVER, server));
        }
        pair.pass_time(Duration::from_secs(61));
        assert_eq!(pair.server().usage().counts(), usage(|used| used.gates = 1));
    }
}

#[test]
fn a_refused_flow_is_told_why() {
    use Unreachable::{Host, Network, Port, Prohibited};
    // The codes of RFC 792 with RFC 1812 §5.2.7.1, and of RFC 4443 §3.1.
    for (what, code_v4, code_v6) in [(Network, 0, 0), (Host, 1, 3), (Port, 3, 4), (Prohibited, 13, 1)] {
        for far in [FAR_V4, FAR_V6] {
            let (mut pair, gate) = gateway();
            ask(&mut pair, far);
            let syn = pair.seen[0].1.clone();
            let flow = next(&mut pair, gate).id;
            let now = pair.now;
            pair.server().refuse_flow(now, flow, Refuse::Unreachable(what)).unwrap();
            pair.settle();
            let sent = answers(&pair);
            assert_eq!(sent.len(), 1);
            let (at, kind, code) = if far == FAR_V4 { (20, 3, code_v4) } else { (40, 1, code_v6) };
            assert_eq!((sent[0][at], sent[0][at + 1]), (kind, code), "{what:?} to {far}");
            assert_eq!(&sent[0][at + 8..], syn, "the SYN is quoted as it came");
            let heard = pair.client().counters().icmp_errors_delivered;
            assert_eq!((heard, pair.server().counters().icmp_errors_sent), (1, 1));
        }
    }
    for far in [FAR_V4, FAR_V6] {
        let (mut pair, gate) = gateway();
        let client = ask(&mut pair, far);
        let flow = next(&mut pair, gate).id;
        let now = pair.now;
        pair.server().refuse_flow(now, flow, Refuse::Reset).unwrap();
        pair.settle();
        assert!(pair.events[CLIENT].contains(&(client, Event::Failed(tcp::Error::Refused))));
        assert_eq!(pair.server().usage().counts(), usage(|used| used.gates = 1));
        assert_eq!(pair.server().counters().flows_refused, 1);
    }
}

#[test]
fn a_flow_refused_in_silence_comes_again_as_another() {
    let (mut pair, gate) = gateway();
    ask(&mut pair, FAR_V4);
    let first = next(&mut pair, gate);
    let now = pair.now;
    pair.server().refuse_flow(now, first.id, Refuse::Silently).unwrap();
    pair.settle();
    assert!(answers(&pair).is_empty());
    pair.pass_time(Duration::from_millis(1_100));
    let second = next(&mut pair, gate);
    assert_eq!((second.local, second.remote), (first.local, first.remote));
    assert_ne!(second.id, first.id);
    assert_eq!(pair.server().accept_flow(now, first.id, None), Err(Error::UnknownSocket));
    accept(&mut pair, second.id);
}

#[test]
fn repeated_syns_are_the_same_flow_and_the_latest_is_answered() {
    let (mut pair, gate) = gateway();
    let client = ask(&mut pair, FAR_V4);
    let flow = next(&mut pair, gate);
    pair.pass_time(Duration::from_millis(7_500));
    assert_eq!(pair.server().counters().flows_asked_again, 3, "after 1, 3 and 7 seconds");
    assert_eq!((pair.server().next_flow(gate), pair.server().usage().held_flows), (None, 1));
    let now = pair.now;
    pair.server().accept_flow(now, flow.id, None).unwrap();
    let syn_ack = sent(&mut pair).unwrap();
    let (_, last_syn) = pair.seen.iter().rfind(|(from, _)| *from == CLIENT).unwrap();
    let last_syn = Header::parse(&last_syn[20..]).unwrap().0;
    assert_eq!(syn_ack.flags, Flags::SYN | Flags::ACK);
    assert_eq!(syn_ack.ack, last_syn.seq + 1);
    assert_eq!(syn_ack.options.timestamps.unwrap().echo, last_syn.options.timestamps.unwrap().value);
    assert_ne!(flow.syn.timestamp, Some(last_syn.options.timestamps.unwrap().value));
    assert_eq!(pair.client().tcp(client).unwrap().state(), State::SynSent);
}

#[test]
fn a_syn_with_another_number_takes_the_place_of_the_first_and_stays_no_longer() {
    let (mut pair, gate) = gateway();
    arrive(&mut pair, segment("10.0.0.1:5000", FAR_V4, syn(100), b""));
    let flow = next(&mut pair, gate);
    pair.pass_time(Duration::from_secs(9));
    arrive(&mut pair, segment("10.0.0.1:5000", FAR_V4, syn(7_000), b""));
    assert_eq!((pair.server().next_flow(gate), pair.server().usage().held_flows), (None, 1));
    let now = pair.now;
    pair.server().accept_flow(now, flow.id, None).unwrap();
    assert_eq!(sent(&mut pair).unwrap().ack, Seq::new(7_001));
    // Another that changes its number each second is gone in time.
    for n in 0..9 {
        arrive(&mut pair, segment("10.0.0.1:5001", FAR_V4, syn(n * 50_000), b""));
        pair.pass_time(Duration::from_secs(1));
    }
    assert_eq!(pair.server().usage().held_flows, 1);
    pair.pass_time(Duration::from_secs(1));
    assert_eq!(pair.server().usage().held_flows, 0);
}

#[test]
fn only_a_reset_with_the_next_number_withdraws_a_flow() {
    let (mut pair, gate) = gateway();
    arrive(&mut pair, segment("10.0.0.1:5000", FAR_V4, syn(100), b"hello"));
    let flow = next(&mut pair, gate).id;
    let reset = |seq: u32| Header { flags: Flags::RST, ..syn(seq) };
    for wrong in [0, 99, 100, 102, 105, 107, 1 << 31] {
        arrive(&mut pair, segment("10.0.0.1:5000", FAR_V4, reset(wrong), b""));
        assert_eq!(pair.server().usage().held_flows, 1, "{wrong}");
    }
    arrive(&mut pair, segment("10.0.0.1:5001", FAR_V4, reset(101), b""));
    assert_eq!(pair.server().usage().held_flows, 1, "of another port");
    // The next number, with the text of the SYN counted.
    arrive(&mut pair, segment("10.0.0.1:5000", FAR_V4, reset(106), b""));
    assert_eq!(pair.server().usage().counts(), usage(|used| used.gates = 1));
    assert_eq!(pair.server().counters().flows_withdrawn, 1);
    let now = pair.now;
    assert_eq!(pair.server().accept_flow(now, flow, None), Err(Error::UnknownSocket));
    // Or without, and before anybody was told.
    arrive(&mut pair, segment("10.0.0.1:5000", FAR_V4, syn(100), b""));
    arrive(&mut pair, segment("10.0.0.1:5000", FAR_V4, reset(101), b""));
    assert_eq!(pair.server().next_flow(gate), None);
    assert!(sent(&mut pair).is_none(), "nobody got an answer");
}

#[test]
fn text_in_a_syn_is_not_kept_and_comes_again() {
    let (mut pair, gate) = gateway();
    arrive(&mut pair, segment("10.0.0.1:5000", FAR_V4, syn(100), b"hello"));
    let flow = next(&mut pair, gate).id;
    let now = pair.now;
    let id = pair.server().accept_flow(now, flow, None).unwrap().id;
    let syn_ack = sent(&mut pair).unwrap();
    assert_eq!(syn_ack.ack, Seq::new(101), "the SYN alone is acknowledged");
    let third = Header { ack: syn_ack.seq + 1, flags: Flags::ACK, ..syn(101) };
    arrive(&mut pair, segment("10.0.0.1:5000", FAR_V4, third, b"hello"));
    let mut buffer = [0; 9];
    assert_eq!(pair.server().tcp_read(now, id, &mut buffer), Ok(5));
    assert_eq!(&buffer[..5], b"hello");
}

#[test]
fn an_id_names_one_flow_and_never_another() {
    let (mut pair, gate) = gateway();
    let now = pair.now;
    arrive(&mut pair, segment("10.0.0.1:5000", FAR_V4, syn(1), b""));
    let flow = next(&mut pair, gate).id;
    accept(&mut pair, flow);
    assert_eq!(pair.server().accept_flow(now, flow, None), Err(Error::UnknownSocket), "accepted twice");
    assert_eq!(pair.server().refuse_flow(now, flow, Refuse::Reset), Err(Error::UnknownSocket));
    arrive(&mut pair, segment("10.0.0.1:5001", FAR_V4, syn(1), b""));
    let refused = next(&mut pair, gate).id;
    pair.server().refuse_flow(now, refused, Refuse::Reset).unwrap();
    arrive(&mut pair, segment("10.0.0.1:5001", FAR_V4, syn(1), b""));
    assert_eq!(pair.server().accept_flow(now, refused, None), Err(Error::UnknownSocket));
    let of_first_gate = next(&mut pair, gate).id;
    pair.server().close_gate(now, gate).unwrap();
    assert_eq!(pair.server().next_flow(gate), None);
    assert_eq!(pair.server().close_gate(now, gate), Err(Error::UnknownSocket));
    let other = pair.server().open_gate(GateOptions::default()).unwrap();
    arrive(&mut pair, segment("10.0.0.1:5001", FAR_V4, syn(1), b""));
    assert_eq!(pair.server().accept_flow(now, of_first_gate, None), Err(Error::UnknownSocket));
    assert_eq!(pair.server().next_flow(gate), None, "the place is another gate's now");
    assert!(pair.server().next_flow(other).is_some());
}

#[test]
fn an_undecided_flow_is_dropped_in_silence_when_its_time_is_over() {
    let (mut pair, gate) = gateway();
    arrive(&mut pair, segment("10.0.0.1:5000", FAR_V4, syn(1), b""));
    pair.settle();
    let flow = next(&mut pair, gate).id;
    assert_eq!(pair.server().poll_timeout(), Some(pair.now + Duration::from_secs(10)));
    pair.pass_time(Duration::from_millis(9_999));
    assert_eq!(pair.server().usage().held_flows, 1);
    pair.pass_time(Duration::from_millis(1));
    assert_eq!(pair.server().usage().counts(), usage(|used| used.gates = 1));
    assert_eq!((pair.server().counters().flows_expired, pair.server().poll_timeout()), (1, None));
    let now = pair.now;
    assert_eq!(pair.server().accept_flow(now, flow, None), Err(Error::UnknownSocket));
    assert!(answers(&pair).is_empty());
}

#[test]
fn an_accepted_flow_fails_if_its_third_step_never_comes() {
    let (mut pair, gate) = gateway();
    arrive(&mut pair, segment("10.0.0.9:5000", FAR_V4, syn(1), b""));
    let flow = next(&mut pair, gate).id;
    pair.fate = Box::new(|_, _| Fate::Lose);
    let id = accept(&mut pair, flow);
    pair.events[SERVER].clear();
    pair.pass_time(Duration::from_secs(200));
    let failed = [(id, Event::Failed(tcp::Error::TimedOut)), (id, Event::Closed)];
    assert!(pair.events[SERVER].ends_with(&failed), "{:?}", pair.events[SERVER]);
    assert!(!pair.events[SERVER].contains(&(id, Event::Connected)));
    let now = pair.now;
    let write = pair.server().tcp_write(now, id, b"?");
    assert_eq!(write, Err(WriteError::Failed(tcp::Error::TimedOut)));
    pair.close((SERVER, id));
    assert_eq!(pair.server().usage().counts(), usage(|used| used.gates = 1));
}

#[test]
fn a_reset_or_another_syn_instead_of_the_third_step_is_a_failure_that_is_told() {
    for flags in [Flags::RST, Flags::SYN] {
        let (mut pair, gate) = gateway();
        arrive(&mut pair, segment("10.0.0.9:5000", FAR_V4, syn(1), b""));
        let flow = next(&mut pair, gate).id;
        pair.fate = Box::new(|_, _| Fate::Lose);
        let id = accept(&mut pair, flow);
        let now = pair.now;
        pair.server().tcp_write(now, id, b"welcome").unwrap();
        arrive(&mut pair, segment("10.0.0.9:5000", FAR_V4, Header { flags, ..syn(2) }, b""));
        pair.settle();
        let failed = [(id, Event::Failed(tcp::Error::Reset)), (id, Event::Closed)];
        assert!(pair.events[SERVER].ends_with(&failed), "{:?}", pair.events[SERVER]);
        assert_eq!(pair.server().tcp_read(now, id, &mut [0; 9]), Err(ReadError::Failed(tcp::Error::Reset)));
        assert_eq!(pair.server().usage().half_open, 0);
        pair.close((SERVER, id));
        assert_eq!(pair.server().usage().counts(), usage(|used| used.gates = 1));
    }
}

#[test]
fn a_flood_of_syns_is_held_within_the_bound_and_leaves_nothing_behind() {
    let (mut pair, gate) = gateway();
    pair.keep_seen = false;
    let before = pair.server().usage().held_bytes;
    for n in 0..100_000u32 {
        let from = format!("172.16.{}.{}:{}", n >> 16, n >> 8 & 255, 1_000 + (n & 255));
        arrive(&mut pair, segment(&from, FAR_V4, syn(n), b""));
    }
    let flooded = pair.server().usage();
    assert_eq!((flooded.held_flows, flooded.connections), (1_024, 0));
    assert!(flooded.held_bytes < before + 600 * 1_024, "{} of {before}", flooded.held_bytes);
    assert_eq!(pair.server().counters().discarded(Discard::TcpGateFull), 98_976);
    assert_eq!(pair.server().counters().cookies_sent, 0);
    assert!(sent(&mut pair).is_none(), "nothing was answered");
    assert_eq!(std::iter::from_fn(|| pair.server().next_flow(gate)).count(), 1_024);
    pair.pass_time(Duration::from_secs(11));
    assert_eq!(pair.server().counters().flows_expired, 1_024);
    let after = pair.server().usage();
    assert_eq!(after.counts(), usage(|used| used.gates = 1));
    assert!(after.held_bytes < before + 8_192, "{} of {before}", after.held_bytes);
    // And the gate works.
    let client = ask(&mut pair, FAR_V4);
    let flow = next(&mut pair, gate).id;
    let server = accept(&mut pair, flow);
    assert_eq!(pair.send((CLIENT, client), (SERVER, server), b"hello"), b"hello");
}

#[test]
fn a_flood_that_is_accepted_at_once_is_bounded_as_half_open_connections_are() {
    let config = Config { half_open_max: 100, ..Config::default() };
    let (mut pair, gate) = gateway_with(&config, GateOptions::default());
    pair.fate = Box::new(|_, _| Fate::Lose);
    let mut accepted = Vec::new();
    for n in 0..1_000 {
        arrive(&mut pair, segment(&format!("10.0.0.9:{}", 1_000 + n), FAR_V4, syn(n), b""));
        if let Some(flow) = pair.server().next_flow(gate) {
            accepted.push(accept(&mut pair, flow.id));
        }
    }
    assert_eq!((accepted.len(), pair.server().usage().half_open), (100, 100));
    assert_eq!(pair.server().counters().discarded(Discard::TcpGateFull), 900);
    for id in accepted {
        pair.close((SERVER, id));
    }
    pair.pass_time(Duration::from_secs(200));
    assert_eq!(pair.server().usage().counts(), usage(|used| used.gates = 1));
}

#[test]
fn while_memory_is_scarce_new_flows_are_not_held_and_nobody_gets_a_cookie() {
    let config = Config { memory: MemoryBudget::of(200_000), ..Config::default() };
    let options = GateOptions { held_max: 100_000, ..GateOptions::default() };
    let (mut pair, gate) = gateway_with(&config, options);
    for n in 0..2_000 {
        arrive(&mut pair, segment(&format!("10.0.0.9:{}", 1_000 + n), FAR_V4, syn(n), b""));
    }
    let usage_now = pair.server().usage();
    assert_eq!(usage_now.memory, MemoryLevel::Pressure);
    assert!(usage_now.held_bytes < 200_000 && usage_now.held_flows > 100, "{usage_now:?}");
    assert_eq!(pair.server().counters().cookies_sent, 0);
    assert!(sent(&mut pair).is_none());
    let refused = pair.server().counters().discarded(Discard::TcpGateFull);
    assert_eq!(refused + usage_now.held_flows as u64, 2_000);
    let now = pair.now;
    while let Some(flow) = pair.server().next_flow(gate) {
        pair.server().refuse_flow(now, flow.id, Refuse::Silently).unwrap();
    }
    assert_eq!(pair.server().usage().memory, MemoryLevel::Calm);
    arrive(&mut pair, segment("10.0.0.9:999", FAR_V4, syn(1), b""));
    assert!(pair.server().next_flow(gate).is_some());
}

#[test]
fn a_full_host_accepts_no_flow_and_keeps_it_for_later() {
    let (mut pair, gate) =
        gateway_with(&Config { connections_max: 1, ..Config::default() }, GateOptions::default());
    let first = ask(&mut pair, FAR_V4);
    ask(&mut pair, FAR_V6);
    let (one, two) = (next(&mut pair, gate).id, next(&mut pair, gate).id);
    let id = accept(&mut pair, one);
    let now = pair.now;
    assert_eq!(pair.server().accept_flow(now, two, None), Err(Error::TooManySockets));
    pair.close((CLIENT, first));
    pair.close((SERVER, id));
    accept(&mut pair, two);
}

#[test]
fn closing_a_gate_resets_what_waits_and_leaves_what_was_accepted() {
    for far in [FAR_V4, FAR_V6] {
        let (mut pair, gate) = gateway();
        let open = ask(&mut pair, far);
        let flow = next(&mut pair, gate).id;
        let server = accept(&mut pair, flow);
        let waiting = ask(&mut pair, far);
        let now = pair.now;
        pair.server().tcp_close(now, gate).unwrap();
        pair.settle();
        assert!(pair.events[CLIENT].contains(&(waiting, Event::Failed(tcp::Error::Refused))));
        assert_eq!(
            pair.server().usage().counts(),
            usage(|used| (used.connections, used.flows, used.timers) = (1, 1, 0))
        );
        // The connection at a foreign address goes on to its end and beyond.
        let data = text(50_000);
        assert_eq!(pair.send((CLIENT, open), (SERVER, server), &data), data);
        assert_eq!(pair.send((SERVER, server), (CLIENT, open), &data), data);
        pair.close((SERVER, server));
        pair.close((CLIENT, open));
        assert_eq!(pair.server().usage().time_waits, 1);
        // To that address nothing else is ours any more: no reset, no ICMP error.
        pair.seen.clear();
        let before = pair.server().counters().discarded(Discard::IpNotForUs);
        ask(&mut pair, far);
        let asker = pair.client().udp_bind("[::]:0".parse().unwrap()).unwrap();
        let now = pair.now;
        pair.client().udp_send_to(now, asker, vec![7].into(), far.parse().unwrap()).unwrap();
        pair.settle();
        assert_eq!(pair.server().counters().discarded(Discard::IpNotForUs), before + 2);
        assert!(answers(&pair).is_empty());
    }
}

#[test]
fn a_listener_beside_a_gate_has_its_own_address_and_port() {
    let (mut pair, gate) = gateway();
    let own = pair.server().tcp_listen("10.0.0.2:443".parse().unwrap(), 8).unwrap();
    let all = pair.server().tcp_listen("[::]:80".parse().unwrap(), 8).unwrap();
    ask(&mut pair, "10.0.0.2:443");
    ask(&mut pair, "10.0.0.2:80");
    assert!(pair.server().tcp_accept(own).is_some() && pair.server().tcp_accept(all).is_some());
    // An unspecified address stands for ours, not for the world's; and ports of ours without listener are the gate's.
    for held in ["93.184.216.34:80", "[2001:db8::34]:80", FAR_V4, "10.0.0.2:81"] {
        ask(&mut pair, held);
        assert_eq!(next(&mut pair, gate).local, held.parse::<SocketAddr>().unwrap());
    }
    pair.server().set_any_address(AnyAddress::IsOurs);
    ask(&mut pair, "93.184.216.34:80");
    assert!(pair.server().tcp_accept(all).is_some(), "every address is ours now");
    assert_eq!(pair.server().next_flow(gate), None);
}

#[test]
fn a_gate_takes_the_addresses_that_it_names_and_the_first_of_several_wins() {
    let net = |text: &str| text.parse::<synfin_stack::Cidr>().unwrap();
    let addresses = GateAddresses::of([net("93.184.0.0/16"), net("2001:db8::/32")])
        .except([net("93.184.216.0/28"), net("2001:db8::dead/128")]);
    let (mut pair, gate) =
        gateway_with(&Config::default(), GateOptions { addresses, ..GateOptions::default() });
    for taken in [FAR_V4, FAR_V6] {
        ask(&mut pair, taken);
        assert_eq!(next(&mut pair, gate).local, taken.parse::<SocketAddr>().unwrap());
    }
    pair.seen.clear();
    for foreign in ["93.184.216.1:443", "93.185.0.1:443", "[2001:db8::dead]:443", "[2001:db9::1]:443"] {
        ask(&mut pair, foreign);
    }
    assert_eq!((pair.server().next_flow(gate), answers(&pair).len()), (None, 0));
    assert_eq!(pair.server().counters().discarded(Discard::IpNotForUs), 4);
    let rest = pair.server().open_gate(GateOptions::default()).unwrap();
    for (address, gate) in [(FAR_V4, gate), ("93.184.216.1:443", rest), ("10.0.0.2:9", rest)] {
        ask(&mut pair, address);
        assert_eq!(next(&mut pair, gate).local, address.parse::<SocketAddr>().unwrap());
    }
}

#[test]
fn what_is_no_syn_is_answered_as_at_a_closed_port() {
    let (mut pair, gate) = gateway();
    let header = |flags| Header { flags, ack: Seq::new(77), ..syn(100) };
    arrive(&mut pair, segment("10.0.0.1:5000", FAR_V4, header(Flags::ACK), b""));
    let reset = sent(&mut pair).unwrap();
    assert_eq!((reset.flags, reset.seq), (Flags::RST, Seq::new(77)));
    arrive(&mut pair, segment("10.0.0.1:5000", FAR_V4, header(Flags::SYN | Flags::ACK), b""));
    assert_eq!(sent(&mut pair).unwrap().flags, Flags::RST);
    arrive(&mut pair, segment("10.0.0.1:5000", FAR_V4, header(Flags::FIN), b"text"));
    let reset = sent(&mut pair).unwrap();
    assert_eq!((reset.flags, reset.ack), (Flags::RST | Flags::ACK, Seq::new(105)));
    arrive(&mut pair, segment("10.0.0.1:5000", FAR_V4, header(Flags::RST), b""));
    arrive(&mut pair, segment("10.0.0.1:5000", FAR_V4, header(Flags::SYN | Flags::FIN), b""));
    assert!(sent(&mut pair).is_none());
    assert_eq!(pair.server().counters().discarded(Discard::TcpListenerIgnored), 1, "a scanner's SYN and FIN");
    assert_eq!(pair.server().next_flow(gate), None);
}

#[test]
fn what_the_host_sends_to_itself_is_not_for_a_gate() {
    let (mut pair, gate) = gateway();
    let now = pair.now;
    let id = pair.server().tcp_connect(now, None, "10.0.0.2:9".parse().unwrap()).unwrap();
    pair.settle();
    assert!(pair.events[SERVER].contains(&(id, Event::Failed(tcp::Error::Refused))));
    assert_eq!(pair.server().next_flow(gate), None);
}

#[test]
fn a_flow_whose_ends_another_connection_has_taken_cannot_be_accepted() {
    let (mut pair, gate) = gateway();
    arrive(&mut pair, segment("10.0.0.1:5000", "10.0.0.2:6000", syn(1), b""));
    let flow = next(&mut pair, gate).id;
    let now = pair.now;
    let ends = ("10.0.0.2:6000".parse().unwrap(), "10.0.0.1:5000".parse().unwrap());
    let id = pair.server().tcp_connect(now, Some(ends.0), ends.1).unwrap();
    assert_eq!(pair.server().accept_flow(now, flow, None), Err(Error::AddressInUse));
    assert_eq!(pair.server().tcp(id).unwrap().state(), State::SynSent);
    assert_eq!(pair.server().usage().held_flows, 0);
}

/// A gateway in TIME-WAIT for 10.0.0.1:5000.
fn gateway_in_time_wait(far: &str) -> (Pair, SocketId) {
    let (mut pair, gate) = gateway();
    let client = ask_from_5000(&mut pair, far);
    let flow = next(&mut pair, gate).id;
    let server = accept(&mut pair, flow);
    pair.close((SERVER, server));
    pair.close((CLIENT, client));
    assert_eq!((pair.client().usage().time_waits, pair.server().usage().time_waits), (0, 1));
    pair.pass_time(Duration::from_millis(10));
    (pair, gate)
}

fn ask_from_5000(pair: &mut Pair, far: &str) -> SocketId {
    let local = if far.starts_with('[') { "[fd00::1]:5000" } else { "10.0.0.1:5000" };
    let now = pair.now;
    let ends = (local.parse().unwrap(), far.parse().unwrap());
    let id = pair.client().tcp_connect(now, Some(ends.0), ends.1).unwrap();
    pair.settle();
    id
}

#[test]
fn a_newer_syn_for_ends_in_time_wait_is_held_and_reopens_them_when_it_is_accepted() {
    for far in [FAR_V4, FAR_V6] {
        let (mut pair, gate) = gateway_in_time_wait(far);
        let client = ask_from_5000(&mut pair, far);
        let flow = next(&mut pair, gate).id;
        assert_eq!(pair.server().usage().time_waits, 1, "it is not given up for a question");
        let server = accept(&mut pair, flow);
        assert_eq!(pair.server().counters().time_waits_reopened, 1);
        assert_eq!(pair.server().usage().time_waits, 0);
        assert_eq!(pair.send((CLIENT, client), (SERVER, server), b"again"), b"again");
    }
}

#[test]
fn the_numbers_of_a_reopened_flow_are_beyond_those_of_the_old_one() {
    let isn = Some(IsnPolicy::Fixed(Seq::new(5)));
    let (mut pair, gate) = gateway_with(&Config::default(), GateOptions { isn, ..GateOptions::default() });
    let mut last = None;
    for _ in 0..3 {
        let client = ask_from_5000(&mut pair, FAR_V4);
        let flow = next(&mut pair, gate).id;
        let server = accept(&mut pair, flow);
        let numbers = pair.server().tcp(server).unwrap().snapshot();
        assert!(last.is_none_or(|last| numbers.iss.after(last)), "{numbers:?} after {last:?}");
        last = Some(numbers.snd_nxt + 1);
        pair.close((SERVER, server));
        pair.close((CLIENT, client));
        pair.pass_time(Duration::from_millis(10));
    }
}

#[test]
fn time_wait_stays_when_the_newer_flow_is_refused_or_never_opens() {
    let (mut pair, gate) = gateway_in_time_wait(FAR_V4);
    let client = ask_from_5000(&mut pair, FAR_V4);
    let flow = next(&mut pair, gate).id;
    let now = pair.now;
    pair.server().refuse_flow(now, flow, Refuse::Reset).unwrap();
    pair.settle();
    assert_eq!(pair.server().usage().time_waits, 1);
    pair.close((CLIENT, client));
    pair.pass_time(Duration::from_millis(10));
    // Accepted, and the third step is a reset: the old one has its place again.
    ask_from_5000(&mut pair, FAR_V4);
    let flow = next(&mut pair, gate).id;
    pair.fate = Box::new(|_, _| Fate::Lose);
    let id = accept(&mut pair, flow);
    assert_eq!(pair.server().usage().time_waits, 0, "set aside");
    let numbers = pair.server().tcp(id).unwrap().snapshot();
    let reset = Header { seq: numbers.rcv_nxt, flags: Flags::RST, ..Header::default() };
    arrive(&mut pair, segment("10.0.0.1:5000", FAR_V4, reset, b""));
    pair.settle();
    assert!(pair.events[SERVER].contains(&(id, Event::Failed(tcp::Error::Reset))));
    assert_eq!((pair.server().usage().time_waits, pair.server().counters().time_waits_reopened), (1, 0));
    pair.close((SERVER, id));
    // And ended by its program, it is over with the old one.
    pair.pass_time(Duration::from_millis(10));
    arrive(&mut pair, segment("10.0.0.1:5000", FAR_V4, syn(numbers.rcv_nxt.number() + 90_000), b""));
    let flow = next(&mut pair, gate).id;
    let id = accept(&mut pair, flow);
    let now = pair.now;
    pair.server().tcp_abort(now, id).unwrap();
    pair.settle();
    assert_eq!(pair.server().usage().time_waits, 1);
    pair.close((SERVER, id));
    pair.pass_time(Duration::from_secs(61));
    assert_eq!(pair.server().usage().counts(), usage(|used| used.gates = 1));
}

#[test]
fn an_old_duplicate_syn_is_not_for_the_gate() {
    let (mut pair, gate) = gateway_in_time_wait(FAR_V4);
    let old = pair.seen.iter().find(|(from, _)| *from == CLIENT).unwrap().1.clone();
    pair.inject(CLIENT, old);
    assert_eq!((pair.server().next_flow(gate), pair.server().usage().time_waits), (None, 1));
    let challenge = sent(&mut pair).unwrap();
    assert_eq!(challenge.flags, Flags::ACK, "TIME-WAIT answers it, although no address and no route is ours");
}

/// A host whose only link goes to whoever is behind it: it has no address and no route.
fn without_addresses(pair: &mut Pair) -> SocketId {
    let mut host = Host::new(Config::default(), [2; 32]);
    let addresses = Vec::new();
    pair.links[SERVER] =
        host.add_interface(Interface { name: "tun".into(), capabilities: link(), hardware: None, addresses });
    pair.hosts[SERVER] = host;
    pair.server().open_gate(GateOptions::default()).unwrap()
}

#[test]
fn a_gate_needs_neither_an_address_nor_a_route() {
    for far in [FAR_V4, FAR_V6] {
        let (mut pair, _) = gateway();
        let gate = without_addresses(&mut pair);
        let client = ask(&mut pair, far);
        let flow = next(&mut pair, gate).id;
        let server = accept(&mut pair, flow);
        let data = text(100_000);
        assert_eq!(pair.send((CLIENT, client), (SERVER, server), &data), data);
        assert_eq!(pair.send((SERVER, server), (CLIENT, client), &data), data);
        // The acknowledgment of the last FIN is lost; TIME-WAIT finds the way back, too.
        pair.close((SERVER, server));
        pair.fate = Box::new(|from, _| if from == SERVER { Fate::Lose } else { Fate::Deliver });
        pair.close((CLIENT, client));
        pair.fate = Box::new(|_, _| Fate::Deliver);
        pair.pass_time(Duration::from_secs(5));
        assert_eq!(pair.client().usage().connections, 0);
        // And so do resets.
        let refused = ask(&mut pair, far);
        let flow = next(&mut pair, gate).id;
        let now = pair.now;
        pair.server().refuse_flow(now, flow, Refuse::Reset).unwrap();
        pair.settle();
        assert!(pair.events[CLIENT].contains(&(refused, Event::Failed(tcp::Error::Refused))));
        assert_eq!(pair.server().counters().discarded(Discard::NoRoute), 0);
    }
}

#[test]
fn answers_leave_by_the_interface_that_the_syn_came_by_whatever_the_table_says() {
    let mut host = Host::new(Config::default(), [2; 32]);
    let mut add = |name: &str, address: &str| {
        let addresses = vec![address.parse().unwrap()];
        host.add_interface(Interface { name: name.into(), capabilities: link(), hardware: None, addresses })
    };
    let (inside, outside) = (add("inside", "10.0.0.2/24"), add("outside", "192.0.2.2/24"));
    host.add_route("0.0.0.0/0".parse().unwrap(), Some("192.0.2.1".parse().unwrap()), outside);
    let gate = host.open_gate(GateOptions::default()).unwrap();
    let now = Instant::from_millis(5);
    // Nobody has said that 172.16.0.0/12 is inside; but there it is.
    for (came_by, from) in [(inside, "172.16.0.7:5000"), (outside, "172.16.0.7:5001")] {
        host.handle_frame(now, came_by, segment(from, FAR_V4, syn(1), b""));
        let flow = host.next_flow(gate).unwrap();
        assert_eq!(flow.interface, came_by);
        host.accept_flow(now, flow.id, None).unwrap();
        let (interface, frame) = host.poll_transmit(now).unwrap();
        assert_eq!(interface, came_by);
        assert_eq!(frame.to_vec()[12..16], [93, 184, 216, 34], "from the address that was asked for");
        assert!(host.poll_transmit(now).is_none());
    }
    // A change of the table changes nothing: what is sent again leaves by the same interface.
    host.add_route("172.16.0.0/12".parse().unwrap(), None, outside);
    let later = now + Duration::from_secs(2);
    host.handle_timeout(later);
    let again: Vec<_> = std::iter::from_fn(|| host.poll_transmit(later)).map(|(by, _)| by).collect();
    assert_eq!(again.len(), 2);
    assert!(again.contains(&inside) && again.contains(&outside), "{again:?}");
}

#[test]
fn on_ethernet_the_gate_is_a_router_and_claims_no_foreign_address() {
    let ethernet = LinkCapabilities { medium: Medium::Ethernet, ..link() };
    for (far, router) in [(FAR_V4, "10.0.0.2"), (FAR_V6, "fd00::2")] {
        let mut pair = Pair::with(&Config::default(), ethernet);
        let out = pair.links[CLIENT];
        let gate = pair.server().open_gate(GateOptions::default()).unwrap();
        let everything = if far == FAR_V4 { "0.0.0.0/0" } else { "::/0" };
        pair.client().add_route(everything.parse().unwrap(), Some(router.parse().unwrap()), out);
        let client = ask(&mut pair, far);
        let flow = next(&mut pair, gate).id;
        let server = accept(&mut pair, flow);
        assert_eq!(pair.send((CLIENT, client), (SERVER, server), b"hello"), b"hello");
        assert_eq!(pair.send((SERVER, server), (CLIENT, client), b"world"), b"world");
        // Asked for on the link itself, a foreign address is nobody's.
        pair.client().add_route(everything.parse().unwrap(), None, out);
        let (other, bytes): (&str, &[u8]) = match far {
            FAR_V4 => ("198.51.100.7:80", &[198, 51, 100, 7]),
            _ => ("[2001:db8::77]:80", &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x77]),
        };
        pair.seen.clear();
        ask(&mut pair, other);
        pair.pass_time(Duration::from_secs(5));
        assert_eq!(pair.server().next_flow(gate), None);
        let names_it = |frame: &[u8]| frame.windows(bytes.len()).any(|window| window == bytes);
        assert!(pair.seen.iter().any(|(from, frame)| *from == CLIENT && names_it(frame)), "it was asked for");
        assert!(!answers(&pair).into_iter().any(names_it));
    }
}

#[test]
fn icmp_errors_about_a_flow_reach_it() {
    let (mut pair, gate) = gateway();
    arrive(&mut pair, segment("10.0.0.9:5000", FAR_V4, syn(1), b""));
    let flow = next(&mut pair, gate).id;
    pair.fate = Box::new(|_, _| Fate::Lose);
    let id = accept(&mut pair, flow);
    let syn_ack = answers(&pair)[0].to_vec();
    let message = wire::icmp::v4::Message::Unreachable { code: 3, mtu_bytes: 0, quoted: &syn_ack };
    let mut packet = vec![0; 20 + message.len_bytes()];
    let total_bytes = packet.len() as u16;
    ipv4::Header {
        source: [10, 0, 0, 9].into(),
        destination: [93, 184, 216, 34].into(),
        protocol: protocol::ICMP,
        total_bytes,
        ..ipv4::Header::default()
    }
    .emit(&mut packet);
    message.emit(&mut packet[20..]);
    pair.inject(CLIENT, packet);
    pair.settle();
    assert!(pair.events[SERVER].contains(&(id, Event::Failed(tcp::Error::PortUnreachable))));
}
