//! Packets that wait until their segments are analysed: the lens gets segments in the order of time, a copy of the
//! capture is written in the order of the file, and a filter sees packet and analysis together.
//!
//! What waits is bounded: some batches of segments, and so many packets and bytes beside them. Packets are decoded a second
//! time, by a decoder of its own and in the order of the file, where a filter asks for what is in them. What is *not* here:
//! captures that must be shown as they come; those are not put in order.

use super::annotate::{Annotated, say};
use super::held_back::{HeldBack, Told};
use super::pipeline::BATCH_SEGMENTS;
use super::reading::{Ends, Item, ReadOptions};
use crate::failure::Failure;
use capture::{Decoder, KeptPiece, Piece, Record};
use lens::{Analysis, Config, Correction, Filter, Lens, Segment, Sink, Subject, TimeOrder};
use report::words::Language;
use std::collections::VecDeque;
use tcp::Instant;

/// Packets, and bytes of them, after which what is complete goes on, though few of them have segments.
const PACKETS_MAX: usize = 4 * BATCH_SEGMENTS;
const BYTES_MAX: usize = 8 << 20;

/// A packet or block, and how many segments are in it.
#[derive(Debug, Default)]
struct Held {
    piece: KeptPiece,
    segments: u32,
}

/// A segment that the lens has seen.
struct Analysed {
    segment: Segment,
    analysis: Analysis,
    /// What it shows of earlier ones.
    corrections: Vec<Correction>,
    /// Whether it is shown; `None` until its packet's turn has come.
    is_shown: Option<bool>,
}

/// What waits.
pub(super) struct Window<'a, S> {
    lens: Lens,
    sink: &'a mut S,
    annotated: Option<&'a mut Annotated>,
    comments: Language,
    filter: Option<&'a Filter>,
    ends: Option<&'a Ends>,
    /// The time of the first segment in the file.
    origin: Option<Instant>,
    order: TimeOrder,
    batch: Vec<Segment>,
    /// In the order of the file.
    held: VecDeque<Held>,
    /// In the order of time.
    analysed: VecDeque<Analysed>,
    decoder: Decoder,
    /// Segments of the packet that is being read.
    segments: u32,
    fresh_packets: usize,
    fresh_bytes: usize,
    spare: Vec<KeptPiece>,
    told: Told,
}

impl<'a, S: Sink> Window<'a, S> {
    pub(super) fn new(sink: &'a mut S, options: ReadOptions<'a>) -> Self {
        let ReadOptions { annotated, comments, filter, ends, .. } = options;
        Window {
            lens: Lens::new(Config::default()),
            sink,
            annotated,
            comments,
            filter,
            ends,
            origin: None,
            order: TimeOrder::default(),
            batch: Vec::with_capacity(BATCH_SEGMENTS),
            held: VecDeque::new(),
            analysed: VecDeque::new(),
            decoder: Decoder::new(),
            segments: 0,
            fresh_packets: 0,
            fresh_bytes: 0,
            spare: Vec::new(),
            told: Told::default(),
        }
    }

    /// Takes the next item of the file.
    pub(super) fn take(&mut self, item: Item<'_>) -> Result<(), Failure> {
        match item {
            Item::Segment(_, _, segment) => {
                self.origin.get_or_insert(segment.time);
                self.batch.push(*segment);
                self.segments += 1;
                Ok(())
            }
            Item::Packet(record) => self.hold(|kept| kept.keep_packet(record)),
            Item::Block(block) => self.hold(|kept| kept.keep_block(block)),
        }
    }

    /// Everything was read.
    pub(super) fn finish(mut self) -> Result<TimeOrder, Failure> {
        self.order.sort(&mut self.batch);
        self.batch.extend(self.order.finish());
        self.analyse();
        self.release()?;
        self.lens.finish(self.sink);
        Ok(self.order)
    }

