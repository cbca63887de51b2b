//! Explicit congestion notification: what two ends agree on, and how the flags of the header say it (RFC 3168 §6.1.1,
//! RFC 9768 §3.1).
//!
//! The handshake is here: which SYN asks for what, how it is answered, what every answer means, and when a later SYN
//! does without. What arrives and is told back is `receiver/ecn.rs`, what that means for who sent it `sender/ecn.rs`.

use crate::connection::{Connection, Fact};
use crate::receiver::Reflector;
use crate::refusal::Refused;
use crate::segment::Segment;
use crate::sender::Heeds;
use crate::state::{Cause, State};
use crate::trace::Trace;
use crate::{Instant, Refusal};
use alloc::boxed::Box;
use wire::ip::Ecn;
use wire::tcp::Flags;

/// How a receiver tells a sender that the network marks its packets instead of dropping them. Each can do what those
/// before it can.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[non_exhaustive]
pub enum EcnFeedback {
    /// Not at all: packets are not marked.
    #[default]
    Off,
    /// By one flag, until the sender says that it has slowed down (RFC 3168).
    Classic,
    /// By counters of packets and bytes (AccECN, RFC 9768).
    Accurate,
}

impl EcnFeedback {
    /// All of them.
    pub const ALL: [EcnFeedback; 3] = [EcnFeedback::Off, EcnFeedback::Classic, EcnFeedback::Accurate];

    /// A word for people and JSON: `off`, `classic` or `accurate`.
    pub const fn name(self) -> &'static str {
        match self {
            EcnFeedback::Off => "off",
            EcnFeedback::Classic => "classic",
            EcnFeedback::Accurate => "accurate",
        }
    }
}

/// Why a sender's packets are not, or no longer, ECN-capable although marks are told back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EcnDoubt {
    /// A SYN or SYN-ACK of this connection did without, so that the other end may have understood "no"
    /// (RFC 3168 §6.1.1, RFC 9768 §3.1.5).
    PlainHandshake,
    /// What left as not ECN-capable arrived as something else (RFC 9768 §3.2.2.3).
    MangledField,
    /// The flags of the third step were cleared on the way, or the peer does not know what was agreed upon
    /// (RFC 9768 §3.2.2.1).
    ClearedFlags,
    /// Bytes were marked, and no packet (RFC 9768 §3.2.3.2.5).
    ContradictoryCounters,
    /// Every packet of the first round trips was marked (RFC 9768 §3.2.2.3).
    MarksEverything,
}

impl EcnDoubt {
    /// A word for JSON and tables: `mangled-field`.
    pub const fn name(self) -> &'static str {
        match self {
            EcnDoubt::PlainHandshake => "plain-handshake",
            EcnDoubt::MangledField => "mangled-field",
            EcnDoubt::ClearedFlags => "cleared-flags",
            EcnDoubt::ContradictoryCounters => "contradictory-counters",
            EcnDoubt::MarksEverything => "marks-everything",
        }
    }

    /// A few words for people.
    pub const fn sentence(self) -> &'static str {
        match self {
            EcnDoubt::PlainHandshake => "a SYN or SYN-ACK went without ECN",
            EcnDoubt::MangledField => "the path changes the ECN field of what is not capable",
            EcnDoubt::ClearedFlags => "the flags of the third step were cleared",
            EcnDoubt::ContradictoryCounters => "bytes were marked, and no packet",
            EcnDoubt::MarksEverything => "every packet is marked from the first on",
        }
    }
}

/// Text bytes by the ECN field with which they arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct EcnBytes {
    /// With ECT(0): the sender is capable.
    pub e0b: u32,
    /// With CE: marked.
    pub ceb: u32,
    /// With ECT(1): the sender is capable, and wants to be marked early (L4S).
    pub e1b: u32,
}

