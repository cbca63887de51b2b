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

use crate::congestion::new_reno::NewReno;
use crate::events::Events;
use crate::receiver::Receiver;
use crate::recovery::fast_recovery::FastRecovery;
use crate::recovery::rtt::Rtt;
use crate::segment::{Birth, Error, Event, Path, Segment};
use crate::send_queue::SendQueue;
use crate::sizes::Sizes;
use crate::state::{Cause, Machine, State};
use crate::timers::{Timer, TimerTable};
use crate::timestamps::TimestampState;
use crate::tracing::Traces;
use crate::variables::{Counters, Marks, SendSequence, Timed};
use crate::{Config, Instant, ResetReason, SendReason};
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
/// let segment = |transmit: synfin_tcp::Transmit| Segment { header: transmit.header, payload: transmit.payload };
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
    pub(crate) snd: SendSequence,
    pub(crate) receiver: Receiver,
    pub(crate) timestamps: TimestampState,
    pub(crate) sizes: Sizes,
    /// Retransmissions of the same data in a row, or probes in a row, without an answer.
    pub(crate) attempts: u8,
    /// When the first of them was made.
    pub(crate) first_resent_at: Instant,
    /// Keep-alive probes in a row without an answer.
    pub(crate) keep_alive_probes: u8,
    pub(crate) reset_owed: Option<ResetReason>,
    /// A segment to be refused by a reset with this sequence number, while the connection goes on.
    pub(crate) reset_reply: Option<Seq>,
    pub(crate) failure: Option<Error>,
    pub(crate) soft_error: Option<Error>,
    pub(crate) path: Path,
    pub(crate) rtt: Rtt,
    pub(crate) timed: Timed,
    pub(crate) congestion: NewReno,
    pub(crate) recovery: FastRecovery,
    pub(crate) timers: TimerTable,
    pub(crate) config: Arc<Config>,
    pub(crate) send_queue: SendQueue,
    pub(crate) counters: Counters,
    pub(crate) last_sent_at: Instant,
    pub(crate) last_received_at: Instant,
    /// Boxed, for almost nobody reads it.
    pub(crate) tracing: Option<Box<Traces>>,
}

impl Connection {
    fn new(now: Instant, birth: Birth, config: Arc<Config>) -> Self {
        let Birth { iss, timestamp_offset, path } = birth;
        let sizes = Sizes::new(path, &config);
        let zero = Seq::new(0);
        Connection {
            machine: Machine::new(),
            marks: Marks::default(),
            events: Events::default(),
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
            receiver: Receiver::new(&config),
            timestamps: TimestampState::new(timestamp_offset),
            sizes,
            attempts: 0,
            first_resent_at: now,
            keep_alive_probes: 0,
            reset_owed: None,
            reset_reply: None,
            failure: None,
            soft_error: None,
            path,
            rtt: Rtt::new(config.rto_initial),
            timed: Timed::NOTHING,
            congestion: NewReno::new(0),
            recovery: FastRecovery::new(iss),
            timers: TimerTable::new(),
            config,
            send_queue: SendQueue::default(),
            counters: Counters::default(),
            last_sent_at: now,
            last_received_at: now,
            tracing: None,
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
        connection.marks.passive = true;
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
        self.marks.passive = false;
        self.take(now, Cause::ActiveOpen);
        true
    }

    /// A SYN opens this listening connection.
    pub(crate) fn on_syn_in_listen(&mut self, now: Instant, syn: &Segment) {
        self.synchronize(now, syn);
        self.take(now, Cause::Syn);
        if !syn.payload.is_empty() {
            self.receiver.keep_text_of_syn(&syn.payload);
        }
    }

    /// Takes over what a SYN says: its number and its options.
    pub(crate) fn synchronize(&mut self, now: Instant, syn: &Segment) {
        let header = &syn.header;
        let Options { mss, window_scale, timestamps, .. } = header.options;
        self.sizes.take_peer_mss(mss, self.path, &self.config);
        self.receiver.synchronize(header, self.sizes.receive_mss(), &self.config);
        match window_scale.filter(|_| self.config.window_scaling) {
            // RFC 7323 §2.3: a shift above 14 is taken as 14.
            Some(shift) => (self.snd.shift, self.marks.scaling) = (shift.min(14), true),
            None => {
                (self.snd.shift, self.marks.scaling) = (0, false);
                self.receiver.leave_unscaled();
            }
        }
        if let Some(timestamps) = timestamps.filter(|_| self.config.timestamps) {
            self.timestamps.agree(now, timestamps.value);
        }
        // RFC 7323 §2.2: the window of a SYN is never scaled.
        self.snd.wnd = u32::from(header.window);
        self.snd.wnd_max = self.snd.wnd;
        self.snd.wl1 = header.seq;
        self.congestion = NewReno::new(self.initial_window());
    }

    // What the driver asks, besides poll_transmit.

    /// The next thing the application should be told, until `None`.
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
        let quick_ack_segments = self.config.quick_ack_segments;
        self.config = config;
        self.measure();
        if self.config.quick_ack_segments != quick_ack_segments {
            self.receiver.acks.set_quick(self.config.quick_ack_segments);
            if self.config.quick_ack_segments > 0 && self.timers.is_running(Timer::DelayedAck) {
                self.receiver.acks.owe(SendReason::ImmediateAck);
            }
        }
        self.start_keep_alive(now);
        if self.config.user_timeout != user_timeout {
            self.timers.stop(Timer::User);
            let waits = self.snd.una != self.snd.nxt || self.state() == State::SynSent;
            if self.state() != State::Closed && waits {
                self.restart_user_timer(now);
            }
        }
        if !self.config.cork {
            self.timers.stop(Timer::Cork);
        }
    }
}
