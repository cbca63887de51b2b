//! Every kind of finding, and what it needs before it may be told.

use std::fmt;

/// What must hold before a kind of finding is told. The gate decides; a kind only states its needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Needs(u8);

impl Needs {
    /// Nothing beyond what the frames themselves show.
    pub const NOTHING: Needs = Needs(0);
    /// Both directions were captured.
    pub const BOTH_SIDES: Needs = Needs(1);
    /// Its packets were not captured twice: copies look like packets sent again.
    pub const CAPTURED_ONCE: Needs = Needs(2);
    /// What the ends exchanged is in the capture, as far as acknowledgments show.
    pub const COMPLETE: Needs = Needs(4);
    /// The end of which something was awaited was not heard of any more.
    pub const PEER_SILENT: Needs = Needs(8);
    /// It was still heard of.
    pub const PEER_ALIVE: Needs = Needs(16);
    /// The capture goes on for as long as what was awaited may take (a retransmission timeout, as a rule).
    pub const TIME_LEFT: Needs = Needs(32);
    /// Its segment's numbers lie in the window.
    pub const IN_WINDOW: Needs = Needs(64);

    const NAMES: [&'static str; 7] =
        ["both-sides", "captured-once", "complete", "peer-silent", "peer-alive", "time-left", "in-window"];

    /// Whether all of `other` are needed.
    pub const fn contains(self, other: Needs) -> bool {
        self.0 & other.0 == other.0
    }

    /// The names of what is needed.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Needs::NAMES
            .into_iter()
            .enumerate()
            .filter(move |(bit, _)| self.0 & (1 << bit) != 0)
            .map(|(_, name)| name)
    }

    const fn and(self, other: Needs) -> Needs {
        Needs(self.0 | other.0)
    }
}

macro_rules! ids {
    ($($constant:ident $name:literal [$($need:ident)*] $doc:literal;)+) => {
        /// A kind of finding.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum FindingId {
            $(#[doc = $doc] $constant,)+
        }

        impl FindingId {
            /// All kinds.
            pub const ALL: &'static [FindingId] = &[$(FindingId::$constant),+];

            /// A short name for filters and JSON: `fin-unacknowledged`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(FindingId::$constant => $name,)+
                }
            }

            /// What must hold before it is told.
            pub const fn needs(self) -> Needs {
                match self {
                    $(FindingId::$constant => Needs::NOTHING$(.and(Needs::$need))*,)+
                }
            }

            /// What it says, in a few words.
            pub const fn about(self) -> &'static str {
                match self {
                    $(FindingId::$constant => $doc,)+
                }
            }
        }
    };
}