    fn hold(&mut self, keep: impl FnOnce(&mut KeptPiece)) -> Result<(), Failure> {
        let mut piece = self.spare.pop().unwrap_or_default();
        keep(&mut piece);
        self.fresh_packets += 1;
        self.fresh_bytes += piece.len_bytes();
        self.held.push_back(Held { piece, segments: std::mem::take(&mut self.segments) });
        let is_full = self.batch.len() >= BATCH_SEGMENTS;
        if is_full || self.fresh_packets >= PACKETS_MAX || self.fresh_bytes >= BYTES_MAX {
            (self.fresh_packets, self.fresh_bytes) = (0, 0);
            self.order.sort(&mut self.batch);
            self.analyse();
            self.release()?;
        }
        Ok(())
    }

    /// The batch goes to the lens.
    fn analyse(&mut self) {
        for segment in self.batch.drain(..) {
            let mut held = HeldBack::of(&mut *self.sink);
            let analysis = self.lens.take(&segment, &mut held);
            let corrections = held.corrections;
            self.analysed.push_back(Analysed { segment, analysis, corrections, is_shown: None });
        }
    }

    /// What is complete goes on: packets in the order of the file, segments in the order of time.
    fn release(&mut self) -> Result<(), Failure> {
        while self.held.front().is_some_and(|held| self.is_analysed(held)) {
            let Some(held) = self.held.pop_front() else { break };
            match held.piece.piece() {
                Piece::Packet(record) => self.packet(&record, held.segments as usize)?,
                Piece::Block(block) => {
                    self.annotated.as_mut().map_or(Ok(()), |annotated| annotated.block(&block))?;
                }
            }
            self.spare.push(held.piece);
            self.show();
        }
        self.spare.truncate(PACKETS_MAX);
        Ok(())
    }

    /// Segments go on whose turn has come, so that few are left to look among.
    fn show(&mut self) {
        while let Some(is_shown) = self.analysed.front().and_then(|analysed| analysed.is_shown) {
            let Some(Analysed { segment, analysis, corrections, .. }) = self.analysed.pop_front() else {
                break;
            };
            if is_shown {
                self.sink.segment(&segment, &analysis);
                self.told.note(&analysis, segment.frame);
            }
            for correction in corrections.iter().filter(|correction| self.told.holds(correction)) {
                self.sink.corrected(correction);
            }
        }
    }

    /// All its segments are; nearly always they are the first that are.
    fn is_analysed(&self, held: &Held) -> bool {
        let Piece::Packet(record) = held.piece.piece() else { return true };
        let frame = record.number as lens::Frame;
        let of_frame = self.analysed.iter().filter(|analysed| analysed.segment.frame == frame);
        of_frame.take(held.segments as usize).count() == held.segments as usize
    }

    /// Decides which of its segments are shown, and writes it.
    fn packet(&mut self, record: &Record<'_>, segments: usize) -> Result<(), Failure> {
        let is_copied = self.annotated.is_some();
        let Window { analysed, decoder, filter, ends, origin, comments, .. } = self;
        let comments = *comments;
        let frame = record.number as lens::Frame;
        let mut comment: Option<String> = None;
        let mut of_frame =
            analysed.iter_mut().filter(|analysed| analysed.segment.frame == frame).take(segments);
        let mut note = |analysed: &mut Analysed, is_shown: bool| {
            analysed.is_shown = Some(is_shown);
            if is_copied {
                let Analysed { segment, analysis, corrections, .. } = &*analysed;
                say(&mut comment, segment, analysis, corrections, comments);
            }
        };
        match filter {
            None => of_frame.for_each(|analysed| note(analysed, true)),
            Some(filter) => decoder.decode_each(record, |found| {
                if let Ok(decoded) = found
                    && Segment::of_packet(record, decoded).is_some()
                    && let Some(analysed) = of_frame.next()
                {
                    let Analysed { segment, analysis, .. } = &*analysed;
                    let end = ends.and_then(|ends| ends.of_stream(analysis.stream));
                    let mut seen_whole = *analysis;
                    seen_whole.completeness = end.unwrap_or(analysis.completeness);
                    let origin = origin.unwrap_or(segment.time);
                    let subject = Subject::of_packet(record, decoded, segment, &seen_whole, origin);
                    let is_shown = filter.holds(&subject);
                    note(analysed, is_shown);
                }
            }),
        }
        match &mut self.annotated {
            Some(annotated) => annotated.packet(record, comment.as_deref()),
            None => Ok(()),
        }
    }
}
