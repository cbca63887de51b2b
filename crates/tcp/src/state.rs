//! The state diagram, written once (RFC 9293 §3.3.2 and the event processing of §3.10).
//!
//! Each row says: in this state, when this happens, go there, send that, because of this section.
//! The engine moves only by [`Machine::take`]; the lens, the diagrams, the model checker and the
//! coverage report read the same rows. What is *not* here: anything that needs data (windows, PAWS,
//! acceptability); it stands before the table, and what it decided is in the [`Cause`].

use core::fmt;

transitions! {
    // from     on                    to           sends    where
    Closed      + PassiveOpen      => Listen,      Nothing, "9293#3.10.1";
    Closed      + ActiveOpen       => SynSent,     Syn,     "9293#3.10.1";
    Listen      + ActiveOpen       => SynSent,     Syn,     "9293#3.10.1";
    Listen      + Send             => SynSent,     Syn,     "9293#3.10.2";
    Listen      + Syn              => SynReceived, SynAck,  "9293#3.10.7.2";
    Listen      + Close            => Closed,      Nothing, "9293#3.10.4";
    Listen      + Abort            => Closed,      Nothing, "9293#3.10.5";

    SynSent     + SynAck           => Established, Ack,     "9293#3.10.7.3";
    SynSent     + Syn              => SynReceived, SynAck,  "9293#3.10.7.3";
    SynSent     + Rst              => Closed,      Nothing, "9293#3.10.7.3";
    SynSent     + Close            => Closed,      Nothing, "9293#3.10.4";
    SynSent     + Abort            => Closed,      Nothing, "9293#3.10.5";
    SynSent     + HardError        => Closed,      Nothing, "9293#3.9.2.2";
    SynSent     + GaveUp           => Closed,      Nothing, "9293#3.8.3";
    SynSent     + UserTimeout      => Closed,      Nothing, "9293#3.10.8";

    SynReceived + AckOfSyn         => Established, Nothing, "9293#3.10.7.4";
    SynReceived + RstToPassiveOpen => Listen,      Nothing, "9293#3.10.7.4";
    SynReceived + SynToPassiveOpen => Listen,      Nothing, "9293#3.10.7.4";
    SynReceived + Rst              => Closed,      Nothing, "9293#3.10.7.4";
    SynReceived + Close            => FinWait1,    Fin,     "9293#3.10.4";
    SynReceived + Abort            => Closed,      Rst,     "9293#3.10.5";
    SynReceived + HardError        => Closed,      Nothing, "9293#3.9.2.2";
    SynReceived + GaveUp           => Closed,      Nothing, "9293#3.8.3";
    SynReceived + UserTimeout      => Closed,      Nothing, "9293#3.10.8";

    Established + Close            => FinWait1,    Fin,     "9293#3.10.4";
    Established + Fin              => CloseWait,   Ack,     "9293#3.10.7.4";
    Established + Rst              => Closed,      Nothing, "9293#3.10.7.4";
    Established + Abort            => Closed,      Rst,     "9293#3.10.5";
    Established + GaveUp           => Closed,      Rst,     "9293#3.8.3";
    Established + UserTimeout      => Closed,      Rst,     "9293#3.10.8";

    FinWait1    + AckOfFin         => FinWait2,    Nothing, "9293#3.10.7.4";
    FinWait1    + Fin              => Closing,     Ack,     "9293#3.10.7.4";
    FinWait1    + FinAndAckOfFin   => TimeWait,    Ack,     "9293#3.10.7.4";
    FinWait1    + Rst              => Closed,      Nothing, "9293#3.10.7.4";
    FinWait1    + Abort            => Closed,      Rst,     "9293#3.10.5";
    FinWait1    + DataAfterClose   => Closed,      Rst,     "9293#3.6.1";
    FinWait1    + GaveUp           => Closed,      Rst,     "9293#3.8.3";
    FinWait1    + UserTimeout      => Closed,      Rst,     "9293#3.10.8";

    FinWait2    + Fin              => TimeWait,    Ack,     "9293#3.10.7.4";
    FinWait2    + Rst              => Closed,      Nothing, "9293#3.10.7.4";
    FinWait2    + Abort            => Closed,      Rst,     "9293#3.10.5";
    FinWait2    + DataAfterClose   => Closed,      Rst,     "9293#3.6.1";
    FinWait2    + GaveUp           => Closed,      Rst,     "9293#3.8.4";
    FinWait2    + UserTimeout      => Closed,      Rst,     "9293#3.10.8";
    FinWait2    + OrphanTimeout    => Closed,      Nothing, "9293#3.6.1";

    CloseWait   + Close            => LastAck,     Fin,     "9293#3.10.4";
    CloseWait   + Rst              => Closed,      Nothing, "9293#3.10.7.4";
    CloseWait   + Abort            => Closed,      Rst,     "9293#3.10.5";
    CloseWait   + GaveUp           => Closed,      Rst,     "9293#3.8.3";
    CloseWait   + UserTimeout      => Closed,      Rst,     "9293#3.10.8";

    Closing     + AckOfFin         => TimeWait,    Nothing, "9293#3.10.7.4";
    Closing     + Rst              => Closed,      Nothing, "9293#3.10.7.4";
    Closing     + Abort            => Closed,      Nothing, "9293#3.10.5";
    Closing     + GaveUp           => Closed,      Rst,     "9293#3.8.3";
    Closing     + UserTimeout      => Closed,      Rst,     "9293#3.10.8";

    LastAck     + AckOfFin         => Closed,      Nothing, "9293#3.10.7.4";
    LastAck     + Rst              => Closed,      Nothing, "9293#3.10.7.4";
    LastAck     + Abort            => Closed,      Nothing, "9293#3.10.5";
    LastAck     + GaveUp           => Closed,      Rst,     "9293#3.8.3";
    LastAck     + UserTimeout      => Closed,      Rst,     "9293#3.10.8";

    TimeWait    + TimeWaitTimeout  => Closed,      Nothing, "9293#3.10.8";
    TimeWait    + NewSyn           => SynReceived, SynAck,  "9293#3.6.1";
    TimeWait    + Rst              => Closed,      Nothing, "9293#3.10.7.4";
    TimeWait    + Abort            => Closed,      Nothing, "9293#3.10.5";
}

