//! Third parties at work: a stranger who forges segments and complaints, and floods.
//!
//! The stranger knows addresses, ports and the window as it is when the frame arrives, which is more than a real one
//! ever knows; what it does not have is an acknowledgment number that the sender could believe (RFC 5961 §5), and the
//! exact number of a RST (§3).

use crate::worlds::evil::{Forged, Known, Shape};
use crate::worlds::forge::{self, Complaint, Place};
use crate::worlds::plan::{Family, pick, sometimes};
use sim::Dice;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use tcp::{Snapshot, State};
use wire::ethernet::MacAddress;
use wire::icmp::neighbor;
use wire::ip::protocol;
use wire::tcp::{Flags, Header, Timestamps};
use wire::{Frame, Seq, arp};

/// The largest window that scaling can say: what is acknowledged further back is not believed.
const WINDOW_MAX: u32 = 1 << 30;

/// A segment to the end at `to`, in the name of `from`; `None` if the stranger has nothing to say in this state.
pub(crate) fn segment(
    dice: &mut Dice,
    [from, to]: [SocketAddr; 2],
    victim: &Snapshot,
    forged: Forged,
) -> Option<Frame> {
    let is_opening = !victim.state.is_synchronized();
    let in_window = victim.rcv_nxt + dice.below(u64::from(victim.rcv_wnd.max(1))) as u32;
    let far = victim.rcv_nxt + victim.rcv_wnd + 1 + dice.below(u64::from(WINDOW_MAX)) as u32;
    let wrong_ack = match dice.below(3) {
        0 => victim.snd_nxt + 1 + dice.below(100) as u32,
        1 => victim.snd_nxt + 1 + dice.below((1 << 31) - 2) as u32,
        _ => victim.snd_una - WINDOW_MAX - dice.below(u64::from(WINDOW_MAX)) as u32,
    };
    let text = vec![0xee; 1 + dice.below(1_400) as usize];
    let mut header = Header { seq: in_window, window: dice.roll() as u16, ..Header::default() };
    if sometimes(dice, 50.0) {
        let (value, echo) = (dice.roll() as u32, dice.roll() as u32);
        header.options.timestamps = Some(Timestamps { value, echo });
    }
    let (flags, ack, text): (Flags, Seq, &[u8]) = match forged {
        Forged::TextWithWrongAck => (Flags::ACK | Flags::PSH, wrong_ack, &text),
        Forged::TextWithoutAck => (pick(dice, &[Flags::NONE, Flags::PSH, Flags::FIN]), Seq::new(0), &text),
        Forged::FinWithWrongAck => (Flags::ACK | Flags::FIN, wrong_ack, &[]),
        Forged::InexactReset => {
            // In SYN-SENT any number is right with the right acknowledgment, and no window is known.
            if victim.rcv_wnd < 2 || in_window == victim.rcv_nxt {
                return None;
            }
            (pick(dice, &[Flags::RST, Flags::RST | Flags::ACK]), wrong_ack, &[])
        }
        Forged::Syn => {
            // A SYN is what opens: whom it finds waiting for one, it is believed by (RFC 9293 §3.10.7.3, 3.6.1).
            if is_opening || victim.state == State::TimeWait {
                return None;
            }
            header.seq = pick(dice, &[in_window, victim.rcv_nxt, victim.irs, far]);
            header.options.mss = sometimes(dice, 70.0).then_some(1_460);
            header.options.window_scale = sometimes(dice, 70.0).then_some(7);
            header.options.sack_permitted = sometimes(dice, 70.0);
            (pick(dice, &[Flags::SYN, Flags::SYN | Flags::ECE | Flags::CWR]), Seq::new(0), &[])
        }
        Forged::SynWithWrongAck => {
            header.seq = pick(dice, &[in_window, victim.rcv_nxt, far]);
            (Flags::SYN | Flags::ACK, wrong_ack, &[])
        }
        Forged::FarText => {
            header.seq = far;
            let ack = pick(dice, &[victim.snd_una, victim.snd_nxt, wrong_ack]);
            (pick(dice, &[Flags::ACK, Flags::ACK | Flags::FIN]), ack, &text)
        }
        Forged::FarReset => {
            header.seq = far;
            (pick(dice, &[Flags::RST, Flags::RST | Flags::ACK]), wrong_ack, &[])
        }
        Forged::NonsenseFlags => {
            // SYN and FIN, nothing at all, everything: never RST, which would be judged by its number alone.
            let flags = [Flags::NONE, Flags::FIN, Flags::URG | Flags::PSH | Flags::FIN];
            (pick(dice, &flags), wrong_ack, &[])
        }
        Forged::UrgentWithWrongAck => {
            header.urgent = dice.roll() as u16;
            (Flags::ACK | Flags::URG, wrong_ack, &text)
        }
    };
    // What is not synchronized yet has no window: only the acknowledgment tells a stranger from the peer.
    if is_opening && !flags.ack() && victim.state == State::SynSent {
        return None;
    }
    Some(forge::segment(from, to, Header { ack, flags, ..header }, text))
}

