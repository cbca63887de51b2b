//! The list of what is in flight as it is defined: one list in the order of capture, of which everything is asked by
//! walking it. The rows have to give the same answers.

use super::Delivery;
use super::unacked::{Entry, Taken, Unacked};
use crate::why::{Overdue, Sending};
use proptest::prelude::*;
use wire::Seq;
use wire::tcp::SackBlock;

#[derive(Default)]
struct Walked {
    entries: Vec<Entry>,
    highest_delivered: Option<Seq>,
}

impl Walked {
    fn note_again(&mut self, entry: &mut Entry) {
        let (seq, end) = (entry.seq, entry.end);
        for old in self.entries.iter_mut().filter(|old| old.seq.before(end) && seq.before(old.end)) {
            entry.is_again = true;
            old.is_touched = true;
            old.is_resent |= seq.at_or_before(old.seq) && old.end.at_or_before(end);
        }
    }

    fn acknowledge(&mut self, ack: Seq) -> Taken {
        let mut taken = Taken::default();
        self.entries.iter_mut().rev().for_each(|entry| taken.note(entry, ack));
        self.entries.retain(|entry| entry.end.after(ack));
        taken
    }

    fn span_bytes(&self, base: Seq) -> u32 {
        let low = self.entries.iter().map(|entry| entry.seq.bytes_since(base)).min();
        let high = self.entries.iter().map(|entry| entry.end.bytes_since(base)).max();
        low.zip(high).map_or(0, |(low, high)| high.wrapping_sub(low))
    }

    fn holds(&self, seq: Seq, end: Seq) -> bool {
        self.entries.iter().any(|entry| seq.at_or_after(entry.seq) && end.at_or_before(entry.end))
    }

    fn oldest_from(&self, seq: Seq) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.seq.at_or_after(seq))
    }

    fn newest_over(&self, seq: Seq, end: Seq) -> Option<&Entry> {
        self.entries.iter().rev().find(|entry| entry.seq.before(end) && entry.end.after(seq))
    }

    fn contiguous_from(&self, ack: Seq) -> Option<Seq> {
        let newest = self.entries.last()?;
        let (mut left, mut right) = (newest.seq, newest.end);
        for entry in self.entries.iter().rev().filter(|entry| entry.seq.at_or_after(ack)) {
            if entry.end != left {
                right = entry.end;
            }
            left = entry.seq;
        }
        (left == ack && right.after(ack)).then_some(right)
    }

    fn oldest_open(&self, overdue: Option<Overdue>) -> Option<Sending> {
        let open = self.entries.iter().filter(|entry| !entry.is_resent && !entry.is_delivered);
        let mut sendings = open.map(|entry| Sending { time_ns: entry.time_ns, frame: entry.frame });
        sendings.find(|sending| overdue.is_none_or(|overdue| !overdue.covers(*sending)))
    }

    fn deliver(&mut self, ack: Seq, blocks: &[SackBlock], mss_bytes: u32) -> Delivery {
        let mut delivery = Delivery::default();
        let highest = self.highest_delivered;
        for entry in &mut self.entries {
            let holds = |block: &&SackBlock| block.left.before(entry.end) && entry.seq.before(block.right);
            let is_acked = entry.end.at_or_before(ack);
            let block = blocks.iter().find(holds);
            let is_whole = is_acked
                || block.is_some_and(|block| {
                    block.left.at_or_before(entry.seq) && entry.end.at_or_before(block.right)
                });
            let is_news = !entry.is_delivered && (block.is_some() || entry.seq.before(ack));
            if is_news && !entry.is_resent {
                let is_fresh = !entry.is_again && !entry.is_touched;
                let Sending { time_ns, frame } = Sending { time_ns: entry.time_ns, frame: entry.frame };
                delivery.fresh = if is_fresh { Some(Sending { time_ns, frame }) } else { delivery.fresh };
                delivery.reordered |= is_fresh && highest.is_some_and(|highest| entry.end.before(highest));
                if !entry.is_again || answers(Sending { time_ns, frame }) {
                    let is_part =
                        block.is_some() && !is_whole && entry.end.bytes_since(entry.seq) > mss_bytes;
                    delivery.newest = Some(Sending { time_ns, frame: frame + u32::from(is_part) });
                }
            }
            entry.is_touched |= is_news;
            entry.is_delivered |= is_whole;
            if !entry.is_resent && !is_acked && (entry.is_delivered || block.is_some()) {
                let overlap_bytes = |block: &SackBlock| {
                    let bytes = block.right.earliest(entry.end).offset_from(block.left.latest(entry.seq));
                    bytes.max(0).cast_unsigned()
                };
                let bytes: u32 = match entry.is_delivered {
                    true => entry.end.bytes_since(entry.seq),
                    false => blocks.iter().map(overlap_bytes).sum(),
                };
                delivery.sacked_segments += bytes.div_ceil(mss_bytes);
            }
        }
        let reported = blocks.iter().map(|block| block.right).fold(ack, Seq::latest);
        self.highest_delivered = Some(highest.map_or(reported, |highest| highest.latest(reported)));
        delivery
    }
}