/// The states of a connection (RFC 9293 §3.3.2).
///
/// RFC 9293 has no others: a program may match on all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum State {
    /// No connection at all.
    Closed,
    /// Waiting for a connection request from any remote end.
    Listen,
    /// A SYN was sent; waiting for one that matches.
    SynSent,
    /// SYNs were exchanged; waiting for the acknowledgment of ours.
    SynReceived,
    /// Open: data flows both ways.
    Established,
    /// We closed first; our FIN is not acknowledged yet.
    FinWait1,
    /// Our FIN is acknowledged; the peer may go on sending.
    FinWait2,
    /// The peer closed first; we may go on sending.
    CloseWait,
    /// Both closed at once; our FIN is not acknowledged yet.
    Closing,
    /// The peer closed first, then we did; our FIN is not acknowledged yet.
    LastAck,
    /// Both FINs are acknowledged; old segments die out for 2 MSL.
    TimeWait,
}

impl State {
    /// Every state, in the order of the diagram.
    pub const ALL: [State; 11] = [
        State::Closed,
        State::Listen,
        State::SynSent,
        State::SynReceived,
        State::Established,
        State::FinWait1,
        State::FinWait2,
        State::CloseWait,
        State::Closing,
        State::LastAck,
        State::TimeWait,
    ];

