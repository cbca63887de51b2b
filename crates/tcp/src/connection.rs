//! One connection: its state block (RFC 9293 §3.3.1), how it is born, how it moves.
//!
//! The methods stand in five families, each in a file of its own: born (here), things happen
//! (`receive.rs`, `syn_sent.rs`, `timeouts.rs`, `path.rs`), the application asks (`application.rs`),
//! the driver does (`transmit.rs`, and `poll_*` here), anyone looks (`info.rs`).
//!
//! The contract: change it once, then drain it: [`Connection::poll_transmit`] until `None`,
//! [`Connection::poll_event`] until `None`, sleep until [`Connection::poll_timeout`].
//!
//! What is *not* here: addresses and ports, other connections, a clock, random numbers.

use crate::acks::Acks;
use crate::congestion::new_reno::NewReno;
use crate::events::Events;
use crate::reassembly::Reassembly;
use crate::receive_queue::ReceiveQueue;
use crate::recovery::fast_recovery::FastRecovery;
use crate::recovery::rtt::{RtoBounds, Rtt, micros};
use crate::sack::SackReport;
use crate::segment::{Birth, Error, Event, Path, Segment};
use crate::send_queue::SendQueue;
use crate::state::{Cause, Machine, Row, Sends, State};
use crate::timers::{Timer, TimerTable};
use crate::trace::Trace;
use crate::{Config, Instant, ResetReason, SendReason};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use wire::Seq;
use wire::tcp::Options;

/// Send sequence variables (RFC 9293 §3.3.1, figure 3).
#[derive(Clone, Copy, Debug)]
pub(crate) struct SendSequence {
    /// Initial send sequence number.
    pub(crate) iss: Seq,
    /// Oldest unacknowledged.
    pub(crate) una: Seq,
    /// Next to be sent for the first time.
    pub(crate) nxt: Seq,
    /// The peer's window in bytes, scaled.
    pub(crate) wnd: u32,
    /// The largest window the peer ever offered (MAX.SND.WND).
    pub(crate) wnd_max: u32,
    /// SEG.SEQ of the last window update.
    pub(crate) wl1: Seq,
    /// SEG.ACK of the last window update.
    pub(crate) wl2: Seq,
    /// One past the last urgent byte (SND.UP), while it is not acknowledged.
    pub(crate) up: Option<Seq>,
    /// One past the last small segment sent, for Minshall's rule.
    pub(crate) small: Seq,
    /// Where our FIN stands, once sent.
    pub(crate) fin: Option<Seq>,
    /// The shift for windows that the peer sends (Snd.Wind.Shift).
    pub(crate) shift: u8,
}

/// Receive sequence variables (RFC 9293 §3.3.1, figure 4).
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReceiveSequence {
    /// Initial receive sequence number.
    pub(crate) irs: Seq,
    /// Next expected.
    pub(crate) nxt: Seq,
    /// The right edge of the window as the peer knows it: RCV.NXT + RCV.WND.
    pub(crate) edge: Seq,
    /// The acknowledgment number last sent (Last.ACK.sent).
    pub(crate) acked: Seq,
    /// One past the last urgent byte announced (RCV.UP).
    pub(crate) up: Option<Seq>,
    /// Where the peer's FIN stands, once seen, while the data before it is incomplete.
    pub(crate) fin: Option<Seq>,
    /// The shift for windows that we send (Rcv.Wind.Shift).
    pub(crate) shift: u8,
}

impl ReceiveSequence {
    /// RCV.WND.
    pub(crate) fn wnd(&self) -> u32 {
        self.edge.bytes_since(self.nxt)
    }
}

/// The Timestamps option's state (RFC 7323 §4, §5).
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimestampState {
    pub(crate) agreed: bool,
    /// Added to our clock.
    pub(crate) offset: u32,
    /// Our clock when something was last sent again.
    pub(crate) resent: u32,
    /// TS.Recent.
    pub(crate) recent: u32,
    /// When TS.Recent was set, in seconds of the driver's clock: it ages after 24 days (§5.5).
    pub(crate) recent_at_s: u32,
}

/// Segments kept out of order and what to report of them: allocated while there are any.
#[derive(Debug, Default)]
pub(crate) struct Disorder {
    pub(crate) reassembly: Reassembly,
    pub(crate) sack: SackReport,
}

