//! An observer of every segment sent: nothing that RFC 9293 forbids may cross the wire.
//!
//! It sees segments as hosts hand them over, before any fault. What it demands must hold whatever was lost:
//! it compares with the *most* that the peer may have said, so it never accuses wrongly.

use crate::worlds::actor::salt;
use sim::apps::pattern_byte;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use wire::Frame;
use wire::segmentation::{self, Layout};
use wire::tcp::{Flags, Header, SackBlock, SackBlocks};
use wire::{Medium, Seq, ipv4, ipv6};

#[derive(Default)]
pub(crate) struct Watch {
    pub(crate) flows: BTreeMap<(SocketAddr, SocketAddr), Side>,
    pub(crate) violations: Vec<String>,
    pub(crate) mtu_bytes: u32,
    pub(crate) segments: u64,
    /// A middlebox takes Window Scale away: what hosts say and hear differs.
    pub(crate) scaling_stripped: bool,
    /// A middlebox takes MSS away.
    pub(crate) mss_stripped: bool,
    /// Segments are forged: a RST may be the answer to one.
    pub(crate) forged: bool,
    /// What hosts say may follow from damage or lies of the path: it is not judged.
    pub(crate) is_blind: bool,
    /// What the path adds to the numbers of what each side sends.
    pub(crate) added: [u32; 2],
    /// Hosts may answer SYNs with cookies.
    pub(crate) makes_cookies: bool,
    /// Neighbours must be asked for.
    pub(crate) is_ethernet: bool,
    /// Which connection a client's port is.
    pub(crate) talks: BTreeMap<u16, usize>,
    /// A host has lost its memory: what goes on from before is not judged.
    pub(crate) is_again: bool,
    /// What was said last of what goes on from before: by whom, to whom.
    pub(crate) former: BTreeMap<(SocketAddr, SocketAddr), LastWord>,
}

/// The numbers of an acknowledgment without text: one past everything sent, and what is expected.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct LastWord {
    end: Seq,
    ack: Seq,
}

/// What one end has said so far.
#[derive(Clone, Copy, Default)]
pub(crate) struct Side {
    iss: Option<Seq>,
    /// One past everything sent.
    end: Seq,
    /// Where the FIN stands.
    fin: Option<Seq>,
    /// The highest acknowledgment number.
    ack: Option<Seq>,
    /// The furthest right edge of the window it offered.
    edge: Option<Seq>,
    /// The furthest that a liar offered in its name.
    lied_edge: Option<Seq>,
    shift: Option<u8>,
    mss: Option<u16>,
    sack_permitted: bool,
    timestamps: bool,
    reset: bool,
    /// What it sends may wait for a neighbour's address, and be dropped before it leaves.
    may_be_held_back: bool,
    /// It sent a RST where segments are forged: it is over, or a stranger was answered.
    may_be_over: bool,
    /// Its latest segment that is neither SYN nor RST.
    pub(crate) last: Option<Header>,
    /// A late SYN has opened it again after its end: two lives are mixed from here on, and not judged.
    again: bool,
}

impl Watch {
    /// A host starts anew: only what opens from now on is judged.
    pub(crate) fn begin_again(&mut self) {
        let said = |side: &Side| side.ack.map(|ack| LastWord { end: side.end, ack });
        self.former.extend(self.flows.iter().filter_map(|(ends, side)| Some((*ends, said(side)?))));
        self.flows.clear();
        self.talks.clear();
        self.is_again = true;
        self.forged = true;
    }