impl EcnBytes {
    /// Where the counters of both ends begin, so that cleared ones can be told (RFC 9768 §3.2.1).
    pub(crate) const INITIAL: EcnBytes = EcnBytes { e0b: 1, ceb: 0, e1b: 1 };

    /// The counter of packets with this field; packets that are not capable are not counted.
    pub(crate) fn counter(&mut self, ecn: Ecn) -> Option<&mut u32> {
        match ecn {
            Ecn::NotCapable => None,
            Ecn::Capable0 => Some(&mut self.e0b),
            Ecn::CongestionExperienced => Some(&mut self.ceb),
            Ecn::Capable1 => Some(&mut self.e1b),
        }
    }

    pub(crate) fn since_the_beginning(self) -> EcnBytes {
        EcnBytes {
            e0b: self.e0b.wrapping_sub(EcnBytes::INITIAL.e0b),
            ceb: self.ceb.wrapping_sub(EcnBytes::INITIAL.ceb),
            e1b: self.e1b.wrapping_sub(EcnBytes::INITIAL.e1b),
        }
    }
}

/// The counters of packets begin with this (RFC 9768 §3.2.1).
pub(crate) const PACKETS_INITIAL: u32 = 5;

/// AE, CWR and ECE as a number, in this order: ACE (RFC 9768 §3.2.2).
pub(crate) const fn ace(flags: Flags) -> u8 {
    (flags.bits() >> 6) as u8 & 7
}

/// The flags with AE, CWR and ECE as this number says.
pub(crate) const fn with_ace(flags: Flags, ace: u8) -> Flags {
    Flags::from_bits(flags.bits() & !(7 << 6) | ((ace & 7) as u16) << 6)
}

/// AE, CWR and ECE of a SYN-ACK, or of the third step: with which ECN field the SYN, or SYN-ACK, arrived (RFC 9768 table
/// 2, first block, and table 3).
pub(crate) const fn handshake_code(ecn: Ecn) -> u8 {
    match ecn {
        Ecn::NotCapable => 0b010,
        Ecn::Capable1 => 0b011,
        Ecn::Capable0 => 0b100,
        Ecn::CongestionExperienced => 0b110,
    }
}

/// The same read back; `None`: it is none of the four.
pub(crate) const fn handshake_field(ace: u8) -> Option<Ecn> {
    match ace {
        0b010 => Some(Ecn::NotCapable),
        0b011 => Some(Ecn::Capable1),
        0b100 => Some(Ecn::Capable0),
        0b110 => Some(Ecn::CongestionExperienced),
        _ => None,
    }
}

/// AE, CWR and ECE of a SYN that asks.
const fn asking_code(feedback: EcnFeedback) -> u8 {
    match feedback {
        EcnFeedback::Off => 0b000,
        EcnFeedback::Classic => 0b011,
        EcnFeedback::Accurate => 0b111,
    }
}

/// What a SYN asks for, of one who can give at most `most` (RFC 3168 §6.1.1; RFC 9768 §3.1.2, §3.1.3).
fn asked(syn: &Segment, most: EcnFeedback) -> EcnFeedback {
    let code = ace(syn.header.flags);
    match (most, code) {
        (EcnFeedback::Off, _) | (_, 0b000) => EcnFeedback::Off,
        // Only the sender of the SYN could tell whether its field was changed on the way: it is, because a SYN is never
        // capable, and marks that cannot be relied upon are worse than none (RFC 9768 §2.5).
        (EcnFeedback::Classic, _) | (_, 0b011) => {
            let is_setup = code & 0b011 == 0b011 && syn.ecn == Ecn::NotCapable;
            if is_setup { EcnFeedback::Classic } else { EcnFeedback::Off }
        }
        (EcnFeedback::Accurate, _) => EcnFeedback::Accurate,
    }
}