ids! {
    AnswerRefused "answer-refused" [BOTH_SIDES] "A SYN,ACK was refused by the end that it came to.";
    CapturedTwice "captured-twice" [] "The same packets were captured twice.";
    CaptureEnds "capture-ends" [] "The capture ends before it can be known what became of something.";
    CaptureLoss "capture-loss" [BOTH_SIDES CAPTURED_ONCE] "Packets that the ends exchanged are not in the capture.";
    ChallengeAck "challenge-ack" [BOTH_SIDES CAPTURED_ONCE] "A SYN or RST inside an open connection, and its challenge.";
    CongestionMarked "congestion-marked" [] "The path marked packets instead of dropping them.";
    DirectionLate "direction-late" [BOTH_SIDES CAPTURED_ONCE] "One direction is late in the capture.";
    EcnChanged "ecn-changed" [BOTH_SIDES] "The path changes the ECN field.";
    FastOpenNotTaken "fast-open-not-taken" [BOTH_SIDES] "Text on a SYN was not taken.";
    FinUnacknowledged "fin-unacknowledged" [BOTH_SIDES CAPTURED_ONCE TIME_LEFT] "A FIN was never acknowledged.";
    HalfClosed "half-closed" [BOTH_SIDES] "One direction was closed long before the other.";
    HalfOpen "half-open" [BOTH_SIDES IN_WINDOW] "An end does not know the connection any more.";
    KeepAlive "keep-alive" [BOTH_SIDES] "An idle connection is held by keep-alives.";
    KeepAliveUnanswered "keep-alive-unanswered" [BOTH_SIDES PEER_SILENT TIME_LEFT] "Keep-alives went unanswered.";
    Loss "loss" [BOTH_SIDES CAPTURED_ONCE COMPLETE] "Much of what was sent was lost.";
    MarksNotEchoed "marks-not-echoed" [BOTH_SIDES] "Marked packets arrive, and their sender is never told.";
    MtuBlackHole "mtu-black-hole" [BOTH_SIDES CAPTURED_ONCE TIME_LEFT] "Large segments never get through.";
    NagleDelayedAck "nagle-delayed-ack" [BOTH_SIDES CAPTURED_ONCE] "Small writes wait for delayed acknowledgments.";
    NoRow "no-row" [BOTH_SIDES CAPTURED_ONCE COMPLETE] "The state diagram has no way to send this.";
    OneSided "one-sided" [] "Only one direction was captured.";
    OptionMissing "option-missing" [BOTH_SIDES] "The handshake did without an option.";
    PathProbed "path-probed" [] "A search for a larger path MTU.";
    PathTooSmall "path-too-small" [] "A router said that packets are too big.";
    PeerSilent "peer-silent" [BOTH_SIDES CAPTURED_ONCE PEER_SILENT TIME_LEFT] "An end was not heard of any more.";
    PortReuse "port-reuse" [] "A new connection on the addresses and ports of an old one.";
    RecordsReordered "records-reordered" [] "Records are not in the order of time.";
    Refused "refused" [BOTH_SIDES] "A SYN was answered by a reset.";
    Reordering "reordering" [CAPTURED_ONCE] "Packets were overtaken on the way.";
    RequestUnanswered "request-unanswered" [BOTH_SIDES COMPLETE TIME_LEFT] "A request was acknowledged and not answered.";
    Reset "reset" [BOTH_SIDES IN_WINDOW] "An end threw the connection away.";
    ResetByStranger "reset-by-stranger" [BOTH_SIDES] "A reset that the end in whose name it came did not send.";
    ResetDataAfterClose "reset-data-after-close" [BOTH_SIDES] "Data came for an end that had closed.";
    ResetGaveUp "reset-gave-up" [BOTH_SIDES IN_WINDOW] "An end gave up after it had sent again in vain.";
    ResetIgnored "reset-ignored" [BOTH_SIDES CAPTURED_ONCE] "An end went on after a reset.";
    ResetKeepAlive "reset-keep-alive" [BOTH_SIDES IN_WINDOW] "An end gave up after keep-alives went unanswered.";
    ResetUnreadData "reset-unread-data" [BOTH_SIDES IN_WINDOW] "An end closed with data unread.";
    RuleBroken "rule-broken" [CAPTURED_ONCE] "A field breaks a rule of the specifications.";
    ServerThinkTime "server-think-time" [BOTH_SIDES COMPLETE] "Answers took long to begin.";
    SimultaneousClose "simultaneous-close" [BOTH_SIDES] "Both ends closed at once.";
    SimultaneousOpen "simultaneous-open" [BOTH_SIDES] "Both ends opened at once.";
    SlowClient "slow-client" [BOTH_SIDES COMPLETE] "The next request took long to come.";
    SplitHandshake "split-handshake" [BOTH_SIDES] "The answer to the SYN came in two parts.";
    SpuriousRetransmission "spurious-retransmission" [BOTH_SIDES CAPTURED_ONCE] "What was sent again had arrived.";
    SuperSegments "super-segments" [] "Segments are larger than the MSS.";
    SynAckRetransmitted "syn-ack-retransmitted" [BOTH_SIDES CAPTURED_ONCE] "A SYN,ACK was sent again.";
    SynIgnored "syn-ignored" [TIME_LEFT CAPTURED_ONCE] "A SYN on a port just used was not answered.";
    SynRetransmitted "syn-retransmitted" [BOTH_SIDES CAPTURED_ONCE] "A SYN was sent again, and answered.";
    SynUnanswered "syn-unanswered" [TIME_LEFT CAPTURED_ONCE] "A SYN was not answered.";
    TextAfterFin "text-after-fin" [CAPTURED_ONCE] "Text beyond its sender's own FIN.";
    TimeoutRecovery "timeout-recovery" [BOTH_SIDES CAPTURED_ONCE COMPLETE] "Losses were repaired by waiting.";
    UnacceptableAck "unacceptable-ack" [BOTH_SIDES COMPLETE] "A handshake acknowledged what was never sent.";
    Unreachable "unreachable" [] "A router said that an end cannot be reached.";
    WindowLimited "window-limited" [BOTH_SIDES] "The receive window held the sender back.";
    ZeroWindow "zero-window" [BOTH_SIDES] "The receive window was closed.";
}

impl fmt::Display for FindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