/// A complaint about a segment that the end at `to` sent to `from`.
pub(crate) fn complaint(
    dice: &mut Dice,
    [from, to]: [SocketAddr; 2],
    victim: &Snapshot,
    known: Known,
) -> Frame {
    let flight = victim.snd_nxt.bytes_since(victim.snd_una);
    // An attempt to connect may be ended by who knows its number (RFC 9293 §3.9.2.2).
    let seq = if known == Known::Number && victim.state.is_synchronized() {
        victim.snd_una + dice.below(u64::from(flight.max(1))) as u32
    } else {
        victim.snd_nxt + 1 + dice.below(u64::from(WINDOW_MAX)) as u32
    };
    let complaint = match dice.below(5) {
        0 | 1 => Complaint::TooBig { mtu_bytes: too_big(dice) },
        2 => Complaint::Unreachable { code: dice.below(16) as u8 },
        3 => Complaint::TimeExceeded,
        _ => Complaint::ParameterProblem { pointer: dice.below(60) as u8 },
    };
    let header = Header { seq, flags: Flags::ACK, ..Header::default() };
    let router = pick(dice, &[from.ip(), router(to.ip())]);
    forge::icmp_error(router, to, from, header, complaint)
}

fn too_big(dice: &mut Dice) -> u32 {
    let any = dice.below(1_600) as u32;
    pick(dice, &[any, any, any, 0, 1, 68, 552, 576, 1_279, 1_280, 1_500, 65_535, u32::MAX])
}

fn router(of: IpAddr) -> IpAddr {
    match of {
        IpAddr::V4(_) => Ipv4Addr::new(203, 0, 113, 66).into(),
        IpAddr::V6(_) => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x66).into(),
    }
}

/// An address that nobody has.
fn nobody(dice: &mut Dice, family: Family) -> IpAddr {
    let draw = dice.roll();
    match family {
        Family::V4 => Ipv4Addr::new(198, 18, (draw >> 8) as u8, draw as u8).into(),
        Family::V6 => Ipv6Addr::from(0x2001_0db8_0bad_u128 << 80 | u128::from(draw)).into(),
    }
}

/// A SYN to a listener from nobody.
pub(crate) fn syn(dice: &mut Dice, family: Family, to: SocketAddr) -> Frame {
    let from = SocketAddr::new(nobody(dice, family), 40_000 + dice.below(20_000) as u16);
    let mut header =
        Header { seq: Seq::new(dice.roll() as u32), flags: Flags::SYN, window: 65_535, ..Header::default() };
    header.options.mss = sometimes(dice, 80.0).then_some(1_460);
    header.options.window_scale = sometimes(dice, 80.0).then_some(dice.below(15) as u8);
    header.options.sack_permitted = sometimes(dice, 80.0);
    header.options.timestamps =
        sometimes(dice, 50.0).then_some(Timestamps { value: dice.roll() as u32, echo: 0 });
    let text = vec![0xee; if sometimes(dice, 10.0) { dice.below(1_200) as usize } else { 0 }];
    forge::segment(from, to, header, &text)
}

