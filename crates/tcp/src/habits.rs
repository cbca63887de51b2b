//! Where the systems differ: what the RFCs leave open or are not followed in, one question a method.
//!
//! A program wants [`Habits::Rfc`]; the others are for scripts that expect a system's very packets. What a
//! system lets its administrator choose is not here: it is an option of [`crate::Config`].

use crate::{CongestionControl, Error};
use core::time::Duration;

/// Whose way to go where there is a choice.
///
/// There are no others: what follows a system has to decide for each, so that another is no minor change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Habits {
    /// What RFC 9293 says, and RFC 5961 and RFC 7323 beside it, but for the few departures that
    /// ARCHITECTURE.md names.
    #[default]
    Rfc,
    /// Linux's.
    Linux,
    /// FreeBSD's.
    FreeBsd,
}

/// What may wait for a delayed acknowledgment; one more byte is acknowledged at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DelayedAckLimit {
    /// Less than two full-sized segments (RFC 9293 §3.8.6.3, SHLD-19; RFC 5681 §4.2).
    TwoFullSegments,
    /// As many bytes as one full-sized segment has.
    OneFullSegment,
    /// One segment, however small.
    OneSegment,
}

impl Habits {
    /// All of them.
    pub const ALL: [Habits; 3] = [Habits::Linux, Habits::FreeBsd, Habits::Rfc];