    /// The name as the RFC writes it: `FIN-WAIT-1`.
    pub const fn name(self) -> &'static str {
        match self {
            State::Closed => "CLOSED",
            State::Listen => "LISTEN",
            State::SynSent => "SYN-SENT",
            State::SynReceived => "SYN-RECEIVED",
            State::Established => "ESTABLISHED",
            State::FinWait1 => "FIN-WAIT-1",
            State::FinWait2 => "FIN-WAIT-2",
            State::CloseWait => "CLOSE-WAIT",
            State::Closing => "CLOSING",
            State::LastAck => "LAST-ACK",
            State::TimeWait => "TIME-WAIT",
        }
    }

    /// Both ends agree on sequence numbers: ESTABLISHED and every later state.
    pub const fn is_synchronized(self) -> bool {
        !matches!(self, State::Closed | State::Listen | State::SynSent | State::SynReceived)
    }

    /// The peer has not sent its FIN yet, so segment text is taken (§3.10.7.4, seventh step).
    pub const fn takes_text(self) -> bool {
        matches!(self, State::Established | State::FinWait1 | State::FinWait2)
    }

    /// We have not sent our FIN yet, so new data may be sent (§3.10.2).
    pub const fn sends_text(self) -> bool {
        matches!(self, State::Established | State::CloseWait)
    }

    /// Our FIN is queued or sent but not acknowledged.
    pub const fn awaits_ack_of_fin(self) -> bool {
        matches!(self, State::FinWait1 | State::Closing | State::LastAck)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Why a connection moves: what happened, with the guard already decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[non_exhaustive]
pub enum Cause {
    /// The application asked to listen.
    PassiveOpen,
    /// The application asked to connect.
    ActiveOpen,
    /// The application sent data on a listening connection.
    Send,
    /// The application has no more data to send.
    Close,
    /// The application threw the connection away.
    Abort,
    /// A SYN without an acknowledgment of ours.
    Syn,
    /// A SYN that acknowledges ours.
    SynAck,
    /// A SYN in the window of a half-open connection that began with a passive open.
    SynToPassiveOpen,
    /// A SYN newer than everything of the connection that is in TIME-WAIT.
    NewSyn,
    /// An acknowledgment of our SYN.
    AckOfSyn,
    /// The peer's FIN, all data before it having arrived.
    Fin,
    /// An acknowledgment of our FIN.
    AckOfFin,
    /// The peer's FIN and an acknowledgment of ours, in one segment.
    FinAndAckOfFin,
    /// An acceptable RST.
    Rst,
    /// An acceptable RST on a half-open connection that began with a passive open.
    RstToPassiveOpen,
    /// Data arrived for an application that has closed both directions.
    DataAfterClose,
    /// The network says that the peer cannot be reached, before the connection was established.
    HardError,
    /// Retransmissions or keep-alive probes went unanswered for too long (R2).
    GaveUp,
    /// The user timeout ran out.
    UserTimeout,
    /// The peer never closed its side of a connection that its application left.
    OrphanTimeout,
    /// 2 MSL have passed.
    TimeWaitTimeout,
}

impl Cause {
    /// How many causes there are.
    pub const COUNT: usize = Cause::TimeWaitTimeout as usize + 1;

    /// What happened, in the words of the diagram: `rcv ACK of FIN`.
    pub const fn name(self) -> &'static str {
        match self {
            Cause::PassiveOpen => "passive OPEN",
            Cause::ActiveOpen => "active OPEN",
            Cause::Send => "SEND",
            Cause::Close => "CLOSE",
            Cause::Abort => "ABORT",
            Cause::Syn => "rcv SYN",
            Cause::SynAck => "rcv SYN,ACK",
            Cause::SynToPassiveOpen => "rcv SYN (passive open)",
            Cause::NewSyn => "rcv newer SYN",
            Cause::AckOfSyn => "rcv ACK of SYN",
            Cause::Fin => "rcv FIN",
            Cause::AckOfFin => "rcv ACK of FIN",
            Cause::FinAndAckOfFin => "rcv FIN, ACK of FIN",
            Cause::Rst => "rcv RST",
            Cause::RstToPassiveOpen => "rcv RST (passive open)",
            Cause::DataAfterClose => "rcv data after close",
            Cause::HardError => "ICMP hard error",
            Cause::GaveUp => "R2 exceeded",
            Cause::UserTimeout => "user timeout",
            Cause::OrphanTimeout => "orphan timeout",
            Cause::TimeWaitTimeout => "2 MSL timeout",
        }
    }
}

/// What a transition sends, at once or after the data queued before it.
///
/// The rows send nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sends {
    /// Nothing.
    Nothing,
    /// `<SEQ=ISS><CTL=SYN>`.
    Syn,
    /// `<SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK>`.
    SynAck,
    /// `<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>`.
    Ack,
    /// A FIN after the last queued byte.
    Fin,
    /// `<SEQ=SND.NXT><CTL=RST>`.
    Rst,
}

impl Sends {
    /// In the words of the diagram: `snd SYN,ACK`; empty for nothing.
    pub const fn name(self) -> &'static str {
        match self {
            Sends::Nothing => "",
            Sends::Syn => "snd SYN",
            Sends::SynAck => "snd SYN,ACK",
            Sends::Ack => "snd ACK",
            Sends::Fin => "snd FIN",
            Sends::Rst => "snd RST",
        }
    }
}

