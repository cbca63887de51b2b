//! The receive half of a connection: what has arrived, what is missing, and what the peer is to be told
//! about it (RFC 9293 §3.3.1, figure 4).
//!
//! A value with verbs of its own, one room for each subject: the text on its way to the reader
//! (`delivery.rs`, `reassembly.rs`, `queue.rs`), the window (`window.rs`), the acknowledgments
//! (`acks.rs`), the blocks that they report (`sack.rs`), the marks (`ecn.rs`), how large the buffer is (`sizing.rs`) and how long their answers take (`rtt.rs`). What it
//! needs from the connection around it (options, events, the receive buffer) is lent for the time of a call.
//!
//! What is *not* here: the send half, which this half cannot see; the steps that an arriving segment
//! takes, which are `receive.rs`'s; timers, and sending what is owed.

pub(crate) mod acks;
mod delivery;
mod ecn;
mod queue;
mod reassembly;
mod rtt;
mod sack;
mod sizing;
#[cfg(test)]
mod tests;
mod window;

pub(crate) use ecn::{Leaving, Reflector};
pub(crate) use window::{ReceiveBuffer, touches};

use crate::{Config, SendReason};
use acks::Acks;
use alloc::boxed::Box;
use queue::ReceiveQueue;
use reassembly::Reassembly;
use rtt::ReceiverRtt;
use sack::SackReport;
use sizing::Round;
use wire::Seq;
use wire::tcp::Header;

/// The receive half of a connection.
#[derive(Debug)]
pub(crate) struct Receiver {
    /// What the next acknowledgment owes.
    pub(crate) acks: Acks,
    /// Next expected.
    nxt: Seq,
    /// The right edge of the window as the peer knows it: RCV.NXT + RCV.WND.
    edge: Seq,
    /// The acknowledgment number last sent (Last.ACK.sent).
    acked: Seq,
    /// One past the last urgent byte announced (RCV.UP), or something that was read.
    up: Seq,
    /// Where the peer's FIN is said to stand, or stood: see [`Receiver::note_fin`].
    fin: Seq,
    /// The round trip as this half sees it.
    rtt: ReceiverRtt,
    /// The round trip in which the reader is being watched.
    round: Round,
    /// The shift for windows that we send (Rcv.Wind.Shift).
    shift: u8,
    /// How often the buffer has doubled.
    doublings: u8,
    /// SACK was agreed upon: what is held out of order is reported.
    sack: bool,
    /// Whether the peer's FIN has been seen, and whether its turn has come.
    peer_fin: PeerFin,
    received: Received,
    queue: ReceiveQueue,
    disorder: Option<Box<Disorder>>,
}

/// How far the peer's FIN has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PeerFin {
    Unseen,
    /// A segment ahead of its turn bears it: a claim, until the text before it has arrived. Never before RCV.NXT.
    Seen,
    /// It was reached: no more text comes.
    Taken,
}

/// What [`crate::Info`] reports of the text that arrived.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Received {
    /// Text bytes in order.
    pub(crate) bytes: u64,
    /// Segments whose text was new.
    pub(crate) segments: u32,
    /// Segments with text that was received before.
    pub(crate) duplicates: u32,
}

/// Segments kept out of order and what to report of them: allocated while there are any.
#[derive(Debug, Default)]
struct Disorder {
    reassembly: Reassembly,
    report: SackReport,
    /// How things stood when the first piece was kept; `None` without timestamps.
    began: Option<Began>,
}

/// The beginning of a disorder.
#[derive(Clone, Copy, Debug)]
struct Began {
    nxt: Seq,
    /// TS.Recent.
    stamp: u32,
}

impl Disorder {
    /// Nothing is held and nothing is to be reported: it can be dropped.
    fn is_empty(&self) -> bool {
        self.reassembly.is_empty() && self.report.is_empty()
    }

    /// Memory that it takes.
    fn held_bytes(&self) -> usize {
        size_of::<Disorder>() + self.reassembly.held_bytes()
    }

