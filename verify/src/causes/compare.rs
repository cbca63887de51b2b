//! The comparison of captures at both ends with the kernel's word.

use super::matched::{AtSender, Origin, origins};
use super::seen::Seen;
use super::tally::{Tally, Vantage, is_right};
use super::truth::{Class, Truth};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

/// Captures at both ends of the same connections, and what the kernel told of both ends.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The hosts' addresses.
    pub hosts: [IpAddr; 2],
    /// What was captured at each.
    pub seen: [&'a [Seen]; 2],
    /// The retransmissions of both.
    pub truths: &'a [Truth],
}

/// One retransmission, where it was captured, and what the lens said there.
#[derive(Clone, Debug)]
pub struct Row {
    /// The kernel's word.
    pub truth: Truth,
    /// The host that sent it: 0 or 1.
    pub host: usize,
    /// The frame at the sender.
    pub at_sender: Seen,
    /// The frames at the receiver, without copies: none if it was lost.
    pub at_receiver: Vec<Seen>,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Compared {
    /// What was said beside what was true.
    pub tally: Tally,
    /// Each frame that the kernel sent again.
    pub rows: Vec<Row>,
    /// What was sent for the first time and is said to be sent again: at which host it was captured, and whose it is.
    pub false_claims: Vec<(usize, Vantage, Seen)>,
    /// Retransmissions of the kernel's without a frame.
    pub without_frame: Vec<Truth>,
    /// Frames with old sequence space of which the kernel does not tell, by host.
    pub without_event: Vec<(usize, Seen)>,
    /// Pieces that arrived and cannot be found among what was sent, by the host where they were captured.
    pub without_origin: Vec<(usize, Seen)>,
    /// The longest time from a frame to its event, in nanoseconds.
    pub late_ns_max: u64,
    /// SYNs and SYN-ACKs sent again that are the first that the receiver's capture shows of their end: what was sent before
    /// never came, nothing counts it, and a slow host looks the same. Nobody can know it; they are not counted.
    pub unknowable: usize,
}

impl Case<'_> {
    /// Compares.
    pub fn compare(&self) -> Compared {
        let mut compared = Compared::default();
        for host in [0, 1] {
            self.compare_sender(host, &mut compared);
        }
        compared
    }

    /// What this host sent, seen from both ends.
    fn compare_sender(&self, host: usize, compared: &mut Compared) {
        let is_here = |end: SocketAddr| end.ip() == self.hosts[host];
        let (sent, got) = (self.seen[host], self.seen[1 - host]);
        let found = AtSender::find(sent, self.truths, is_here);
        compared.without_frame.extend(found.without_frame.iter().map(|number| self.truths[*number]));
        compared.without_event.extend(found.without_event.iter().map(|index| (host, sent[*index])));
        compared.late_ns_max = compared.late_ns_max.max(found.late_ns_max);
        let mut row_of = vec![None; sent.len()];
        for (index, frame) in sent.iter().enumerate().filter(|(_, frame)| is_here(frame.from)) {
            let truth = found.of[index].map(|number| self.truths[number]);
            // What cannot be matched is no evidence for or against the lens.
            if truth.is_none() && frame.is_again {
                continue;
            }
            compared.tally.take(Vantage::Sender, truth.map(|truth| truth.class), frame);
            if let Some(truth) = truth {
                row_of[index] = Some(compared.rows.len());
                compared.rows.push(Row { truth, host, at_sender: *frame, at_receiver: Vec::new() });
            } else if frame.said.is_again() {
                compared.false_claims.push((host, Vantage::Sender, *frame));
            }
        }
        let mut begun = BTreeSet::new();
        let is_known = |index: usize| row_of[index].is_some() || !sent[index].is_again;
        for (piece, origin) in got.iter().zip(origins(sent, got, is_here)) {
            let is_first = begun.insert(piece.flow());
            let Some(Origin { sent: index, is_copy }) = origin else {
                if is_here(piece.from) && piece.seq != piece.end {
                    compared.without_origin.push((1 - host, *piece));
                }
                continue;
            };
            if is_copy || !is_known(index) {
                continue;
            }
            let row = row_of[index].and_then(|row: usize| compared.rows.get_mut(row));
            let class = row.as_ref().map(|row| row.truth.class);
            if matches!(class, Some(Class::HandshakeTimeout | Class::SynAgain)) && is_first {
                compared.unknowable += 1;
                continue;
            }
            compared.tally.take(Vantage::Receiver, class, piece);
            match row {
                Some(row) => row.at_receiver.push(*piece),
                None if piece.said.is_again() => {
                    compared.false_claims.push((1 - host, Vantage::Receiver, *piece));
                }
                None => {}
            }
        }
        self.compare_needless(host, &row_of, compared);
    }