/// One arrow of the diagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Row {
    /// The state before.
    pub from: State,
    /// What happened.
    pub on: Cause,
    /// The state after.
    pub to: State,
    /// What is sent on the way; a system's [habits](crate::Habits) may want something else (`moves.rs`).
    pub sends: Sends,
    /// Where it is written: `9293#3.10.7.4`, the document's number and the section.
    pub section: &'static str,
}

impl Row {
    /// The position of this row in [`ROWS`].
    pub fn index(&self) -> u8 {
        LOOKUP[self.from as usize][self.on as usize] - 1
    }
}

macro_rules! transitions {
    ($($from:ident + $on:ident => $to:ident, $sends:ident, $section:literal;)+) => {
        /// Every arrow, in the order in which a connection lives.
        pub const ROWS: &[Row] = &[$(Row {
            from: State::$from,
            on: Cause::$on,
            to: State::$to,
            sends: Sends::$sends,
            section: $section,
        }),+];
    };
}
use transitions;

/// (state, cause) to the row's index plus one; zero where the diagram has no arrow.
const LOOKUP: [[u8; Cause::COUNT]; State::ALL.len()] = {
    let mut table = [[0; Cause::COUNT]; State::ALL.len()];
    let mut index = 0;
    while index < ROWS.len() {
        let cell = &mut table[ROWS[index].from as usize][ROWS[index].on as usize];
        assert!(*cell == 0, "two rows for one (state, cause)");
        index += 1;
        *cell = index as u8;
    }
    table
};

/// The arrow from `state` on `cause`, if the diagram has one.
///
/// ```
/// use synfin_tcp::state::{lookup, Cause, State};
/// let row = lookup(State::FinWait1, Cause::FinAndAckOfFin).expect("the diagram has this arrow");
/// assert_eq!(row.to, State::TimeWait);
/// assert!(lookup(State::TimeWait, Cause::Fin).is_none());
/// ```
pub fn lookup(state: State, cause: Cause) -> Option<&'static Row> {
    match LOOKUP[state as usize][cause as usize] {
        0 => None,
        index => ROWS.get(usize::from(index) - 1),
    }
}

/// A state that moves only along the rows.
///
/// ```
/// use synfin_tcp::state::{Cause, Machine, State};
/// let mut machine = Machine::new();
/// machine.take(Cause::PassiveOpen);
/// assert_eq!(machine.state(), State::Listen);
/// assert!(machine.take(Cause::AckOfFin).is_none());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Machine {
    state: State,
}

impl Machine {
    /// A machine in CLOSED, where every connection begins.
    pub const fn new() -> Self {
        Machine { state: State::Closed }
    }

    /// Where it is.
    pub const fn state(self) -> State {
        self.state
    }

    /// Moves along the arrow for `cause` and returns it; without one, stays and returns `None`.
    pub fn take(&mut self, cause: Cause) -> Option<&'static Row> {
        let row = lookup(self.state, cause)?;
        self.state = row.to;
        Some(row)
    }
}

impl Default for Machine {
    fn default() -> Self {
        Machine::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_found_by_its_state_and_cause() {
        for (index, row) in ROWS.iter().enumerate() {
            assert_eq!(lookup(row.from, row.on), Some(row));
            assert_eq!(usize::from(row.index()), index);
        }
    }

    #[test]
    fn every_state_is_reached_from_closed_and_leads_back() {
        let reach = |forward: bool| {
            let mut seen = [false; State::ALL.len()];
            seen[State::Closed as usize] = true;
            for _ in State::ALL {
                for row in ROWS {
                    let (a, b) = if forward { (row.from, row.to) } else { (row.to, row.from) };
                    seen[b as usize] |= seen[a as usize];
                }
            }
            seen
        };
        assert_eq!(reach(true), [true; State::ALL.len()]);
        assert_eq!(reach(false), [true; State::ALL.len()]);
    }

    #[test]
    fn every_state_but_closed_can_be_aborted() {
        for state in State::ALL.into_iter().filter(|state| *state != State::Closed) {
            assert_eq!(lookup(state, Cause::Abort).map(|row| row.to), Some(State::Closed), "{state}");
        }
    }
}
