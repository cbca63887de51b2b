//! One loaded sender: every life of a short transfer with at most so many faults.
//!
//! A life is what a path with a delay does to two real connections when the faults are given: which segment (counted
//! as they are sent, in both directions) is lost, doubled, overtaken, or held back together with all that follows it.
//! Nothing else is left to chance, so a life is lived once for each set of faults, from the first segment to the last
//! one that the life before had. Several segments are in flight, the receiver reports what arrives out of order, and
//! what is held back makes timeouts early.
//!
//! What is *not* here: handshakes under faults and closed windows, which are the business of [`crate::connections`].

use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tcp::{Birth, Config, Connection, Instant, Path, Segment, SendReason, State};
use wire::Seq;

/// What can happen to a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is lost.
    Loss,
    /// It arrives twice.
    Copy,
    /// What is sent up to half a round trip later comes before it.
    Overtaken,
    /// It and all that follow it in its direction wait, longer than a timeout.
    Stall,
}

impl Fault {
    /// All of them.
    pub const ALL: [Fault; 4] = [Fault::Loss, Fault::Copy, Fault::Overtaken, Fault::Stall];
}

/// What is transferred, and how.
#[derive(Clone, Debug)]
pub struct Transfer {
    /// So many full segments, and a short one with the FIN.
    pub segments: usize,
    /// How many bytes may be lent at once as a super-segment; 0: none.
    pub super_segment_bytes_max: u32,
    /// Both ends' options.
    pub config: Config,
}

/// What a life came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outcome {
    /// Segments sent in both directions.
    pub segments: usize,
    /// How often the retransmission timer ran out.
    pub timeouts: u32,
    /// Reductions that were taken back.
    pub undone: u32,
    /// The receiver reported something beyond a gap.
    pub had_reports: bool,
    /// A fault hit what the receiver sent.
    pub hit_answers: bool,
}

const MSS: usize = 200;
const SHORT: usize = 70;
/// One way.
const DELAY: Duration = Duration::from_millis(50);
/// Longer than any first timeout of such a path.
const STALL: Duration = Duration::from_millis(450);
/// A life of a dozen segments with a few faults is over long before.
const STEPS_MAX: usize = 2_000;
/// The stream goes around the end of the circle.
const ISS: u32 = u32::MAX - 600;

struct Life<'a> {
    faults: &'a [(usize, Fault)],
    now: Instant,
    ends: [Connection; 2],
    /// When it arrives, at which end, and what; in the order of sending.
    wire: Vec<(Instant, usize, Segment)>,
    held_until: [Instant; 2],
    super_segment_bytes_max: u32,
    /// Segments sent since the handshake.
    count: usize,
    /// For each byte of the stream and the FIN: the sender was told that it arrived.
    told: Vec<bool>,
    read: usize,
    last_fault: Instant,
    progress: Instant,
    had_reports: bool,
    hit_answers: bool,
}

/// Lives one life. The FIN of the receiver follows that of the sender.
///
/// # Errors
/// What should never be, in words.
pub fn live(transfer: &Transfer, faults: &[(usize, Fault)]) -> Result<Outcome, String> {
    let now = Instant::from_millis(1_000);
    let config = Arc::new(Config { mss_bytes_max: MSS as u16, ..transfer.config.clone() });
    let birth = |iss| Birth {
        iss: Seq::new(iss),
        timestamp_offset: 7,
        path: Path { mtu_bytes: 1_500, ip_header_bytes: 20 },
    };
    let ends =
        [Connection::connect(now, birth(ISS), config.clone()), Connection::listen(now, birth(5_000), config)];
    let mut life = Life {
        faults: &[],
        now,
        ends,
        wire: Vec::new(),
        held_until: [now; 2],
        super_segment_bytes_max: transfer.super_segment_bytes_max,
        count: 0,
        told: Vec::new(),
        read: 0,
        last_fault: now,
        progress: now,
        had_reports: false,
        hit_answers: false,
    };
    life.settle()?;
    while life.ends[1].state() != State::Established {
        life.step()?;
        life.settle()?;
    }
    (life.faults, life.count, life.progress) = (faults, 0, life.now);
    let mss = life.ends[0].info(life.now).send_mss_bytes as usize;
    let bytes = transfer.segments * mss + SHORT;
    life.told = vec![false; bytes + 1];
    let data: Bytes = (0..bytes).map(byte).collect();
    let written = life.ends[0].write_bytes(life.now, &data).map_err(|error| error.to_string())?;
    assert!(written == bytes, "the transfer fits the send buffer");
    life.ends[0].finish(life.now);
    for _ in 0..STEPS_MAX {
        life.settle()?;
        if life.is_over() {
            return life.outcome(bytes);
        }
        life.step()?;
    }
    Err(format!("not over after {STEPS_MAX} steps: {:?}", life.ends[0].info(life.now)))
}