/// What a SYN-ACK agrees to, of what was asked for (RFC 3168 §6.1.1, §6.1.1.2; RFC 9768 table 2, §3.1.3).
fn granted(wanted: EcnFeedback, code: u8) -> EcnFeedback {
    match (wanted, code) {
        (EcnFeedback::Off, _) => EcnFeedback::Off,
        (EcnFeedback::Classic, _) if code & 0b011 == 0b001 => EcnFeedback::Classic,
        (EcnFeedback::Classic, _) => EcnFeedback::Off,
        (EcnFeedback::Accurate, 0b001) => EcnFeedback::Classic,
        // Nothing, or a host that reflects what it does not know.
        (EcnFeedback::Accurate, 0b000 | 0b111) => EcnFeedback::Off,
        (EcnFeedback::Accurate, _) => EcnFeedback::Accurate,
    }
}

/// What our SYNs asked for: the later ones ask for the same as the first, or for nothing.
///
/// One byte in every connection, so it is flat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Wanted {
    #[default]
    Nothing,
    Classic,
    Accurate,
    /// There was one SYN without.
    ClassicUntilGivenUp,
    AccurateUntilGivenUp,
}

impl Wanted {
    fn new(feedback: EcnFeedback) -> Self {
        match feedback {
            EcnFeedback::Off => Wanted::Nothing,
            EcnFeedback::Classic => Wanted::Classic,
            EcnFeedback::Accurate => Wanted::Accurate,
        }
    }

    fn feedback(self) -> EcnFeedback {
        match self {
            Wanted::Nothing => EcnFeedback::Off,
            Wanted::Classic | Wanted::ClassicUntilGivenUp => EcnFeedback::Classic,
            Wanted::Accurate | Wanted::AccurateUntilGivenUp => EcnFeedback::Accurate,
        }
    }

    fn given_up(self) -> Self {
        match self {
            Wanted::Nothing => Wanted::Nothing,
            Wanted::Classic | Wanted::ClassicUntilGivenUp => Wanted::ClassicUntilGivenUp,
            Wanted::Accurate | Wanted::AccurateUntilGivenUp => Wanted::AccurateUntilGivenUp,
        }
    }

    fn was_given_up(self) -> bool {
        matches!(self, Wanted::ClassicUntilGivenUp | Wanted::AccurateUntilGivenUp)
    }
}

/// What a connection that has agreed on ECN keeps for it, in one box: both halves are lent their part.
#[derive(Debug)]
pub(crate) struct Agreed {
    pub(crate) reflector: Reflector,
    pub(crate) heeds: Heeds,
    /// The peer's SYN came again: its first answer may have been blocked for its option.
    is_asked_again: bool,
    /// The flags of the segment at hand are those of a SYN-ACK.
    pub(crate) reads_syn_ack: bool,
}

impl Connection {
    /// What both ends have agreed upon.
    pub(crate) fn ecn_feedback(&self) -> EcnFeedback {
        self.ecn.as_ref().map_or(EcnFeedback::Off, |ecn| ecn.reflector.feedback())
    }

    fn agree_on_ecn(&mut self, feedback: EcnFeedback) {
        if feedback == EcnFeedback::Off {
            return;
        }
        self.marks.put(Fact::KeepsMore);
        self.ecn = Some(Box::new(Agreed {
            reflector: Reflector::new(feedback, &self.config),
            heeds: Heeds::new(feedback),
            is_asked_again: false,
            reads_syn_ack: false,
        }));
        self.trace(|| Trace::EcnAgreed { feedback });
    }

    /// Our packets are not ECN-capable any more.
    fn doubt_ecn(&mut self, doubt: EcnDoubt) {
        if doubt == EcnDoubt::PlainHandshake
            && self.ecn_feedback() == EcnFeedback::Classic
            && self.config.habits.ecn_outlives_plain_syns()
        {
            return;
        }
        if self.ecn.as_mut().is_some_and(|ecn| ecn.heeds.doubt(doubt)) {
            self.trace(|| Trace::EcnDoubted { doubt });
        }
    }

