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

use crate::ecn::Agreed;
use crate::events::Events;
use crate::fast_open::FastOpening;
use crate::handshake::Handshake;
use crate::handshake::Stage;
use crate::marks::{Mark, Marks};
use crate::memory::{Memory, SCARCE_WINDOW_SEGMENTS};
use crate::receiver::{ReceiveBuffer, Receiver};
use crate::segment::{Birth, Error, Event, Path, Segment};
use crate::sender::{Lent, RtoBounds, Sender};
use crate::sizes::{Sizes, initial_window};
use crate::state::{Cause, Machine, State};
use crate::timers::{Timer, TimerTable};
use crate::timestamps::TimestampState;
use crate::trace::Trace;
use crate::tracing::Tracer;
use crate::{Config, CongestionControl, Instant, ResetReason, SendReason};
use alloc::boxed::Box;
use alloc::sync::Arc;
use wire::Seq;
use wire::tcp::Options;

/// One TCP connection.
///
/// ```
/// use std::sync::Arc;
/// use synfin_tcp::{Birth, Config, Connection, Event, Instant, Path, Segment, State};
/// use wire::Seq;
///
/// let path = Path { mtu_bytes: 1_500, ip_header_bytes: 20 };
/// let birth = |iss| Birth { iss: Seq::new(iss), timestamp_offset: 0, path };
/// let (now, config) = (Instant::ZERO, Arc::new(Config::default()));
///
/// let mut client = Connection::connect(now, birth(4_225_926_656), config.clone());
/// let syn = Segment::from(client.poll_transmit(now, 0).expect("the first step"));
/// let mut server = Connection::answer(now, birth(3_022_381_253), config, &syn);
/// client.handle_segment(now, server.poll_transmit(now, 0).expect("the second step").into());
/// assert_eq!(client.poll_event(), Some(Event::Connected));
/// server.handle_segment(now, client.poll_transmit(now, 0).expect("the third step").into());
/// assert_eq!(server.poll_event(), Some(Event::Accepted));
/// assert_eq!((client.state(), server.state()), (State::Established, State::Established));
/// ```
#[derive(Debug)]
pub struct Connection {
    pub(crate) machine: Machine,
    pub(crate) handshake: Handshake,
    /// What is known of a Fast Open.
    pub(crate) fast_opening: Option<Box<FastOpening>>,
    pub(crate) sender: Sender,
    pub(crate) receiver: Receiver,
    /// Once ECN is agreed upon. Boxed: most connections are without.
    pub(crate) ecn: Option<Box<Agreed>>,
    pub(crate) timers: TimerTable,
    pub(crate) events: Events,
    pub(crate) marks: Marks<Fact>,
    /// Keep-alive probes in a row without an answer.
    pub(crate) keep_alive_probes: u8,
    /// How much memory the host has to spare.
    pub(crate) memory: Memory,
    pub(crate) timestamps: TimestampState,
    pub(crate) sizes: Sizes,
    pub(crate) reset_owed: Option<ResetReason>,
    /// The number of the reset that refuses a segment, while [`Fact::ResetReply`].
    reset_reply: Seq,
    pub(crate) failure: Option<Error>,
    pub(crate) soft_error: Option<Error>,
    /// The path, in two parts, because together they would take three bytes more.
    path_mtu_bytes: u32,
    ip_header_bytes: u8,
    pub(crate) config: Arc<Config>,
    /// When something acceptable was last received, in milliseconds of the driver's clock.
    pub(crate) last_received_ms: u32,
    pub(crate) counters: Counters,
    pub(crate) tracer: Tracer,
}

/// What is true of a connection or is not.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(crate) enum Fact {
    /// Window scaling was agreed upon.
    Scaling = 1,
    /// Nobody will read: the application has closed both directions.
    Orphaned = 2,
    /// Nothing but the FIN of an orphan was left when it was judged last.
    OrphanFinishing = 4,
    /// A keep-alive probe has to go out.
    KeepAliveOwed = 8,
    /// A segment has to be refused by a reset, while the connection goes on.
    ResetReply = 16,
    /// It keeps, or has kept, what most connections never do: a trace, what ECN needs, a Fast Open, a large controller.
    KeepsMore = 32,
}

impl Mark for Fact {
    fn bit(self) -> u8 {
        self as u8
    }
}

/// What [`crate::Info`] reports of both halves together.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counters {
    pub(crate) segments_out: u32,
    pub(crate) segments_in: u32,
    pub(crate) refused: u32,
}