    /// Drops what is held; a duplicate that waits for its acknowledgment is still reported.
    #[cold]
    fn without_held(mut self: Box<Self>) -> Option<Box<Self>> {
        self.reassembly = Reassembly::default();
        self.began = None;
        self.report.forget_held();
        if self.is_empty() { None } else { Some(self) }
    }
}

impl Receiver {
    /// Nothing has arrived yet, and the peer's numbers are not known.
    pub(crate) fn new(config: &Config) -> Self {
        let zero = Seq::new(0);
        Receiver {
            acks: Acks::new(config.quick_ack_segments),
            nxt: zero,
            edge: zero,
            acked: zero,
            up: zero,
            fin: zero,
            rtt: ReceiverRtt::default(),
            round: Round::default(),
            shift: config.window_shift(),
            doublings: 0,
            sack: false,
            peer_fin: PeerFin::Unseen,
            received: Received::default(),
            queue: ReceiveQueue::default(),
            disorder: None,
        }
    }

    /// Takes over the number of the peer's SYN and whether it permits SACK. No segment of the peer has more
    /// text than `mss_bytes`, the MSS that we announce.
    pub(crate) fn synchronize(&mut self, syn: &Header, mss_bytes: u16, config: &Config) {
        self.nxt = syn.seq + 1;
        self.up = self.nxt;
        self.acked = syn.seq;
        // RFC 7323 §2.2: the window of a SYN is never scaled.
        self.edge = self.nxt + self.buffer_bytes(config).min(0xffff);
        self.sack = syn.options.sack_permitted && config.sack;
        self.acks.set_segment_limit(mss_bytes);
        self.watch_reader();
    }

    /// The peer does not scale windows, so ours are not scaled either (RFC 7323 §2.2).
    pub(crate) fn leave_unscaled(&mut self) {
        self.shift = 0;
        self.watch_reader();
    }

    /// The peer went away before the handshake was complete; the next one brings numbers of its own.
    pub(crate) fn return_to_listen(&mut self, config: &Config) {
        self.up = self.nxt;
        self.peer_fin = PeerFin::Unseen;
        self.rtt = ReceiverRtt::default();
        self.doublings = 0;
        self.disorder = None;
        self.acks = Acks::new(config.quick_ack_segments);
        self.shift = config.window_shift();
        self.sack = false;
    }

    /// The connection is CLOSED: nothing more is owed or awaited. What arrived in order can still be read.
    pub(crate) fn on_closed(&mut self) {
        self.disorder = None;
        self.acks.forget();
    }

    /// An acknowledgment of RCV.NXT went out, alone or with data.
    pub(crate) fn on_ack_sent(&mut self, why: SendReason) {
        self.acked = self.nxt;
        self.acks.on_sent(why);
    }

    /// IRS; meaningful once synchronized. It is not kept: SYN, text and FIN lie between it and RCV.NXT.
    pub(crate) fn irs(&self) -> Seq {
        self.nxt - u32::from(self.peer_finished()) - self.received.bytes as u32 - 1
    }

    /// RCV.NXT.
    pub(crate) fn nxt(&self) -> Seq {
        self.nxt
    }

    /// RCV.WND.
    pub(crate) fn wnd(&self) -> u32 {
        self.edge.bytes_since(self.nxt)
    }

    /// Last.ACK.sent.
    pub(crate) fn last_ack_sent(&self) -> Seq {
        self.acked
    }

    /// Rcv.Wind.Shift.
    pub(crate) fn shift(&self) -> u8 {
        self.shift
    }

    /// SACK was agreed upon.
    pub(crate) fn sack_agreed(&self) -> bool {
        self.sack
    }

    /// The peer's FIN has been taken: no more text comes.
    pub(crate) fn peer_finished(&self) -> bool {
        self.peer_fin == PeerFin::Taken
    }

    /// The round trip as this half sees it, in microseconds, once measured.
    pub(crate) fn rtt_us(&self) -> Option<u32> {
        self.rtt.micros()
    }

    /// What arrived until now.
    pub(crate) fn received(&self) -> Received {
        self.received
    }
}
