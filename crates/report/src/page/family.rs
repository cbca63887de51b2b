//! Families of reasons: what a reader tells apart at a glance, by a word and by a colour.

use tcp::SendReason;

/// What kind of reason a segment had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Something for the first time: a SYN, data, a FIN.
    New,
    /// It only acknowledges.
    Acknowledgment,
    /// Sent again because a timer ran out.
    Timer,
    /// Sent again because of what acknowledgments, or the network, told.
    Recovery,
    /// It asks for an answer: of the tail, of a closed window, of an idle peer, of the path's MTU.
    Probe,
    /// It is about the receiver's window.
    Window,
    /// A reset.
    Reset,
}

impl Family {
    /// All of them, in the order of the legend.
    pub const ALL: [Family; 7] = [
        Family::New,
        Family::Acknowledgment,
        Family::Timer,
        Family::Recovery,
        Family::Probe,
        Family::Window,
        Family::Reset,
    ];

    /// The word that stands before the reason, and names its colour in the page's styles.
    pub const fn name(self) -> &'static str {
        match self {
            Family::New => "new",
            Family::Acknowledgment => "ack",
            Family::Timer => "timer",
            Family::Recovery => "recovery",
            Family::Probe => "probe",
            Family::Window => "window",
            Family::Reset => "reset",
        }
    }

    /// The family of a reason.
    ///
    /// ```
    /// use synfin_report::page::Family;
    /// assert_eq!(Family::of(tcp::SendReason::TailLossProbe), Family::Probe);
    /// ```
    pub fn of(reason: SendReason) -> Family {
        use SendReason as R;
        match reason {
            R::Syn | R::SynAck | R::NewData | R::Fin | R::LimitedTransmit => Family::New,
            R::Timeout | R::AfterTimeout | R::ReorderTimeout => Family::Timer,
            R::FastRetransmit | R::RecoveryRetransmit | R::SackRecovery | R::PathMtu => Family::Recovery,
            R::TailProbeWithNewData | R::TailLossProbe | R::ZeroWindowProbe | R::KeepAlive | R::PathProbe => {
                Family::Probe
            }
            R::WindowUpdate | R::WindowReopened => Family::Window,
            R::Reset(_) => Family::Reset,
            // The others acknowledge, each at another moment.
            _ => Family::Acknowledgment,
        }
    }
}