    /// A side sends this.
    pub(crate) fn sees(&mut self, frame: &Frame, side: usize) {
        let head = frame.head.as_slice();
        let Some(layout) = Layout::of(head, Medium::Ip) else { return };
        let Ok((mut header, _)) = Header::parse(&head[layout.transport_at..]) else {
            return self.violations.push("a TCP header that cannot be read".into());
        };
        self.segments += 1;
        if self.is_blind {
            return;
        }
        // As its peer counts.
        let added = self.added[1 - side];
        header.ack = header.ack - added;
        let mut sack = SackBlocks::default();
        for block in header.options.sack.as_slice() {
            sack.push(SackBlock { left: block.left - added, right: block.right - added });
        }
        header.options.sack = sack;
        let text = frame.payload.to_vec();
        let (source, destination) = addresses(head);
        let from = SocketAddr::new(source, header.source_port);
        let to = SocketAddr::new(destination, header.destination_port);
        let mut me = self.flows.get(&(from, to)).copied().unwrap_or_default();
        let peer = self.flows.get(&(to, from)).copied().unwrap_or_default();
        me.may_be_held_back = self.is_ethernet;
        let is_answer = self.forged && header.flags.rst();
        me.may_be_over |= is_answer;
        let answers_opening = !header.flags.ack() || peer.iss.is_some_and(|iss| header.ack == iss + 1);
        if self.is_again && me.iss.is_none() && !(header.flags.syn() && answers_opening) {
            let len = text.len() as u32 + u32::from(header.flags.fin());
            let before = self.former.get(&(from, to)).map_or(header.seq, |word| word.end);
            let end = before.latest(header.seq + len);
            self.former.insert((from, to), LastWord { end, ack: header.ack });
            return;
        }
        // Who has answered a newer SYN with a cookie is in TIME-WAIT until it comes back, and says so to what comes first.
        let word = LastWord { end: header.seq, ack: header.ack };
        let is_bare = header.flags == Flags::ACK && text.is_empty();
        if self.makes_cookies && is_bare && self.former.get(&(from, to)) == Some(&word) {
            return;
        }
        // What waited for a neighbour's address may have been dropped before it left, a SYN too.
        if self.is_ethernet && me.iss.is_none() && !header.flags.syn() {
            return;
        }
        let ended = me.reset || peer.reset || me.may_be_over || peer.may_be_over || me.fin.is_some();
        me.again |= ended && header.flags.syn() && me.iss.is_some_and(|iss| iss != header.seq);
        // A SYN may be answered with a cookie, and its repetition with a number of our choice.
        me.again |= self.makes_cookies && header.flags.syn() && me.iss.is_some_and(|iss| iss != header.seq);
        if me.again || peer.again {
            self.flows.insert((from, to), me);
            return;
        }
        let mut wrong = Vec::new();
        if frame.offload == wire::Offload::default()
            && segmentation::checksum_is_good(frame, Medium::Ip) != Some(true)
        {
            wrong.push("the checksum is wrong".to_owned());
        }
        let piece = usize::from(frame.offload.segment_bytes);
        let packet = head.len() + if piece > 0 { text.len().min(piece) } else { text.len() };
        if packet > self.mtu_bytes as usize {
            wrong.push(format!("a packet of {packet} bytes on a link of {}", self.mtu_bytes));
        }
        if !is_answer {
            me.say(&peer, &header, &text, piece, &mut wrong);
        }
        // A third step that comes late makes another connection of a cookie, with the same number.
        if self.makes_cookies && ended && !wrong.is_empty() {
            wrong.clear();
            me.again = true;
        }
        if self.scaling_stripped {
            me.shift = None;
        }
        if self.mss_stripped {
            me.mss = None;
        }
        for wrong in wrong {
            if self.violations.len() < 20 {
                let Header { seq, ack, flags, window, .. } = header;
                let len = text.len();
                self.violations.push(format!(
                    "{from} -> {to} {flags} seq {seq:?} ack {ack:?} len {len} win {window}: {wrong}"
                ));
            }
        }
        self.flows.insert((from, to), me);
    }

    /// In the name of `from` this was said to `to`: it counts as an offer of window.
    pub(crate) fn hears_lie(&mut self, from: SocketAddr, to: SocketAddr, frame: &Frame) {
        let head = frame.head.as_slice();
        let Some(layout) = Layout::of(head, Medium::Ip) else { return };
        let Ok((header, _)) = Header::parse(&head[layout.transport_at..]) else { return };
        let hearer = self.flows.get(&(to, from)).copied().unwrap_or_default();
        let Some(liar) = self.flows.get_mut(&(from, to)) else { return };
        let edge = header.ack + (u32::from(header.window) << liar.agreed_shift(&hearer));
        liar.lied_edge = Some(liar.lied_edge.map_or(edge, |before| before.latest(edge)));
    }

    /// Retransmitted or not, each byte is the one the application wrote there.
    pub(crate) fn check_text(&mut self, frame: &Frame, talk: usize, side: usize) {
        if self.is_blind {
            return;
        }
        let head = frame.head.as_slice();
        let Some(layout) = Layout::of(head, Medium::Ip) else { return };
        let Ok((header, _)) = Header::parse(&head[layout.transport_at..]) else { return };
        let (source, destination) = addresses(head);
        let key = (
            SocketAddr::new(source, header.source_port),
            SocketAddr::new(destination, header.destination_port),
        );
        let Some(iss) = self.flows.get(&key).filter(|flow| !flow.again).and_then(|flow| flow.iss) else {
            return;
        };
        if header.flags.syn() || frame.payload.is_empty() {
            return;
        }
        let first = header.seq.offset_from(iss + 1);
        // The byte before the first unacknowledged one is a keep-alive's and means nothing.
        let from = salt(talk, side).wrapping_add_signed(i64::from(first));
        let differs = |(offset, byte): (usize, &u8)| *byte != pattern_byte(from.wrapping_add(offset as u64));
        if first >= 0 && frame.payload.to_vec().iter().enumerate().any(differs) {
            self.violations.push(format!("{} -> {}: bytes on the wire nobody wrote there", key.0, key.1));
        }
    }
}