    /// Its name on command lines: `linux`, `freebsd` or `rfc`.
    ///
    /// ```
    /// use synfin_tcp::Habits;
    /// assert_eq!(Habits::FreeBsd.name(), "freebsd");
    /// assert!(Habits::ALL.iter().all(|habits| Habits::named(habits.name()) == Some(*habits)));
    /// ```
    pub const fn name(self) -> &'static str {
        match self {
            Habits::Linux => "linux",
            Habits::FreeBsd => "freebsd",
            Habits::Rfc => "rfc",
        }
    }

    /// The habits of that name.
    pub fn named(name: &str) -> Option<Habits> {
        Habits::ALL.into_iter().find(|habits| habits.name() == name)
    }

    const fn are_freebsds(self) -> bool {
        matches!(self, Habits::FreeBsd)
    }

    const fn are_linuxs(self) -> bool {
        matches!(self, Habits::Linux)
    }

    /// Every acknowledgment repeats our FIN until it is acknowledged, as the BSDs do; the others send
    /// it again when the timer runs out.
    pub(crate) const fn acknowledgments_repeat_fin(self) -> bool {
        self.are_freebsds()
    }

    /// ABORT in CLOSING and LAST-ACK sends a reset; RFC 9293 §3.10.5 sends none.
    pub(crate) const fn abort_resets_after_fin(self) -> bool {
        self.are_freebsds()
    }

    /// The receive buffer holds whole segments: it is rounded up to a multiple of the MSS when the peer's
    /// is known, and every acknowledgment tells the room in it, rounded up to the unit of the scale, unless
    /// that is less than a segment. The others keep the buffer exact, and their window grows by whole
    /// segments (RFC 9293 §3.8.6.2.2).
    pub(crate) const fn receive_buffer_holds_whole_segments(self) -> bool {
        self.are_freebsds()
    }

    /// What arrives is measured by the room in the receive buffer, where that is more than was announced.
    pub(crate) const fn window_is_the_buffers_room(self) -> bool {
        self.are_freebsds()
    }

    /// `TCP_MAXSEG` limits what is sent and not what is announced.
    pub(crate) const fn announced_mss_is_the_links(self) -> bool {
        self.are_freebsds()
    }

    /// CLOSE with data unread resets the connection (RFC 9293 §3.6.1, SHLD-3); the BSDs throw the data away
    /// and send a FIN.
    pub(crate) const fn close_resets_if_unread(self) -> bool {
        !self.are_freebsds()
    }

    /// CLOSE before the handshake is done forgets the connection without a word; RFC 9293 §3.10.4 sends a
    /// FIN from SYN-RECEIVED.
    pub(crate) const fn close_forgets_syn_received(self) -> bool {
        self.are_freebsds()
    }

    /// Text for an application that is gone resets the connection wherever it lies; the others look into
    /// the receive window first (RFC 9293 §3.10.7.4, first step).
    pub(crate) const fn text_after_close_resets_anywhere(self) -> bool {
        self.are_freebsds()
    }

    /// Without text, a segment with an old timestamp is dropped without the acknowledgment that RFC 7323
    /// §5.3 wants.
    pub(crate) const fn old_timestamp_alone_is_not_answered(self) -> bool {
        self.are_freebsds()
    }

    /// Text that was overtaken by a retransmission counts as old, as RFC 7323 §5.3 has it. Ours is taken if it was sent
    /// after the disorder began.
    pub(crate) const fn late_text_is_old(self) -> bool {
        !matches!(self, Habits::Rfc)
    }

    /// A reset of a passive half-open connection that also has ACK, SYN or FIN is challenged, whatever its
    /// number.
    pub(crate) const fn half_open_wants_bare_reset(self) -> bool {
        self.are_freebsds()
    }

    /// Whether a soft ICMP error ends an attempt to connect: any on Linux; a path that is too long, and a host
    /// that does not know what follows IPv6's header, on FreeBSD; RFC 9293 §3.9.2.2 (MUST-56) goes on trying.
    pub(crate) const fn soft_error_ends_opening(self, error: Error) -> bool {
        match self {
            Habits::Linux => true,
            Habits::FreeBsd => matches!(error, Error::HopsExceeded | Error::NextHeaderUnknown),
            Habits::Rfc => false,
        }
    }

    /// A passive half-open connection survives even a hard ICMP error.
    pub(crate) const fn half_open_survives_icmp(self) -> bool {
        self.are_freebsds()
    }

    /// What has neither ACK nor RST nor SYN is dropped before anything else is looked at; RFC 9293 §3.10.7.4
    /// answers it if it lies outside the window.
    pub(crate) const fn drops_what_has_no_ack_first(self) -> bool {
        self.are_linuxs()
    }

    /// After the peer's FIN a reset with the number of that FIN is believed: some systems send it so.
    pub(crate) const fn reset_may_have_the_number_of_fin(self) -> bool {
        self.are_linuxs()
    }

    /// A closed window is probed without text, from one byte below what is acknowledged, like an idle peer
    /// (§3.8.4); the others send one byte (§3.8.6.1).
    pub(crate) const fn window_probes_are_empty(self) -> bool {
        self.are_linuxs()
    }

    /// Probes of a closed window are no nearer and no farther from each other than this (FreeBSD's
    /// `persmin`, `persmax`); the others take the retransmission timeout as it is.
    pub(crate) const fn window_probe_bounds(self) -> Option<(Duration, Duration)> {
        match self {
            Habits::FreeBsd => Some((Duration::from_secs(5), Duration::from_secs(60))),
            Habits::Linux | Habits::Rfc => None,
        }
    }

    /// A SYN with ACK for a listener is dropped; RFC 9293 §3.10.7.2 resets whoever sent it.
    pub(crate) const fn listener_ignores_syn_ack(self) -> bool {
        self.are_freebsds()
    }

    /// How much may wait for a delayed acknowledgment.
    pub(crate) const fn delayed_ack_limit(self) -> DelayedAckLimit {
        match self {
            Habits::Rfc => DelayedAckLimit::TwoFullSegments,
            Habits::Linux => DelayedAckLimit::OneFullSegment,
            Habits::FreeBsd => DelayedAckLimit::OneSegment,
        }
    }

    /// What the system calls a congestion control: NewReno is `reno` on Linux.
    ///
    /// ```
    /// use synfin_tcp::{CongestionControl, Habits};
    /// assert_eq!(Habits::Linux.congestion_control_name(CongestionControl::NewReno), "reno");
    /// assert_eq!(Habits::FreeBsd.congestion_control_name(CongestionControl::NewReno), "newreno");
    /// ```
    pub const fn congestion_control_name(self, control: CongestionControl) -> &'static str {
        match (self, control) {
            (Habits::Linux | Habits::Rfc, CongestionControl::NewReno) => "reno",
            _ => control.name(),
        }
    }

    /// `TCP_NODELAY` sends what waits, even behind `TCP_CORK`.
    pub const fn no_delay_flushes_cork(self) -> bool {
        !self.are_freebsds()
    }

    /// Segments that go out at once leave in pairs, and the second of each has PSH: segmentation offload makes
    /// one of two segments of a flow that is not fast, and every such segment is pushed. The others push the
    /// end of what is queued (RFC 9293 §3.9.1.2).
    pub(crate) const fn pairs_end_with_push(self) -> bool {
        self.are_linuxs()
    }

    /// The SYN-ACK of a simultaneous open offers again what our SYN did, whatever the peer's SYN did; RFC 7323
    /// §2.2 and §3.2 offer only what both have.
    pub(crate) const fn simultaneous_syn_ack_offers_again(self) -> bool {
        self.are_linuxs()
    }

    /// The third step of the handshake goes by itself, with what waits behind it; FreeBSD's takes data and FIN along.
    pub(crate) const fn third_step_goes_alone(self) -> bool {
        !self.are_freebsds()
    }

    /// An acknowledgment of what was not sent makes a SYN that was sent once go again so soon: the connection
    /// that it came from has been reset by now. FreeBSD waits for the timer.
    pub(crate) const fn reset_in_syn_sent_hurries_syn(self) -> Option<Duration> {
        // TCP_TIMEOUT_MIN: two ticks of 4 ms
        if self.are_freebsds() { None } else { Some(Duration::from_millis(8)) }
    }

    /// A reset that proves nothing does so, too.
    pub(crate) const fn reset_hurries_syn_too(self) -> bool {
        self.are_linuxs()
    }

    /// In ESTABLISHED the acknowledgment of a FIN waits as one of text does, if there has been text; RFC 9293
    /// §3.10.7.4, eighth step, sends it. A FIN that came before its turn is acknowledged at once when the hole is
    /// filled.
    pub(crate) const fn acknowledgment_of_fin_waits(self) -> bool {
        self.are_linuxs()
    }

    /// A SYN-ACK that goes again still agrees to classic ECN, however often. RFC 9768 §3.2.3.2.2 does without from the
    /// third on, for the accurate kind, and so do the others here.
    pub(crate) const fn answers_keep_ecn(self) -> bool {
        self.are_linuxs()
    }

    /// Without a known MSS of the peer a SYN takes as much text as the path does; RFC 7413 §4.1.3 takes the default of
    /// 536 or 1,220 bytes.
    pub(crate) const fn syn_text_may_fill_the_path(self) -> bool {
        self.are_linuxs()
    }

    /// Beside the text of a SYN there is room for all the options that a header may have, for middleboxes that add some.
    /// The others leave room for those that it has.
    pub(crate) const fn syn_text_leaves_room_for_options(self) -> bool {
        self.are_linuxs()
    }

    /// A Fast Open whose text was not taken is tried again the next time; RFC 7413 §4.1.3.1 wants it remembered.
    pub const fn refused_syn_text_is_forgotten(self) -> bool {
        self.are_linuxs()
    }

    /// A Fast Open cookie is made of the client's address alone; the others put the server's address into it, too, so
    /// that a cookie of one address is worth nothing at another.
    pub const fn fast_open_cookie_has_only_the_client(self) -> bool {
        self.are_freebsds()
    }

    /// A peer that gave no cookie when it was asked with option 34 is asked with option 254 the next time (RFC 7413
    /// §9: before it had a kind).
    pub const fn fast_open_tries_the_experiment(self) -> bool {
        self.are_linuxs()
    }

    /// SYNs that go again without backing off are not counted among the retries.
    pub(crate) const fn linear_syns_are_not_counted(self) -> bool {
        self.are_linuxs()
    }

    /// Whether the peer has been silent for too long is asked by the clock: since the first retransmission as
    /// much time has passed as that many retries would take that begin with the shortest timeout. The others
    /// count retransmissions.
    pub(crate) const fn gives_up_by_the_clock(self) -> bool {
        self.are_linuxs()
    }

    /// ABORT in TIME-WAIT, where the application still holds the connection, leaves it there; RFC 9293 §3.10.5
    /// deletes it.
    pub(crate) const fn abort_leaves_time_wait(self) -> bool {
        self.are_linuxs()
    }

    /// The range of a search for the path's MTU is halved by each probe, and one that is lost is too big; the others
    /// begin with the largest size and common ones, and lose three (RFC 4821 §7.3, RFC 8899 §5.1.2).
    pub(crate) const fn path_probes_only_halve(self) -> bool {
        self.are_linuxs()
    }

    /// A larger size has to show that it does not lose more before the next is tried (RFC 4821 §7.8).
    pub(crate) const fn larger_size_is_verified(self) -> bool {
        !self.are_linuxs()
    }

    /// A plain SYN or SYN-ACK beside one that asks for ECN, or grants it, takes nothing back; RFC 3168 §6.1.1 forbids
    /// ECN-capable packets then.
    pub(crate) const fn ecn_outlives_plain_syns(self) -> bool {
        self.are_linuxs()
    }

    /// A reduction that was a mistake is taken back by an acknowledgment that tells of marks, too; RFC 4015 §3.4 does not.
    pub(crate) const fn marks_undo(self) -> bool {
        self.are_linuxs()
    }

    /// What ICMP says of the path's MTU is believed at once, whatever has arrived before; RFC 5927 §7.2 waits for a
    /// timeout when larger segments have arrived.
    pub(crate) const fn too_big_is_believed_at_once(self) -> bool {
        !matches!(self, Habits::Rfc)
    }

    /// Giving up on data or a FIN that nobody acknowledges is not told to the peer, as RFC 9293 §3.10.8 has
    /// it. The others send a reset, for a peer that lives but is not heard.
    pub(crate) const fn gives_up_without_reset(self) -> bool {
        self.are_linuxs()
    }
}