/// Things that are either so or not.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Marks {
    /// Born by a passive open.
    pub(crate) passive: bool,
    /// SACK was agreed upon.
    pub(crate) sack: bool,
    /// Window scaling was agreed upon.
    pub(crate) scaling: bool,
    /// Our SYN is acknowledged. The numbers do not tell for long: SND.UNA comes round to ISS again.
    pub(crate) syn_acked: bool,
    /// The SYN or SYN-ACK has to go out (again).
    pub(crate) handshake_owed: bool,
    /// The application has no more data: a FIN follows the queue.
    pub(crate) fin_queued: bool,
    /// CLOSE was called before the handshake was complete and has to wait (§3.10.4).
    pub(crate) finish_after_handshake: bool,
    /// Nobody will read: the application has closed both directions.
    pub(crate) orphaned: bool,
    /// A write found the buffer full: tell when there is room.
    pub(crate) writer_waits: bool,
    /// The window, not the application, held back the last transmission.
    pub(crate) cwnd_limited: bool,
    /// The override timer of §3.8.6.2.1 fired: send what there is.
    pub(crate) send_small: bool,
    /// A zero-window probe has to go out.
    pub(crate) window_probe_owed: bool,
    /// A keep-alive probe has to go out.
    pub(crate) keep_alive_owed: bool,
    /// The peer's FIN has been taken.
    pub(crate) peer_finished: bool,
}

/// One TCP connection.
///
/// ```
/// use std::sync::Arc;
/// use tcp::{Birth, Config, Connection, Event, Instant, Path, Segment, State};
/// use wire::Seq;
///
/// let path = Path { mtu_bytes: 1_500, ip_header_bytes: 20 };
/// let birth = |iss| Birth { iss: Seq::new(iss), timestamp_offset: 0, path };
/// let (now, config) = (Instant::ZERO, Arc::new(Config::default()));
/// let segment = |transmit: tcp::Transmit| Segment { header: transmit.header, payload: transmit.payload };
///
/// let mut client = Connection::connect(now, birth(4_225_926_656), config.clone());
/// let syn = segment(client.poll_transmit(now, 0).expect("the first step"));
/// let mut server = Connection::answer(now, birth(3_022_381_253), config, &syn);
/// client.handle_segment(now, segment(server.poll_transmit(now, 0).expect("the second step")));
/// assert_eq!(client.poll_event(), Some(Event::Connected));
/// server.handle_segment(now, segment(client.poll_transmit(now, 0).expect("the third step")));
/// assert_eq!(server.poll_event(), Some(Event::Accepted));
/// assert_eq!((client.state(), server.state()), (State::Established, State::Established));
/// ```
#[derive(Debug)]
pub struct Connection {
    pub(crate) machine: Machine,
    pub(crate) marks: Marks,
    pub(crate) events: Events,
    pub(crate) acks: Acks,
    pub(crate) snd: SendSequence,
    pub(crate) rcv: ReceiveSequence,
    pub(crate) timestamps: TimestampState,
    /// The MSS the peer announced, or the default (SendMSS).
    pub(crate) peer_mss: u16,
    /// Retransmissions of the same data in a row, or probes in a row, without an answer.
    pub(crate) attempts: u8,
    /// Keep-alive probes in a row without an answer.
    pub(crate) keep_alive_probes: u8,
    pub(crate) reset_owed: Option<ResetReason>,
    /// A segment to be refused by a reset with this sequence number, while the connection goes on.
    pub(crate) reset_reply: Option<Seq>,
    pub(crate) failure: Option<Error>,
    pub(crate) soft_error: Option<Error>,
    pub(crate) path: Path,
    pub(crate) rtt: Rtt,
    /// The segment being timed: one past its last byte, and when it was sent.
    pub(crate) timed: Option<(Seq, Instant)>,
    pub(crate) congestion: NewReno,
    pub(crate) recovery: FastRecovery,
    pub(crate) timers: TimerTable,
    pub(crate) config: Arc<Config>,
    pub(crate) send_queue: SendQueue,
    pub(crate) receive_queue: ReceiveQueue,
    pub(crate) disorder: Option<Box<Disorder>>,
    pub(crate) counters: Counters,
    pub(crate) last_sent_at: Instant,
    pub(crate) last_received_at: Instant,
    /// Boxed, for almost nobody reads it.
    pub(crate) tracing: Option<Box<Traces>>,
}