fn byte(position: usize) -> u8 {
    (position % 251) as u8
}

impl Life<'_> {
    fn is_over(&self) -> bool {
        let is_over = |end: &Connection| matches!(end.state(), State::TimeWait | State::Closed);
        self.ends.iter().all(is_over)
    }

    fn outcome(&self, bytes: usize) -> Result<Outcome, String> {
        let info = self.ends[0].info(self.now);
        if self.read != bytes {
            return Err(format!("{} of {bytes} bytes were read", self.read));
        }
        if let Some(failure) = self.ends.iter().find_map(Connection::failure) {
            return Err(format!("failed: {failure}"));
        }
        let Life { count, had_reports, hit_answers, .. } = *self;
        Ok(Outcome {
            segments: count,
            timeouts: info.timeouts,
            undone: info.undone,
            had_reports,
            hit_answers,
        })
    }

    /// The next arrival or timer, whichever is first.
    fn step(&mut self) -> Result<(), String> {
        let arrival = self.wire.iter().enumerate().min_by_key(|(_, (due, ..))| *due);
        let arrival = arrival.map(|(index, (due, ..))| (*due, index));
        let timer = self.ends.iter().filter_map(Connection::poll_timeout).min();
        let due = match (arrival, timer) {
            (None, None) => return Err("nothing is under way and no timer runs".to_owned()),
            (arrival, timer) => {
                arrival.map(|(due, _)| due).into_iter().chain(timer).min().unwrap_or(self.now)
            }
        };
        self.now = self.now.max(due);
        self.check_stall()?;
        let now = self.now;
        match arrival.filter(|(arrives, _)| *arrives <= due) {
            Some((_, index)) => {
                let (_, to, segment) = self.wire.remove(index);
                self.arrive(to, segment);
            }
            None => self.ends.iter_mut().for_each(|end| end.handle_timeout(now)),
        }
        Ok(())
    }

    /// From the last fault or progress on it takes no more than two timeouts to make progress.
    fn check_stall(&self) -> Result<(), String> {
        let info = self.ends[0].info(self.now);
        let since = self.progress.max(self.last_fault);
        let patience = 2 * (info.rto + DELAY);
        if info.in_flight_bytes > 0 && self.now.since(since) > patience {
            return Err(format!("no progress for {:?}: {info:?}", self.now.since(since)));
        }
        Ok(())
    }

    fn arrive(&mut self, to: usize, segment: Segment) {
        if to == 0 && segment.header.flags.ack() && !self.told.is_empty() {
            let offset = |at: Seq| at.offset_from(Seq::new(ISS) + 1).max(0) as usize;
            let blocks = segment.header.options.sack.as_slice();
            self.had_reports |= blocks.iter().any(|block| block.left.after(segment.header.ack));
            let told = blocks.iter().map(|block| offset(block.left)..offset(block.right));
            for range in told.chain(std::iter::once(0..offset(segment.header.ack))) {
                let end = range.end.min(self.told.len());
                self.told[range.start.min(end)..end].fill(true);
            }
        }
        let una = self.ends[0].snapshot().snd_una;
        self.ends[to].handle_segment(self.now, segment);
        if self.ends[0].snapshot().snd_una != una {
            self.progress = self.now;
        }
    }

    /// What is to be sent goes under way, what has arrived is read.
    fn settle(&mut self) -> Result<(), String> {
        for from in [0, 1] {
            let most = if from == 0 { self.super_segment_bytes_max } else { 0 };
            while let Some(transmit) = self.ends[from].poll_transmit(self.now, most) {
                if from == 0 {
                    self.check_sent(&transmit)?;
                }
                let cut = match transmit.segment_bytes {
                    0 => transmit.payload.len().max(1),
                    size => usize::from(size),
                };
                let len = transmit.payload.len();
                for start in (0..len.max(1)).step_by(cut) {
                    let payload = transmit.payload.slice(start, cut.min(len - start));
                    let mut header = transmit.header;
                    header.seq += start as u32;
                    if start + cut < len {
                        let last = wire::tcp::Flags::FIN | wire::tcp::Flags::PSH;
                        header.flags = wire::tcp::Flags::from_bits(header.flags.bits() & !last.bits());
                    }
                    self.put(1 - from, Segment { header, payload, ..Segment::default() });
                }
            }
            while self.ends[from].poll_event().is_some() {}
        }
        self.read()?;
        self.check_numbers()
    }

    fn put(&mut self, to: usize, segment: Segment) {
        let fault = self.faults.iter().find(|(index, _)| *index == self.count).map(|(_, fault)| *fault);
        self.count += 1;
        self.hit_answers |= fault.is_some() && to == 0;
        let mut due = (self.now + DELAY).max(self.held_until[to]);
        match fault {
            None => {}
            Some(Fault::Loss) => {
                self.last_fault = self.last_fault.max(self.now);
                return;
            }
            Some(Fault::Copy) => self.wire.push((due, to, segment.clone())),
            Some(Fault::Overtaken) => due += DELAY,
            Some(Fault::Stall) => {
                due += STALL;
                self.held_until[to] = due;
            }
        }
        if fault.is_some() {
            self.last_fault = self.last_fault.max(due);
        }
        self.wire.push((due, to, segment));
    }

    /// What the peer has, and the sender knows that it has, is never sent again, but to probe.
    fn check_sent(&self, transmit: &tcp::Transmit) -> Result<(), String> {
        let is_probe = matches!(transmit.why, SendReason::ZeroWindowProbe | SendReason::KeepAlive);
        let start = transmit.header.seq.offset_from(Seq::new(ISS) + 1);
        let end = start + transmit.payload.len() as i32 + i32::from(transmit.header.flags.fin());
        if is_probe || start < 0 || start == end {
            return Ok(());
        }
        match (start..end).find(|at| self.told.get(*at as usize).copied().unwrap_or(false)) {
            Some(at) => Err(format!("{start}..{end} leaves ({:?}), and {at} has arrived", transmit.why)),
            None => Ok(()),
        }
    }

    /// What is reported and what counts as lost are parts of what is in flight, and no byte is both.
    fn check_numbers(&self) -> Result<(), String> {
        let info = self.ends[0].info(self.now);
        let accounted = info.sacked_bytes + info.lost_bytes;
        if accounted > info.in_flight_bytes || info.resent_bytes > info.in_flight_bytes {
            return Err(format!("{accounted} bytes of {} are accounted for: {info:?}", info.in_flight_bytes));
        }
        Ok(())
    }

    fn read(&mut self) -> Result<(), String> {
        let mut buffer = [0; 4_096];
        loop {
            match self.ends[1].read(&mut buffer) {
                Ok(0) => {
                    self.ends[1].finish(self.now);
                    return Ok(());
                }
                Ok(count) => {
                    let start = self.read;
                    if (0..count).any(|at| buffer[at] != byte(start + at)) {
                        return Err(format!("wrong bytes from {start} on"));
                    }
                    self.read += count;
                }
                Err(_) => return Ok(()),
            }
        }
    }
}