    /// Whether what the lens found to be needless later, at this host that sent it, was: what it repeats had arrived by
    /// another frame before it did, or it did not arrive at all.
    fn compare_needless(&self, host: usize, row_of: &[Option<usize>], compared: &mut Compared) {
        let (sent, got) = (self.seen[host], self.seen[1 - host]);
        let claimed: Vec<usize> =
            (0..sent.len()).filter(|index| sent[*index].is_needless && row_of[*index].is_some()).collect();
        if claimed.is_empty() {
            return;
        }
        let is_here = |end: SocketAddr| end.ip() == self.hosts[host];
        let origins = origins(sent, got, is_here);
        let arrivals =
            || got.iter().zip(&origins).filter_map(|(piece, origin)| Some((piece, origin.as_ref()?)));
        for index in claimed {
            let claim = &sent[index];
            let own_ns =
                arrivals().filter(|(_, origin)| origin.sent == index).map(|(piece, _)| piece.time_ns).min();
            let had_arrived = arrivals().any(|(piece, origin)| {
                origin.sent != index
                    && piece.flow() == claim.flow()
                    && piece.seq.at_or_before(claim.seq)
                    && piece.end.after(claim.seq)
                    && own_ns.is_none_or(|own_ns| piece.time_ns <= own_ns)
            });
            compared.tally.needless.entry(Vantage::Sender).or_default().add(had_arrived);
        }
    }
}

/// The names of the columns of [`Compared::table`].
const COLUMNS: &str = "time_ns\tsender\treceiver\tclass\ttrigger\tcongestion\thost\tsender_frame\tseq\tbytes\tsender_said\tsender_confidence\tsender_right\treceiver_frames\treceiver_said\treceiver_confidence\treceiver_right\n";

impl Compared {
    /// Each retransmission in a line, separated by tabs.
    pub fn table(&self) -> String {
        let mut text = COLUMNS.to_owned();
        for row in &self.rows {
            let Row { truth, host, at_sender, at_receiver } = row;
            let each =
                |what: &dyn Fn(&Seen) -> String| at_receiver.iter().map(what).collect::<Vec<_>>().join(",");
            let right = |seen: &Seen| u8::from(is_right(truth.class, seen.said)).to_string();
            let _ = writeln!(
                text,
                "{}\t{}\t{}\t{}\t{:?}\t{:?}\t{host}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}",
                at_sender.time_ns,
                truth.from,
                truth.to,
                truth.class,
                truth.trigger,
                truth.congestion,
                at_sender.frame,
                at_sender.seq.number(),
                at_sender.end.bytes_since(at_sender.seq),
                at_sender.said,
                at_sender.confidence,
                right(at_sender),
                each(&|seen| seen.frame.to_string()),
                each(&|seen| seen.said.to_string()),
                each(&|seen| seen.confidence.to_string()),
                each(&right),
            );
        }
        text
    }

    /// What is falsely said to be sent again, in lines separated by tabs.
    pub fn false_claims_table(&self) -> String {
        let mut text = "host\tvantage\tframe\tsender\treceiver\tseq\tsaid\tconfidence\n".to_owned();
        for (host, vantage, seen) in &self.false_claims {
            let Seen { frame, from, to, said, confidence, .. } = seen;
            let (vantage, seq) = (vantage.name(), seen.seq.number());
            let _ = writeln!(text, "{host}\t{vantage}\t{frame}\t{from}\t{to}\t{seq}\t{said}\t{confidence}");
        }
        text
    }
}