/// What [`crate::Info`] reports and nothing else needs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counters {
    pub(crate) bytes_acked: u64,
    pub(crate) bytes_received: u64,
    pub(crate) bytes_sent: u64,
    pub(crate) bytes_retransmitted: u64,
    pub(crate) segments_out: u32,
    pub(crate) segments_in: u32,
    pub(crate) data_segments_out: u32,
    pub(crate) data_segments_in: u32,
    pub(crate) retransmissions: u32,
    pub(crate) timeouts: u32,
    pub(crate) refused: u32,
    pub(crate) duplicates_received: u32,
}

/// Trace values that nobody has read yet.
#[derive(Debug, Default)]
pub(crate) struct Traces(VecDeque<Trace>);

/// How many trace values wait for a reader before the oldest is dropped.
const TRACES_MAX: usize = 65_536;

impl Connection {
    fn new(now: Instant, birth: Birth, config: Arc<Config>) -> Self {
        let Birth { iss, timestamp_offset, path } = birth;
        let peer_mss = path.mss_bytes_by_default();
        let zero = Seq::new(0);
        let mut connection = Connection {
            machine: Machine::new(),
            marks: Marks::default(),
            events: Events::default(),
            acks: Acks::new(config.quick_ack_segments),
            snd: SendSequence {
                iss,
                una: iss,
                nxt: iss,
                wnd: 0,
                wnd_max: 0,
                wl1: zero,
                wl2: zero,
                up: None,
                small: iss,
                fin: None,
                shift: 0,
            },
            rcv: ReceiveSequence {
                irs: zero,
                nxt: zero,
                edge: zero,
                acked: zero,
                up: None,
                fin: None,
                shift: config.window_shift(),
            },
            timestamps: TimestampState {
                agreed: false,
                offset: timestamp_offset,
                resent: 0,
                recent: 0,
                recent_at_s: 0,
            },
            peer_mss,
            attempts: 0,
            keep_alive_probes: 0,
            reset_owed: None,
            reset_reply: None,
            failure: None,
            soft_error: None,
            path,
            rtt: Rtt::new(config.rto_initial),
            timed: None,
            congestion: NewReno::new(0),
            recovery: FastRecovery::new(iss),
            timers: TimerTable::new(),
            config,
            send_queue: SendQueue::default(),
            receive_queue: ReceiveQueue::default(),
            disorder: None,
            counters: Counters::default(),
            last_sent_at: now,
            last_received_at: now,
            tracing: None,
        };
        connection.restart_user_timer(now);
        connection
    }

    /// Opens actively: the SYN comes out of [`Connection::poll_transmit`] (RFC 9293 §3.10.1).
    pub fn connect(now: Instant, birth: Birth, config: Arc<Config>) -> Self {
        let mut connection = Connection::new(now, birth, config);
        connection.take(now, Cause::ActiveOpen);
        connection
    }

    /// Opens passively, waiting for one peer; most hosts use a listener and [`Connection::answer`].
    ///
    /// A SYN that arrives is answered; [`Connection::open`] or a write turns the waiting into an
    /// active open (RFC 9293 §3.10.1, §3.10.2, LISTEN).
    pub fn listen(now: Instant, birth: Birth, config: Arc<Config>) -> Self {
        let mut connection = Connection::new(now, birth, config);
        connection.marks.passive = true;
        connection.timers.stop(Timer::User);
        connection.take(now, Cause::PassiveOpen);
        connection
    }

    /// Answers a SYN that arrived for a listener: the SYN-ACK comes out of
    /// [`Connection::poll_transmit`] (RFC 9293 §3.10.7.2, third).
    ///
    /// # Panics
    /// If `syn` is not one that [`crate::listen::arrives`] opens for.
    pub fn answer(now: Instant, birth: Birth, config: Arc<Config>, syn: &Segment) -> Self {
        assert!(
            crate::listen::arrives(&syn.header) == crate::listen::Arrival::Open,
            "only a SYN is answered, not {:?}",
            syn.header.flags
        );
        let mut connection = Connection::listen(now, birth, config);
        connection.on_syn_in_listen(now, syn);
        connection
    }