impl Connection {
    /// Window scaling was agreed upon.
    #[inline]
    pub(crate) fn is_scaling(&self) -> bool {
        self.marks.has(Fact::Scaling)
    }

    /// Nobody will read: the application has closed both directions.
    #[inline]
    pub(crate) fn is_orphaned(&self) -> bool {
        self.marks.has(Fact::Orphaned)
    }

    #[inline]
    pub(crate) fn owes_reset_reply(&self) -> bool {
        self.marks.has(Fact::ResetReply)
    }

    /// A segment is refused by a reset with this number, and the connection goes on.
    #[cold]
    pub(crate) fn owe_reset_reply(&mut self, seq: Seq) {
        self.reset_reply = seq;
        self.marks.put(Fact::ResetReply);
    }

    pub(crate) fn take_reset_reply(&mut self) -> Option<Seq> {
        self.marks.take(Fact::ResetReply).then_some(self.reset_reply)
    }

    fn new(now: Instant, birth: Birth, config: Arc<Config>) -> Self {
        let Birth { iss, timestamp_offset, path } = birth;
        let sizes = Sizes::new(path, &config);
        let mut connection = Connection {
            machine: Machine::new(),
            handshake: Handshake::default(),
            fast_opening: None,
            sender: Sender::new(now, iss, &config),
            receiver: Receiver::new(&config),
            ecn: None,
            timers: TimerTable::new(),
            events: Events::default(),
            marks: Marks::default(),
            keep_alive_probes: 0,
            memory: Memory::Ample,
            timestamps: TimestampState::new(timestamp_offset),
            sizes,
            reset_owed: None,
            reset_reply: Seq::new(0),
            failure: None,
            soft_error: None,
            path_mtu_bytes: path.mtu_bytes,
            ip_header_bytes: path.ip_header_bytes,
            config,
            last_received_ms: now.as_millis() as u32,
            counters: Counters::default(),
            tracer: Tracer::default(),
        };
        connection.note_controller();
        connection
    }

    fn note_controller(&mut self) {
        if self.sender.congestion.held_bytes() > 0 {
            self.marks.put(Fact::KeepsMore);
        }
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
        connection.handshake.marks.put(Stage::Passive);
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
            crate::listen::arrives(&syn.header, config.habits) == crate::listen::Arrival::Open,
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
        self.forget_passive_open();
        self.take(now, Cause::ActiveOpen);
        true
    }

    /// A SYN opens this listening connection.
    pub(crate) fn on_syn_in_listen(&mut self, now: Instant, syn: &Segment) {
        self.synchronize(now, syn);
        self.hear_ecn_of_syn(syn);
        self.take(now, Cause::Syn);
        if !self.take_text_of_syn(syn) {
            self.keep_what_came_with_syn(syn);
        }
    }

    /// Text and FIN of a SYN wait for ESTABLISHED (RFC 9293 §3.10.7.2, third; §3.10.7.3, fifth).
    pub(crate) fn keep_what_came_with_syn(&mut self, syn: &Segment) {
        if !syn.payload.is_empty() || syn.header.flags.fin() {
            self.receiver.keep_what_came_with_syn(syn);
        }
    }

    /// Takes over what a SYN says: its number and its options.
    pub(crate) fn synchronize(&mut self, now: Instant, syn: &Segment) {
        let header = &syn.header;
        let Options { mss, window_scale, timestamps, .. } = header.options;
        self.sizes.take_peer_mss(mss, self.path(), &self.config);
        self.receiver.synchronize(header, self.sizes.receive_mss(), &self.config);
        match window_scale.filter(|_| self.config.window_scaling) {
            // RFC 7323 §2.3: a shift above 14 is taken as 14.
            Some(shift) => {
                self.sender.shift = shift.min(14);
                self.marks.put(Fact::Scaling);
            }
            None => {
                self.sender.shift = 0;
                self.marks.set(Fact::Scaling, false);
                self.receiver.leave_unscaled();
            }
        }
        if let Some(timestamps) = timestamps.filter(|_| self.config.timestamps) {
            self.timestamps.agree(now, timestamps.value);
        }
        self.sender.synchronize(header.seq, header.window, header.options.sack_permitted && self.config.sack);
        self.sender.begin(initial_window(&self.config, self.mss()), &self.config);
    }