impl Side {
    /// One more segment of this end.
    fn say(&mut self, peer: &Side, header: &Header, text: &[u8], piece: usize, wrong: &mut Vec<String>) {
        let Header { seq, ack, flags, window, options, .. } = *header;
        if flags.rst() {
            if flags.syn() || flags.fin() {
                wrong.push("RST together with SYN or FIN".into());
            }
            self.reset = true;
            return;
        }
        if self.reset {
            wrong.push("a segment after a RST".into());
        }
        if !flags.syn() {
            self.last = Some(*header);
        }
        if flags.syn() {
            if flags.fin() {
                wrong.push("SYN together with FIN".into());
            }
            if self.iss.is_some_and(|iss| iss != seq) {
                wrong.push("a second SYN with another number".into());
            }
            if self.iss.is_none() {
                (self.iss, self.end) = (Some(seq), seq + 1);
            }
            self.shift = options.window_scale;
            (self.mss, self.sack_permitted) = (options.mss, options.sack_permitted);
            self.timestamps = options.timestamps.is_some();
        } else if self.iss.is_none() {
            wrong.push("the first segment of an end is no SYN".into());
            return;
        }
        if !flags.ack() && !flags.syn() {
            wrong.push("neither ACK nor SYN nor RST".into());
        }
        self.check_sequence(peer, header, text, piece, wrong);
        if flags.ack() {
            if peer.iss.is_none_or(|_| ack.after(peer.end)) {
                wrong.push(format!("acknowledges what was never sent: the end is {:?}", peer.end));
            }
            if self.ack.is_some_and(|before| ack.before(before)) {
                wrong.push("acknowledges less than before".into());
            }
            self.ack = Some(ack);
            let shift = if flags.syn() { 0 } else { self.agreed_shift(peer) };
            let edge = ack + (u32::from(window) << shift);
            let slack = 1u32 << shift;
            // The window of a SYN is never scaled, so that of a repeated one may have to say less.
            if !flags.syn() && self.edge.is_some_and(|before| (edge + slack).before(before)) {
                wrong.push(format!("takes back window: {edge:?} after {:?}", self.edge));
            }
            self.edge = Some(self.edge.map_or(edge, |before| before.latest(edge)));
        }
        if !options.sack.is_empty() {
            if !(self.sack_permitted && peer.sack_permitted) {
                wrong.push("SACK that was not agreed upon".into());
            }
            for block in options.sack.as_slice() {
                if !block.left.before(block.right) || block.right.after(peer.end) {
                    wrong.push(format!("a SACK block that cannot be: {block:?}"));
                }
            }
        }
    }

    /// The shift of this end's windows, as both SYNs agree; a middlebox may have taken it away, so either.
    fn agreed_shift(&self, peer: &Side) -> u8 {
        if peer.shift.is_some() { self.shift.unwrap_or(0) } else { 0 }
    }

    fn check_sequence(
        &mut self,
        peer: &Side,
        header: &Header,
        text: &[u8],
        piece: usize,
        wrong: &mut Vec<String>,
    ) {
        let start = header.seq + u32::from(header.flags.syn());
        let text_end = start + text.len() as u32;
        let end = text_end + u32::from(header.flags.fin());
        if let Some(fin) = self.fin {
            if (!text.is_empty() && text_end.after(fin)) || (header.flags.fin() && text_end != fin) {
                wrong.push("goes past its own FIN".into());
            }
        } else if header.flags.fin() {
            self.fin = Some(text_end);
        }
        if start.after(self.end) && !self.may_be_held_back {
            wrong.push(format!("leaves a gap: sent so far up to {:?}", self.end));
        }
        // One byte past the window may probe it; before its first word the peer's window is nothing.
        let offered = peer.edge.map(|edge| peer.lied_edge.map_or(edge, |lied| edge.latest(lied)));
        if let Some(edge) = offered
            && text_end.after(edge + 1)
        {
            wrong.push(format!("beyond every window the peer ever offered: {edge:?}"));
        }
        let segment = if piece > 0 { text.len().min(piece) } else { text.len() };
        if let (Some(mss), false) = (peer.mss, header.flags.syn())
            && segment > usize::from(mss).max(48)
        {
            wrong.push(format!("{segment} bytes for a peer that takes {mss}"));
        }
        self.end = self.end.latest(end);
    }
}

fn addresses(head: &[u8]) -> (std::net::IpAddr, std::net::IpAddr) {
    if let Ok((v4, _)) = ipv4::Header::parse(head) {
        return (v4.source.into(), v4.destination.into());
    }
    let v6 = ipv6::Header::parse(head).expect("a host sends IPv4 or IPv6");
    (v6.source.into(), v6.destination.into())
}