/// A fragment of something that is never whole, or wrong when it is.
pub(crate) fn fragment(dice: &mut Dice, family: Family, to: IpAddr, shape: Shape) -> Frame {
    let from = if sometimes(dice, 50.0) { nobody(dice, family) } else { router(to) };
    let protocol = pick(dice, &[protocol::TCP, protocol::UDP, protocol::ICMP, protocol::ICMPV6]);
    let identification = dice.roll() as u32;
    let (place, len) = match shape {
        Shape::Tiny => (Place { identification, offset_bytes: 8 * dice.below(4) as u16, more: true }, 8),
        Shape::Overlapping => {
            let identification = dice.below(3) as u32;
            let offset_bytes = 8 * dice.below(6) as u16;
            (Place { identification, offset_bytes, more: sometimes(dice, 80.0) }, 8 * (1 + dice.below(6)))
        }
        Shape::PastTheEnd => {
            let offset_bytes = 65_528 - 8 * dice.below(40) as u16;
            (Place { identification, offset_bytes, more: sometimes(dice, 50.0) }, 1 + dice.below(1_200))
        }
        Shape::Tails => {
            let offset_bytes = 8 * dice.below(3_000) as u16;
            (Place { identification, offset_bytes, more: false }, 1 + dice.below(1_200))
        }
    };
    let text: Vec<u8> = (0..len).map(|_| dice.roll() as u8).collect();
    forge::fragment(from, to, protocol, place, &text)
}

/// A packet that belongs to nothing.
pub(crate) fn noise(dice: &mut Dice, family: Family, to: IpAddr) -> Frame {
    let from = nobody(dice, family);
    let (icmp, kinds): (u8, &[u8]) = match family {
        // Echo, source quench, redirect, timestamp, router advertisement, and some that nobody knows.
        Family::V4 => (protocol::ICMP, &[8, 4, 5, 13, 9, 17, 200]),
        // Echo, the five of neighbour discovery, and some that nobody knows.
        Family::V6 => (protocol::ICMPV6, &[128, 133, 134, 135, 136, 137, 1, 2, 100, 200]),
    };
    let mut text: Vec<u8> = (0..dice.below(200)).map(|_| dice.roll() as u8).collect();
    if sometimes(dice, 30.0) {
        let protocols = [protocol::UDP, protocol::TCP, protocol::ROUTING, protocol::HOP_BY_HOP, 253];
        return forge::packet(from, to, pick(dice, &protocols), &text);
    }
    text.resize(text.len().max(8), 0);
    (text[0], text[1]) = (pick(dice, kinds), dice.below(6) as u8);
    (text[2], text[3]) = (0, 0);
    let mut sum = match family {
        Family::V4 => wire::checksum::Sum::new(),
        Family::V6 => wire::checksum::pseudo_header(from, to, icmp, text.len() as u32),
    };
    sum.add(&text);
    let sum = sum.checksum();
    text[2..4].copy_from_slice(&sum.to_be_bytes());
    forge::packet(from, to, icmp, &text)
}

/// A neighbour that nobody knew asks for us, or says where it is. Whether we are on an Ethernet or not.
pub(crate) fn neighbour(dice: &mut Dice, to: IpAddr) -> Frame {
    let [.., a, b, c, d] = dice.roll().to_be_bytes();
    let mac = MacAddress([0x06, 0, a, b, c, d]);
    let asks = sometimes(dice, 70.0);
    match to {
        IpAddr::V4(to) => {
            // On the link or not, but never one of the two who talk.
            let near = Ipv4Addr::new(10, 0, 1 + a % 250, b);
            let sender = pick(dice, &[near, Ipv4Addr::new(198, 18, a, b)]);
            let (operation, target) =
                if asks { (arp::Operation::Request, to) } else { (arp::Operation::Reply, sender) };
            forge::arp(arp::Packet {
                operation,
                sender_mac: mac,
                sender,
                target_mac: MacAddress::default(),
                target,
            })
        }
        IpAddr::V6(to) => {
            let host = u128::from(u32::from_be_bytes([a, b, c, d]));
            let near = Ipv6Addr::from(0xfd00_u128 << 112 | 1 << 64 | host);
            let from = pick(dice, &[near, Ipv6Addr::from(0xfe80_u128 << 112 | host)]);
            let message = if asks {
                let options =
                    neighbor::Options { source_link_layer: Some(mac), ..neighbor::Options::default() };
                neighbor::Message::Solicitation { target: to, options }
            } else {
                let options =
                    neighbor::Options { target_link_layer: Some(mac), ..neighbor::Options::default() };
                let (router, solicited) = (sometimes(dice, 20.0), sometimes(dice, 50.0));
                let overrides = sometimes(dice, 50.0);
                neighbor::Message::Advertisement { router, solicited, overrides, target: from, options }
            };
            forge::neighbour(from, to, message)
        }
    }
}