    /// A SYN has opened this connection, or meets ours half-way. One without flags asks for nothing.
    #[inline]
    pub(crate) fn hear_ecn_of_syn(&mut self, syn: &Segment) {
        if ace(syn.header.flags) != 0 {
            self.hear_question(syn);
        }
    }

    /// Apart: most SYNs ask nothing.
    #[inline(never)]
    fn hear_question(&mut self, syn: &Segment) {
        let most = match self.state() {
            // RFC 9768 §3.1.2: as if we had not asked; but who has asked for nothing has said no.
            State::SynSent => self.handshake.wanted_ecn.feedback(),
            _ => self.config.ecn_given(),
        };
        self.agree_on_ecn(asked(syn, most));
        if let Some(ecn) = &mut self.ecn {
            ecn.reflector.on_syn(syn.ecn);
        }
        if self.handshake.wanted_ecn.was_given_up() {
            self.doubt_ecn(EcnDoubt::PlainHandshake);
        }
    }

    /// The peer's SYN again, in SYN-RECEIVED: the answer tells with what field it arrived last. An end that asks for both
    /// kinds cannot know which answer will arrive (RFC 9768 §3.1.5).
    #[cold]
    pub(crate) fn hear_ecn_of_syn_again(&mut self, now: Instant, syn: &Segment) -> Result<(), Refused> {
        let Some(ecn) = &mut self.ecn else { return Ok(()) };
        ecn.is_asked_again = true;
        let code = ace(syn.header.flags);
        let feedback = ecn.reflector.feedback();
        let asks_for_other = match feedback {
            EcnFeedback::Off => false,
            EcnFeedback::Classic => {
                self.config.ecn_given() == EcnFeedback::Accurate && !matches!(code, 0b000 | 0b011)
            }
            EcnFeedback::Accurate => code == 0b011,
        };
        if asks_for_other {
            self.take(now, Cause::Abort);
            return Err(Refused::silently(Refusal::UnexpectedSyn));
        }
        ecn.reflector.on_syn(syn.ecn);
        let is_plain = match feedback {
            EcnFeedback::Accurate => code == 0b000,
            EcnFeedback::Classic | EcnFeedback::Off => code & 0b011 != 0b011,
        };
        if is_plain {
            self.doubt_ecn(EcnDoubt::PlainHandshake);
        }
        Ok(())
    }

    /// The answer to our SYN has arrived. Where nothing was asked, nothing is answered.
    #[inline]
    pub(crate) fn hear_ecn_of_syn_ack(&mut self, now: Instant, syn_ack: &Segment) {
        if self.handshake.wanted_ecn != Wanted::Nothing {
            self.hear_answer(now, syn_ack);
        }
    }

    /// Apart: most SYNs have asked nothing.
    #[inline(never)]
    fn hear_answer(&mut self, now: Instant, syn_ack: &Segment) {
        let wanted = self.handshake.wanted_ecn.feedback();
        let gave_up = self.handshake.wanted_ecn.was_given_up();
        let code = ace(syn_ack.header.flags);
        self.agree_on_ecn(granted(wanted, code));
        if self.ecn_feedback() == EcnFeedback::Classic && gave_up {
            self.doubt_ecn(EcnDoubt::PlainHandshake);
        }
        if self.ecn_feedback() != EcnFeedback::Accurate {
            return;
        }
        if let Some(ecn) = &mut self.ecn {
            ecn.reflector.on_syn_ack(syn_ack.ecn, syn_ack.text_bytes());
            ecn.heeds.on_first_option(syn_ack.header.options.accurate_ecn);
        }
        // Our SYN was not capable; a code that is none of the four says that nothing was changed.
        match handshake_field(code) {
            Some(Ecn::NotCapable) | None => {}
            Some(_) => self.doubt_ecn(EcnDoubt::MangledField),
        }
        if handshake_field(code) == Some(Ecn::CongestionExperienced) {
            let (sender, mut lent) = self.sending(now);
            sender.reduce_for_handshake(&mut lent);
        }
    }