fn answers(sending: Sending) -> bool {
    !sending.frame.is_multiple_of(3)
}

#[derive(Clone, Debug)]
enum Step {
    /// Text of so many bytes, so many behind the highest one.
    Send { behind: u32, bytes: u32, earlier_ns: u64 },
    /// An acknowledgment so far beyond the last, with blocks.
    Ack { beyond: u32, blocks: Vec<(u32, u32)>, mss_bytes: u32, is_heard: bool },
    /// Everything is asked.
    Ask { from: u32, bytes: u32, until_ns: u64, before: u32 },
}

fn step() -> impl Strategy<Value = Step> {
    let behind = prop_oneof![3 => Just(0u32), 1 => 0..2_500u32];
    let send = (behind, 1..400u32, prop_oneof![5 => Just(0u64), 1 => 0..2_000u64]);
    let block = (0..3_000u32, prop_oneof![9 => 1..600u32, 1 => Just(0)]);
    let ack = (
        prop_oneof![3 => Just(0u32), 2 => 0..900u32],
        prop::collection::vec(block, 0..4),
        prop_oneof![Just(100u32), Just(150)],
        any::<bool>(),
    );
    let ask = (0..4_000u32, 1..500u32, 0..13_000u64, 0..130u32);
    prop_oneof![
        5 => send.prop_map(|(behind, bytes, earlier_ns)| Step::Send { behind, bytes, earlier_ns }),
        3 => ack.prop_map(|(beyond, blocks, mss_bytes, is_heard)| Step::Ack { beyond, blocks, mss_bytes, is_heard }),
        2 => ask.prop_map(|(from, bytes, until_ns, before)| Step::Ask { from, bytes, until_ns, before }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn rows_say_what_a_walk_says(start in any::<u32>(), steps in prop::collection::vec(step(), 1..120)) {
        let base = Seq::new(start);
        let (mut rows, mut walked) = (Unacked::default(), Walked::default());
        let (mut next, mut una) = (base + 1, base + 1);
        for (frame, step) in (1..).zip(steps) {
            match step {
                Step::Send { behind, bytes, earlier_ns } => {
                    let seq = if next.bytes_since(una) >= behind { next - behind } else { next };
                    let time_ns = u64::from(frame) * 100 + 2_000 - earlier_ns;
                    let entry = Entry::new(seq, seq + bytes, frame, time_ns);
                    let (mut a, mut b) = (entry, entry);
                    if seq.before(next) {
                        rows.note_again(&mut a);
                        walked.note_again(&mut b);
                    }
                    rows.push(a);
                    walked.entries.push(b);
                    next = next.latest(entry.end);
                }
                Step::Ack { beyond, blocks, mss_bytes, is_heard } => {
                    let ack = (una + beyond).earliest(next);
                    if is_heard {
                        let block = |(from, bytes)| SackBlock { left: una + from, right: una + from + bytes };
                        let blocks: Vec<SackBlock> = blocks.into_iter().map(block).collect();
                        let said = rows.deliver(ack, &blocks, mss_bytes, answers);
                        prop_assert_eq!(
                            format!("{said:?}"),
                            format!("{:?}", walked.deliver(ack, &blocks, mss_bytes))
                        );
                    }
                    prop_assert_eq!(rows.acknowledge(ack), walked.acknowledge(ack));
                    una = una.latest(ack);
                }
                Step::Ask { from, bytes, until_ns, before } => {
                    let (seq, end) = (una + from, una + from + bytes);
                    let frame_of = |entry: Option<&Entry>| entry.map(|entry| entry.frame);
                    prop_assert_eq!(frame_of(rows.oldest_from(seq)), frame_of(walked.oldest_from(seq)));
                    prop_assert_eq!(frame_of(rows.newest_over(seq, end)), frame_of(walked.newest_over(seq, end)));
                    prop_assert_eq!(rows.holds(seq, end), walked.holds(seq, end));
                    prop_assert_eq!(rows.contiguous_from(una), walked.contiguous_from(una));
                    let overdue = Overdue::new(until_ns, before);
                    for overdue in [None, Some(overdue)] {
                        prop_assert_eq!(rows.oldest_open(overdue), walked.oldest_open(overdue));
                    }
                }
            }
            prop_assert_eq!(rows.len(), walked.entries.len());
            prop_assert_eq!(rows.oldest_ns(), walked.entries.first().map(|entry| entry.time_ns));
            prop_assert_eq!(rows.span_bytes(base), walked.span_bytes(base));
        }
    }
}
