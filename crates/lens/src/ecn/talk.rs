//! What two ends say to each other of ECN, segment by segment: the handshake decides how the flags are read
//! (RFC 3168 §6.1.1; RFC 9768 §3.1.2, §3.1.3, §3.2.2.1).

use super::{EcnMeaning, ace};
use crate::Side;
use tcp::EcnFeedback;
use wire::ip::Ecn;
use wire::tcp::Flags;

/// Reads AE, CWR and ECE of the segments of one connection, in their order.
///
/// ```
/// use synfin_lens::{EcnMeaning, EcnTalk, Side, tcp::EcnFeedback, wire::tcp::Flags};
/// let mut talk = EcnTalk::default();
/// let all = Flags::AE | Flags::CWR | Flags::ECE;
/// assert_eq!(talk.read(Side::A, Flags::SYN | all, true), EcnMeaning::Asks(EcnFeedback::Accurate));
/// let answer = talk.read(Side::B, Flags::SYN | Flags::ACK | Flags::CWR, true);
/// assert_eq!(answer.sentence().as_deref(), Some("accepts AccECN; the SYN arrived as Not-ECT"));
/// talk.read(Side::A, Flags::ACK | Flags::CWR, true);
/// assert_eq!(talk.read(Side::A, Flags::ACK | Flags::AE | Flags::ECE, false).ace(), Some(5));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EcnTalk {
    /// The three flags of the latest SYN of each end; `None`: none was seen.
    asked: [Option<u8>; 2],
    /// What the first answer to a SYN agreed on; `None`: no answer to a SYN that was seen.
    agreed: Option<EcnFeedback>,
    /// The end whose SYN was answered.
    opener: Option<Side>,
    /// Its next segment answers a SYN,ACK.
    is_answer_due: bool,
    /// Another SYN,ACK said otherwise: the opener's answer shows which of them it heard.
    is_doubtful: bool,
    /// The latest segment of each end had ECE.
    echoes: [bool; 2],
}

impl EcnTalk {
    /// Of ends that did not ask for anything in their handshake.
    pub(crate) fn without() -> EcnTalk {
        EcnTalk { agreed: Some(EcnFeedback::Off), ..EcnTalk::default() }
    }

    /// What both ends have agreed on; `None` where the handshake was not seen.
    pub fn agreed(&self) -> Option<EcnFeedback> {
        self.agreed
    }

    /// What the flags of the next segment mean. `is_bare`: it has neither text nor FIN nor SACK blocks.
    pub fn read(&mut self, from: Side, flags: Flags, is_bare: bool) -> EcnMeaning {
        match (flags.rst(), flags.syn(), flags.ack()) {
            (true, ..) => EcnMeaning::AsNamed,
            (false, true, false) => self.read_syn(from, ace(flags)),
            (false, true, true) => self.read_syn_ack(from, ace(flags)),
            (false, false, _) => match self.agreed {
                Some(EcnFeedback::Accurate) => self.read_number(from, ace(flags), is_bare),
                Some(EcnFeedback::Classic) => self.read_classic(from, flags),
                _ => EcnMeaning::AsNamed,
            },
        }
    }

    fn read_syn(&mut self, from: Side, code: u8) -> EcnMeaning {
        self.asked[from.index()] = Some(code);
        match code {
            0b011 => EcnMeaning::Asks(EcnFeedback::Classic),
            0b111 => EcnMeaning::Asks(EcnFeedback::Accurate),
            _ => EcnMeaning::AsNamed,
        }
    }

    fn read_syn_ack(&mut self, from: Side, code: u8) -> EcnMeaning {
        let Some(asked) = self.asked[from.other().index()] else { return EcnMeaning::AsNamed };
        let meaning = answer(asked, code);
        let agrees = match meaning {
            EcnMeaning::Accepts { feedback, .. } => feedback,
            _ => EcnFeedback::Off,
        };
        match self.agreed {
            None => (self.agreed, self.opener) = (Some(agrees), Some(from.other())),
            Some(agreed) => self.is_doubtful |= agreed != agrees,
        }
        self.is_answer_due = self.agreed == Some(EcnFeedback::Accurate);
        meaning
    }

    fn read_number(&mut self, from: Side, ace: u8, is_bare: bool) -> EcnMeaning {
        if self.is_answer_due && self.opener == Some(from) {
            self.is_answer_due = false;
            let arrived = handshake_field(ace);
            if self.is_doubtful && arrived.is_none() {
                self.agreed = Some(EcnFeedback::Off);
                return EcnMeaning::AsNamed;
            }
            if is_bare {
                return EcnMeaning::AnswersSynAck { ace, arrived };
            }
        }
        EcnMeaning::Counts { ace, news: 0 }
    }

    fn read_classic(&mut self, from: Side, flags: Flags) -> EcnMeaning {
        let echoes = flags.contains(Flags::ECE);
        let had_echoed = std::mem::replace(&mut self.echoes[from.index()], echoes);
        EcnMeaning::Classic { begins_echo: echoes && !had_echoed, has_slowed: flags.contains(Flags::CWR) }
    }
}

/// What a SYN,ACK with these flags answers a SYN with those.
fn answer(asked: u8, code: u8) -> EcnMeaning {
    let classic = EcnMeaning::Accepts { feedback: EcnFeedback::Classic, syn_arrived: None };
    match (asked, code) {
        (0b000, _) => EcnMeaning::AsNamed,
        (_, 0b000) => EcnMeaning::Declines,
        // RFC 3168 §6.1.1: ECE without CWR agrees.
        (0b011, code) if code & 0b011 == 0b001 => classic,
        (0b011, _) => EcnMeaning::Reflects,
        (_, 0b001) => classic,
        (_, 0b111) => EcnMeaning::Reflects,
        // 0b101 is reserved, and agrees (RFC 9768 §3.1.3).
        (_, code) => {
            EcnMeaning::Accepts { feedback: EcnFeedback::Accurate, syn_arrived: handshake_field(code) }
        }
    }
}

/// With which ECN field a SYN or SYN,ACK arrived, by the flags of its answer (RFC 9768 tables 2 and 3).
fn handshake_field(code: u8) -> Option<Ecn> {
    match code {
        0b010 => Some(Ecn::NotCapable),
        0b011 => Some(Ecn::Capable1),
        0b100 => Some(Ecn::Capable0),
        0b110 => Some(Ecn::CongestionExperienced),
        _ => None,
    }
}