    /// Turns a passive open into an active one (RFC 9293 §3.10.1, LISTEN). Returns whether it did;
    /// in any other state the connection exists already.
    pub fn open(&mut self, now: Instant) -> bool {
        if self.state() != State::Listen {
            return false;
        }
        self.marks.passive = false;
        self.take(now, Cause::ActiveOpen);
        true
    }

    /// A SYN opens this listening connection.
    pub(crate) fn on_syn_in_listen(&mut self, now: Instant, syn: &Segment) {
        self.synchronize(now, syn);
        self.take(now, Cause::Syn);
        if !syn.payload.is_empty() {
            // Text that came with the SYN waits for the handshake (§3.10.7.2, third).
            let mut text = syn.payload.clone();
            text.truncate(self.rcv.wnd() as usize);
            let first = self.rcv.nxt;
            let _ = self.disorder().reassembly.insert(first, &text);
        }
    }

    /// Takes over what a SYN says: its number and its options.
    pub(crate) fn synchronize(&mut self, now: Instant, syn: &Segment) {
        let header = &syn.header;
        (self.rcv.irs, self.rcv.nxt) = (header.seq, header.seq + 1);
        self.rcv.acked = header.seq;
        self.rcv.edge = self.rcv.nxt + self.config.receive_buffer_bytes.min(0xffff);
        let Options { mss, window_scale, sack_permitted, timestamps, .. } = header.options;
        self.peer_mss = mss.unwrap_or(self.path.mss_bytes_by_default()).max(MSS_BYTES_MIN);
        self.marks.sack = sack_permitted && self.config.sack;
        match window_scale.filter(|_| self.config.window_scaling) {
            // RFC 7323 §2.3: a shift above 14 is taken as 14.
            Some(shift) => (self.snd.shift, self.marks.scaling) = (shift.min(14), true),
            None => (self.snd.shift, self.rcv.shift, self.marks.scaling) = (0, 0, false),
        }
        if let Some(timestamps) = timestamps.filter(|_| self.config.timestamps) {
            self.timestamps.agreed = true;
            self.timestamps.recent = timestamps.value;
            self.timestamps.recent_at_s = seconds(now);
        }
        // RFC 7323 §2.2: the window of a SYN is never scaled.
        self.snd.wnd = u32::from(header.window);
        self.snd.wnd_max = self.snd.wnd;
        self.snd.wl1 = header.seq;
        self.acks.set_segment_limit(self.receive_mss());
        self.congestion = NewReno::new(self.initial_window());
    }

    /// Moves along the row for `cause` and does what the row says; without a row, nothing.
    pub(crate) fn take(&mut self, now: Instant, cause: Cause) -> bool {
        let Some(row) = self.machine.take(cause) else { return false };
        self.trace(|| Trace::StateChanged { row: row.index() });
        self.enter(now, row);
        true
    }

    fn enter(&mut self, now: Instant, row: &Row) {
        match row.sends {
            Sends::Nothing => {}
            Sends::Syn | Sends::SynAck => self.marks.handshake_owed = true,
            Sends::Ack if row.to == State::Established => self.acks.owe(SendReason::HandshakeAck),
            Sends::Ack => self.acks.owe(SendReason::FinAck),
            Sends::Fin => self.marks.fin_queued = true,
            Sends::Rst => {
                self.reset_owed.get_or_insert(ResetReason::Aborted);
            }
        }
        match row.to {
            State::Established => self.on_established(now),
            State::FinWait2 => self.limit_orphan(now),
            State::TimeWait => {
                self.timers.stop_all();
                self.arm(Timer::Linger, now + self.config.time_wait);
            }
            State::Listen => self.return_to_listen(),
            State::Closed => self.on_closed(),
            _ => {}
        }
    }

    fn on_established(&mut self, now: Instant) {
        if core::mem::take(&mut self.attempts) > 0 {
            // The SYN or SYN-ACK was lost: RFC 5681 §3.1, RFC 6298 §5.7.
            self.congestion = NewReno::new(self.mss());
            self.rtt.on_lost_syn(self.rto_bounds());
        }
        self.timers.stop(Timer::User);
        self.events.raise(if self.marks.passive { Event::Accepted } else { Event::Connected });
        self.events.raise(Event::Writable);
        self.start_keep_alive(now);
        if core::mem::take(&mut self.marks.finish_after_handshake) {
            self.take(now, Cause::Close);
        }
    }

