//! A receiver that lies to its sender (Savage and others 1999), and what the sender may do about it.
//!
//! The lies come in the name of the honest peer, beside what that says itself: so the stream goes on, and its bytes are
//! still looked at. A liar that is believed gains at most what its window lets it.

use crate::worlds::evil::Lie;
use crate::worlds::forge;
use sim::Dice;
use std::net::SocketAddr;
use tcp::{Info, Snapshot};
use wire::Frame;
use wire::tcp::{Flags, Header, SackBlock, SackBlocks};

/// What a connection's peer said last, and how its sender stands.
#[derive(Clone, Copy)]
pub(crate) struct Ear {
    /// The peer's latest segment, for the window and the timestamps.
    pub(crate) last: Header,
    pub(crate) info: Info,
    pub(crate) snapshot: Snapshot,
    /// Everything up to this has arrived at the peer.
    pub(crate) arrived: wire::Seq,
}

/// One lie to the end at `to`, in the name of its peer.
pub(crate) fn lie(dice: &mut Dice, [from, to]: [SocketAddr; 2], ear: &Ear, lie: Lie) -> Frame {
    let (una, nxt) = (ear.snapshot.snd_una, ear.snapshot.snd_nxt);
    let flight = nxt.bytes_since(una);
    let within = |dice: &mut Dice| una + dice.below(u64::from(flight) + 1) as u32;
    let mut header = Header {
        seq: ear.snapshot.rcv_nxt,
        ack: una,
        flags: Flags::ACK,
        window: ear.last.window,
        ..Header::default()
    };
    header.options.timestamps = ear.last.options.timestamps;
    let mut blocks: Vec<(wire::Seq, wire::Seq)> = Vec::new();
    match lie {
        Lie::Duplicates => {}
        Lie::Division => {
            let arrived = ear.arrived.earliest(nxt).bytes_since(una);
            // What the peer has said already is known already.
            let known = if ear.arrived.after(una) { arrived } else { 0 };
            header.ack = una + dice.below(u64::from(known.min(20)) + 1) as u32;
        }
        Lie::Optimism => header.ack = if dice.below(3) == 0 { within(dice) } else { nxt },
        Lie::Sacks => {
            for _ in 0..1 + dice.below(3) {
                let (one, other) = (within(dice), within(dice));
                blocks.push((one.earliest(other), one.latest(other)));
            }
            blocks.push((una + flight / 2, nxt));
        }
        Lie::Crumbs => {
            let at = within(dice);
            blocks.extend([(at, at + 1), (nxt, nxt + 1_460), (nxt - 1, nxt + 1), (at + 1, at)]);
        }
        Lie::DuplicateReports => {
            let left = una - dice.below(5_000) as u32;
            blocks.push((left, left + ear.info.send_mss_bytes));
        }
        Lie::ClosedWindow => header.window = dice.below(2) as u16,
    }
    let mut sack = SackBlocks::default();
    for (left, right) in blocks {
        sack.push(SackBlock { left, right });
    }
    // Without timestamps there is room for four, with them for three (RFC 2018 §3).
    sack.truncate(if header.options.timestamps.is_some() { 3 } else { 4 });
    header.options.sack = sack;
    forge::segment(from, to, header, &[])
}

/// What a sender did after one lie must be no more than its windows allow.
pub(crate) fn judge(before: &Info, after: &Info) -> Result<(), String> {
    let mss = u64::from(before.send_mss_bytes.max(after.send_mss_bytes));
    let sent = after.bytes_sent - before.bytes_sent;
    let window = u64::from(before.cwnd_bytes.max(after.cwnd_bytes));
    if sent > window + 2 * mss {
        return Err(format!("{sent} bytes for one lie, the window is {window}: {after:?}"));
    }
    // RFC 3465: bytes count; RFC 5681 §3.2: inflation by no more than what is outstanding.
    let honest = 65_536 + after.bytes_acked + 2 * u64::from(before.in_flight_bytes) + 4 * mss;
    if u64::from(after.cwnd_bytes) > honest {
        return Err(format!("lies have opened the window to {}: {after:?}", after.cwnd_bytes));
    }
    Ok(())
}