    /// The SYN-ACK again, after the handshake: its acknowledgment tells with what field it came (RFC 9768 §3.2.2.1).
    #[cold]
    pub(crate) fn hear_ecn_of_syn_ack_again(&mut self, syn_ack: &Segment) {
        let confirms = !matches!(ace(syn_ack.header.flags), 0b000 | 0b001 | 0b111);
        let is_answer = syn_ack.header.flags.ack()
            && syn_ack.header.seq == self.receiver.irs()
            && syn_ack.header.ack == self.sender.iss + 1
            && !self.handshake.is_passive();
        if confirms
            && is_answer
            && let Some(ecn) = &mut self.ecn
        {
            ecn.reflector.on_syn_ack(syn_ack.ecn, 0);
            // Its first acknowledgment may have been dropped for its option (RFC 9768 §3.2.3.2.2).
            ecn.reflector.leave_options_out();
        }
    }

    /// The flags of a SYN or SYN-ACK that leaves.
    #[inline]
    pub(crate) fn with_ecn_of_handshake(&mut self, flags: Flags) -> Flags {
        let asks_nothing =
            self.config.ecn_asked() == EcnFeedback::Off && self.handshake.wanted_ecn == Wanted::Nothing;
        let is_plain = if flags.ack() { self.ecn.is_none() } else { asks_nothing };
        if is_plain { flags } else { self.with_question_or_answer(flags) }
    }

    /// Apart: most handshakes are without ECN.
    #[inline(never)]
    fn with_question_or_answer(&mut self, flags: Flags) -> Flags {
        if flags.ack() { self.with_ecn_answer(flags) } else { self.with_ecn_question(flags) }
    }

    fn with_ecn_question(&mut self, flags: Flags) -> Flags {
        let attempts = self.sender.attempts;
        if attempts == 0 {
            self.handshake.wanted_ecn = Wanted::new(self.config.ecn_asked());
        }
        let wanted = self.handshake.wanted_ecn.feedback();
        if wanted == EcnFeedback::Off {
            return flags;
        }
        if attempts > self.config.ecn_syn_retries {
            // RFC 3168 §6.1.1.1, RFC 9768 §3.1.4.1: somebody on the path may drop what it does not know.
            self.handshake.wanted_ecn = self.handshake.wanted_ecn.given_up();
            return flags;
        }
        with_ace(flags, asking_code(wanted))
    }

    fn with_ecn_answer(&mut self, flags: Flags) -> Flags {
        let Some(ecn) = &mut self.ecn else { return flags };
        let feedback = ecn.reflector.feedback();
        let code = match feedback {
            EcnFeedback::Off => return flags,
            EcnFeedback::Classic => 0b001,
            EcnFeedback::Accurate => handshake_code(ecn.reflector.field_of_syn()),
        };
        let is_classic = feedback == EcnFeedback::Classic;
        if self.sender.attempts > 0 {
            ecn.reflector.leave_options_out();
        }
        if is_classic && !ecn.heeds.is_capable() {
            // RFC 3168 §6.1.1.1, the example: a plain SYN gets a plain answer.
            return flags;
        }
        // RFC 9768 §3.2.3.2.2: the second time without the option, from the third on without the flags.
        if self.sender.attempts > 1 && !(is_classic && self.config.habits.answers_keep_ecn()) {
            self.doubt_ecn(EcnDoubt::PlainHandshake);
            return flags;
        }
        with_ace(flags, code)
    }

    /// Whether a SYN-ACK bears the AccECN option: the first one that is sent (RFC 9768 §3.2.3.2.1, §3.2.3.2.2).
    pub(crate) fn answer_has_ecn_option(&self) -> bool {
        self.sender.attempts == 0 && self.ecn.as_ref().is_some_and(|ecn| !ecn.is_asked_again)
    }
}

#[cfg(test)]
mod tests;