    /// The send half, and what it is lent.
    pub(crate) fn sending(&mut self, now: Instant) -> (&mut Sender, Lent<'_>) {
        let mss = self.mss();
        let Connection { sender, config, timers, tracer, ecn, .. } = self;
        let heeds = ecn.as_deref_mut().map(|ecn| &mut ecn.heeds);
        (sender, Lent { now, config, mss, timers, tracer, heeds })
    }

    pub(crate) fn arm(&mut self, timer: Timer, due: Instant) {
        self.timers.set(timer, due);
        self.trace(|| Trace::TimerArmed { timer, due });
    }

    /// What the receive half has to know of its buffer.
    pub(crate) fn receive_buffer(&self) -> ReceiveBuffer {
        let grown_bytes = self.receiver.buffer_bytes(&self.config);
        let wanted_bytes = match self.memory {
            Memory::Ample => grown_bytes,
            Memory::Scarce => grown_bytes.min(SCARCE_WINDOW_SEGMENTS * u32::from(self.sizes.receive_mss())),
        };
        ReceiveBuffer::new(wanted_bytes, self.config.habits, self.sizes, self.state())
    }

    /// Measures anew how large segments may be: after a change of path, options or the peer's word.
    pub(crate) fn measure(&mut self) {
        self.sizes.measure(self.path(), &self.config);
        self.bound_path_search();
    }

    /// The path as this connection knows it.
    pub fn path(&self) -> Path {
        Path { mtu_bytes: self.path_mtu_bytes, ip_header_bytes: self.ip_header_bytes }
    }

    pub(crate) fn keep_path(&mut self, path: Path) {
        (self.path_mtu_bytes, self.ip_header_bytes) = (path.mtu_bytes, path.ip_header_bytes);
    }

    /// Text bytes of a full-sized segment: SMSS with the standing options taken off.
    pub(crate) fn mss(&self) -> u32 {
        self.sizes.text_bytes(&self.timestamps)
    }

    // What the driver asks, besides poll_transmit.

    /// The next thing the application should be told, until `None`.
    #[inline]
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.next(self.failure)
    }

    /// Whether [`Connection::poll_event`] has something to tell.
    pub fn has_event(&self) -> bool {
        !self.events.is_empty()
    }

    /// When to call [`Connection::handle_timeout`] at the latest; `None` while nothing is timed.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.earliest()
    }

    /// The timers that run, and when each is due.
    ///
    /// ```
    /// use synfin_tcp::{Birth, Config, Connection, Instant, Path};
    /// # let path = Path { mtu_bytes: 1_500, ip_header_bytes: 20 };
    /// # let birth = Birth { iss: wire::Seq::new(1), timestamp_offset: 0, path };
    /// let connection = Connection::connect(Instant::ZERO, birth, Config::default().into());
    /// assert_eq!(connection.timers().count(), 0, "the SYN has not left yet");
    /// ```
    pub fn timers(&self) -> impl Iterator<Item = (Timer, Instant)> + use<'_> {
        self.timers.running()
    }

    /// CLOSED with nothing left to send: the connection can be dropped.
    pub fn is_closed(&self) -> bool {
        self.state() == State::Closed && self.reset_owed.is_none() && !self.owes_reset_reply()
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
        let congestion = self.config.congestion;
        let quick_ack_segments = self.config.quick_ack_segments;
        self.config = config;
        self.measure();
        self.sender.rtt.on_bounds(RtoBounds::new(&self.config));
        if self.config.quick_ack_segments != quick_ack_segments {
            self.receiver.acks.set_quick(self.config.quick_ack_segments);
            if self.config.quick_ack_segments > 0 && self.timers.is_running(Timer::DelayedAck) {
                self.receiver.acks.owe(SendReason::ImmediateAck);
            }
        }
        if self.config.congestion != congestion {
            let (sender, lent) = self.sending(now);
            sender.switch_congestion(&lent);
            self.note_controller();
        }
        self.start_keep_alive(now);
        if self.config.user_timeout != user_timeout {
            self.timers.stop(Timer::User);
            if self.state() != State::Closed && self.sender.has_waiting() {
                self.restart_user_timer(now);
            }
        }
        if !self.config.cork {
            self.timers.stop(Timer::Cork);
        }
    }

    /// Another congestion control takes over, with the window as it is (`TCP_CONGESTION`).
    pub fn set_congestion(&mut self, now: Instant, congestion: CongestionControl) {
        let config = Config { congestion, ..Config::clone(&self.config) };
        self.set_config(now, Arc::new(config));
    }
}