    /// An orphan in FIN-WAIT-2 does not wait for ever.
    pub(crate) fn limit_orphan(&mut self, now: Instant) {
        if self.marks.orphaned && self.state() == State::FinWait2 {
            self.arm(Timer::Linger, now + self.config.orphan_timeout);
        }
    }

    /// RFC 9293 §3.10.7.4, SYN-RECEIVED: a passive open that came to nothing waits for the next peer.
    fn return_to_listen(&mut self) {
        self.timers.stop_all();
        // What was written was for the peer that went away.
        self.send_queue.clear();
        self.marks = Marks { passive: true, ..Marks::default() };
        self.recovery = FastRecovery::new(self.snd.iss);
        (self.snd.up, self.rcv.up, self.soft_error) = (None, None, None);
        (self.snd.una, self.snd.nxt) = (self.snd.iss, self.snd.iss);
        (self.attempts, self.disorder, self.timed) = (0, None, None);
        self.acks = Acks::new(self.config.quick_ack_segments);
        self.rcv.shift = self.config.window_shift();
        (self.timestamps.agreed, self.rcv.fin) = (false, None);
        self.rtt = Rtt::new(self.config.rto_initial);
    }

    fn on_closed(&mut self) {
        self.timers.stop_all();
        self.send_queue.clear();
        self.disorder = None;
        self.recovery.resend = None;
        let keep = Marks {
            passive: self.marks.passive,
            syn_acked: self.marks.syn_acked,
            peer_finished: self.marks.peer_finished,
            ..Marks::default()
        };
        self.marks = keep;
        self.acks.forget();
        self.events.raise(Event::Closed);
    }

    /// Ends the connection because of `error`.
    pub(crate) fn fail(&mut self, now: Instant, cause: Cause, error: Error) {
        self.failure = Some(error);
        if self.take(now, cause) {
            self.events.raise(Event::Failed(error));
        }
    }

    // What the driver asks, besides poll_transmit.

