//! Explicit congestion notification in a capture: what AE, CWR and ECE mean on each segment, and what both ends and
//! the packets themselves say of marks (RFC 3168, RFC 9768).
//!
//! The three flags are flags only until both ends have agreed on AccECN; then they are a number. So the handshake is
//! read first (`talk.rs`); without it they stay flags. What the marks add up to is `marked.rs`; what a person should
//! know of it is said in `findings/`.

mod marked;
mod talk;

#[cfg(test)]
pub(crate) mod tests;

pub use marked::{ChangedField, Marked};
pub(crate) use marked::{MarkSigns, MarksHeard};
pub use talk::EcnTalk;

use tcp::EcnFeedback;
use wire::ip::Ecn;
use wire::tcp::Flags;

/// What AE, CWR and ECE of a segment mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum EcnMeaning {
    /// What their names say; whether more, is not known.
    #[default]
    AsNamed,
    /// A SYN asks for this.
    Asks(EcnFeedback),
    /// A SYN,ACK agrees on it.
    Accepts {
        /// What was agreed on.
        feedback: EcnFeedback,
        /// With which ECN field the SYN arrived; only AccECN tells (RFC 9768 §3.1.2, table 2).
        syn_arrived: Option<Ecn>,
    },
    /// A SYN,ACK does not agree on what was asked for.
    Declines,
    /// A SYN,ACK with the flags of the SYN: its sender does not know what they mean (RFC 9768 §3.1.2, fourth block).
    Reflects,
    /// The acknowledgment of the SYN,ACK tells how that arrived (RFC 9768 §3.2.2.1, table 3).
    AnswersSynAck {
        /// The three flags as a number.
        ace: u8,
        /// With which ECN field the SYN,ACK arrived; `None`: the number says nothing of it.
        arrived: Option<Ecn>,
    },
    /// The low three bits of r.cep, how many packets arrived marked (RFC 9768 §3.2.2).
    Counts {
        /// The number.
        ace: u8,
        /// How many more, as far as known, than the sender's segments before said.
        news: u32,
    },
    /// Both ends agreed on classic ECN (RFC 3168 §6.1).
    Classic {
        /// ECE, where the segment of this end before had none: something arrived marked.
        begins_echo: bool,
        /// CWR: the sender has reduced its window.
        has_slowed: bool,
    },
}

impl EcnMeaning {
    /// The three flags as a number, where they are one.
    pub const fn ace(self) -> Option<u8> {
        match self {
            EcnMeaning::AnswersSynAck { ace, .. } | EcnMeaning::Counts { ace, .. } => Some(ace),
            _ => None,
        }
    }

    /// In words, where there is more to say than the names or the number do.
    pub fn sentence(self) -> Option<String> {
        let words = match self {
            EcnMeaning::AsNamed | EcnMeaning::Counts { news: 0, .. } => return None,
            EcnMeaning::Asks(feedback) => format!("asks for {}", kind(feedback)),
            EcnMeaning::Accepts { feedback, syn_arrived: None } => format!("accepts {}", kind(feedback)),
            EcnMeaning::Accepts { feedback, syn_arrived: Some(field) } => {
                format!("accepts {}; the SYN arrived as {}", kind(feedback), codepoint(field))
            }
            EcnMeaning::Declines => "declines ECN".to_owned(),
            EcnMeaning::Reflects => "reflects the flags of the SYN, which is no ECN".to_owned(),
            EcnMeaning::AnswersSynAck { arrived: Some(field), .. } => {
                format!("the SYN,ACK arrived as {}", codepoint(field))
            }
            EcnMeaning::AnswersSynAck { ace: 0, .. } => "ACE was cleared on the way".to_owned(),
            EcnMeaning::AnswersSynAck { .. } => return None,
            EcnMeaning::Counts { news: 1, .. } => "1 more packet arrived marked".to_owned(),
            EcnMeaning::Counts { news, .. } => format!("{news} more packets arrived marked"),
            EcnMeaning::Classic { begins_echo, has_slowed } => match (begins_echo, has_slowed) {
                (false, false) => return None,
                (true, false) => "a packet arrived marked (ECE)".to_owned(),
                (false, true) => "the window is reduced (CWR)".to_owned(),
                (true, true) => "a packet arrived marked (ECE); the window is reduced (CWR)".to_owned(),
            },
        };
        Some(words)
    }
}

/// The name of what two ends agree on.
const fn kind(feedback: EcnFeedback) -> &'static str {
    match feedback {
        EcnFeedback::Accurate => "AccECN",
        _ => "ECN",
    }
}

/// The ECN field as the RFCs write it (RFC 3168 §5).
pub(crate) const fn codepoint(field: Ecn) -> &'static str {
    match field {
        Ecn::NotCapable => "Not-ECT",
        Ecn::Capable1 => "ECT(1)",
        Ecn::Capable0 => "ECT(0)",
        Ecn::CongestionExperienced => "CE",
    }
}

/// AE, CWR and ECE as a number, in this order (RFC 9768 §3.2.2).
pub(crate) const fn ace(flags: Flags) -> u8 {
    (flags.bits() >> 6) as u8 & 7
}