/// What a search found.
#[derive(Clone, Copy, Debug, Default)]
pub struct Found {
    /// Lives lived.
    pub lives: usize,
    /// Those with a timeout.
    pub with_timeout: usize,
    /// Those with a reduction that was taken back.
    pub with_undo: usize,
    /// Those in which the receiver reported something beyond a gap.
    pub with_reports: usize,
}

/// Lives every life with at most `faults_max` faults.
///
/// # Errors
/// The faults of the first life in which something went wrong, and what.
pub fn explore(transfer: &Transfer, faults_max: usize) -> Result<Found, String> {
    let mut found = Found::default();
    let mut faults = Vec::new();
    search(transfer, faults_max, &mut faults, &mut found)?;
    Ok(found)
}

fn search(
    transfer: &Transfer,
    faults_max: usize,
    faults: &mut Vec<(usize, Fault)>,
    found: &mut Found,
) -> Result<(), String> {
    let outcome = live(transfer, faults).map_err(|told| format!("with {faults:?}: {told}"))?;
    let only_losses = faults.iter().all(|(_, fault)| *fault == Fault::Loss);
    // A lost answer may make a retransmission that was in vain, which the peer reports: that is no mistake.
    if only_losses && outcome.undone > 0 && !outcome.hit_answers {
        return Err(format!("with {faults:?}: only data was lost, and that was taken back"));
    }
    found.lives += 1;
    found.with_timeout += usize::from(outcome.timeouts > 0);
    found.with_undo += usize::from(outcome.undone > 0);
    found.with_reports += usize::from(outcome.had_reports);
    if faults.len() < faults_max {
        let first = faults.last().map_or(0, |(index, _)| index + 1);
        for index in first..outcome.segments {
            for fault in Fault::ALL {
                faults.push((index, fault));
                search(transfer, faults_max, faults, found)?;
                faults.pop();
            }
        }
    }
    Ok(())
}