    /// The next thing the application should be told, until `None`.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.next(self.failure)
    }

    /// When to call [`Connection::handle_timeout`] at the latest; `None` while nothing is timed.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.earliest()
    }

    /// CLOSED with nothing left to send: the connection can be dropped.
    pub fn is_closed(&self) -> bool {
        self.state() == State::Closed && self.reset_owed.is_none() && self.reset_reply.is_none()
    }

    /// Where the connection stands.
    pub fn state(&self) -> State {
        self.machine.state()
    }

    /// The options in force.
    pub fn config(&self) -> &Arc<Config> {
        &self.config
    }

    /// Changes the options. Those that are agreed upon in the handshake (scaling, timestamps, SACK)
    /// have no effect after it; a smaller receive buffer never takes back a window already offered.
    pub fn set_config(&mut self, now: Instant, config: Arc<Config>) {
        let user_timeout = self.config.user_timeout;
        self.config = config;
        self.start_keep_alive(now);
        if self.config.user_timeout != user_timeout {
            self.timers.stop(Timer::User);
            if self.snd.una != self.snd.nxt {
                self.restart_user_timer(now);
            }
        }
        if !self.config.cork {
            self.timers.stop(Timer::Cork);
        }
    }

    /// Starts or stops keeping a [`Trace`] of everything; [`Connection::poll_trace`] reads it.
    pub fn set_tracing(&mut self, tracing: Tracing) {
        self.tracing = match tracing {
            Tracing::On => Some(self.tracing.take().unwrap_or_default()),
            Tracing::Off => None,
        };
    }

    /// The oldest trace value not yet read. At most 65,536 are kept.
    pub fn poll_trace(&mut self) -> Option<Trace> {
        self.tracing.as_mut()?.0.pop_front()
    }

    pub(crate) fn trace(&mut self, what: impl FnOnce() -> Trace) {
        if let Some(traces) = &mut self.tracing {
            if traces.0.len() == TRACES_MAX {
                traces.0.pop_front();
            }
            traces.0.push_back(what());
        }
    }

    /// How many trace values wait for a reader.
    pub(crate) fn traces_waiting(&self) -> usize {
        self.tracing.as_ref().map_or(0, |traces| traces.0.len())
    }

    /// Puts a trace value before those that came after `place`.
    pub(crate) fn trace_at(&mut self, place: usize, what: Trace) {
        if let Some(traces) = &mut self.tracing {
            traces.0.insert(place.min(traces.0.len()), what);
        }
    }

    // What several rooms need.

    /// Something is sent again: it is not timed any more (Karn), only its echo counts.
    pub(crate) fn on_resent(&mut self, now: Instant, segments: u32, bytes: u32) {
        self.timed = None;
        self.timestamps.resent = self.timestamp_clock(now);
        self.counters.retransmissions = self.counters.retransmissions.wrapping_add(segments);
        self.counters.bytes_retransmitted += u64::from(bytes);
    }

    pub(crate) fn arm(&mut self, timer: Timer, due: Instant) {
        self.timers.set(timer, due);
        self.trace(|| Trace::TimerArmed { timer, due });
    }

    pub(crate) fn disorder(&mut self) -> &mut Disorder {
        self.disorder.get_or_insert_default()
    }

    pub(crate) fn rto_bounds(&self) -> RtoBounds {
        let min_us = micros(self.config.rto_min);
        RtoBounds { min_us, max_us: micros(self.config.rto_max).max(min_us) }
    }

    pub(crate) fn rto_us(&self) -> u32 {
        self.rtt.rto_us(self.rto_bounds())
    }

    /// The MSS we announce (RFC 9293 §3.7.1, MUST-67; RFC 6691: options do not count).
    pub(crate) fn receive_mss(&self) -> u16 {
        self.path.mss_bytes().min(self.config.mss_bytes_max)
    }

    /// Eff.snd.MSS without options (RFC 9293 §3.7.1, MUST-16).
    pub(crate) fn send_mss(&self) -> u16 {
        self.peer_mss.min(self.path.mss_bytes()).min(self.config.mss_bytes_max)
    }

    /// Text bytes of a full-sized segment: SMSS with the standing options taken off.
    pub(crate) fn mss(&self) -> u32 {
        let options = if self.timestamps.agreed { 12 } else { 0 };
        u32::from(self.send_mss()).saturating_sub(options).max(1)
    }

    /// RFC 6928 §2, in bytes.
    pub(crate) fn initial_window(&self) -> u32 {
        u32::from(self.config.initial_window_segments.max(1)) * self.mss()
    }

    /// One past the last byte the application has written; where the FIN goes or went.
    pub(crate) fn stream_end(&self) -> Seq {
        self.snd.fin.unwrap_or(self.text_start() + self.send_queue.len() as u32)
    }

    /// The sequence number of the first byte in the send queue.
    pub(crate) fn text_start(&self) -> Seq {
        if self.syn_unacked() { self.snd.iss + 1 } else { self.snd.una }
    }

    /// The SYN or SYN-ACK is sent and not acknowledged.
    pub(crate) fn syn_unacked(&self) -> bool {
        !self.marks.syn_acked
    }

    /// Our FIN is acknowledged.
    pub(crate) fn fin_acked(&self) -> bool {
        self.snd.fin.is_some_and(|fin| self.snd.una.after(fin))
    }

    /// Bytes that are in the network as far as we know.
    pub(crate) fn in_flight(&self) -> u32 {
        match self.recovery.resend {
            // After a timeout everything not sent again counts as gone.
            Some(resend) if resend.why == SendReason::Timeout => {
                resend.next.latest(self.snd.una).bytes_since(self.snd.una)
            }
            _ => self.snd.nxt.bytes_since(self.snd.una),
        }
    }
}

/// Whether to keep a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Tracing {
    /// No: costs nothing.
    #[default]
    Off,
    /// Yes.
    On,
}

/// The smallest MSS that we believe a peer. RFC 9293 §3.7.1 sets no bound; below this the headers are
/// most of the traffic, which makes a cheap attack (Linux: `tcp_min_snd_mss`, 48).
const MSS_BYTES_MIN: u16 = 48;

/// Whole seconds of the driver's clock, for ages.
pub(crate) fn seconds(now: Instant) -> u32 {
    (now.as_millis() / 1_000) as u32
}
