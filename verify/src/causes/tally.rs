//! What the lens said beside what was true, counted.

use super::seen::{Said, Seen};
use super::truth::Class;
use std::collections::BTreeMap;

/// Where the capture was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Vantage {
    /// At the end that sent it.
    Sender,
    /// At the end where it arrived.
    Receiver,
}

impl Vantage {
    /// Both.
    pub const ALL: [Vantage; 2] = [Vantage::Sender, Vantage::Receiver];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Vantage::Sender => "sender",
            Vantage::Receiver => "receiver",
        }
    }
}

/// Whether the answer is the one that the kernel's class asks for.
pub fn is_right(class: Class, said: Said) -> bool {
    let wanted = match class {
        Class::HandshakeTimeout | Class::Timeout => Said::Timeout,
        Class::AfterTimeout => Said::AfterTimeout,
        Class::Probe => Said::Probe,
        Class::Recovery => Said::Recovery,
        Class::ReorderTimer => Said::ReorderTimer,
        Class::PathMtu => Said::PathMtu,
        Class::SynAgain => return matches!(said, Said::First("syn-ack")),
    };
    said == wanted
}

/// So many of so many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// How many were right.
    pub right: u64,
    /// Of how many.
    pub of: u64,
}

impl Share {
    pub(crate) fn add(&mut self, is_right: bool) {
        self.right += u64::from(is_right);
        self.of += 1;
    }

    /// In percent; `None` of none.
    pub fn percent(self) -> Option<f64> {
        (self.of > 0).then(|| self.right as f64 * 100.0 / self.of as f64)
    }
}

/// Everything counted.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// For each vantage, true class (`None`: sent for the first time) and answer: how often. First sendings only count
    /// where the lens says that they were sent again.
    pub answers: BTreeMap<(Vantage, Option<Class>, Said), u64>,
    /// For each vantage and stated confidence: how often that was right, of all that was said to be sent again.
    pub calibration: BTreeMap<(Vantage, u8), Share>,
    /// First sendings that were looked at, by vantage.
    pub first_sendings: BTreeMap<Vantage, u64>,
    /// Second looks: for each vantage, what was said first and what afterwards, how often the latter is right.
    pub corrections: BTreeMap<(Vantage, Said, Said), Share>,
    /// What the lens found to be needless later: how often what it repeats had arrived.
    pub needless: BTreeMap<Vantage, Share>,
}

impl Tally {
    /// A segment: what it was (`None`: sent for the first time), and what the lens says with how much confidence.
    pub fn add(&mut self, vantage: Vantage, class: Option<Class>, said: Said, confidence: u8) {
        let right = class.is_some_and(|class| is_right(class, said));
        if class.is_none() {
            *self.first_sendings.entry(vantage).or_default() += 1;
        }
        if class.is_some() || said.is_again() {
            *self.answers.entry((vantage, class, said)).or_default() += 1;
        }
        if said.is_again() {
            self.calibration.entry((vantage, confidence)).or_default().add(right);
        }
    }

    /// A segment as it was seen.
    pub fn take(&mut self, vantage: Vantage, class: Option<Class>, seen: &Seen) {
        self.add(vantage, class, seen.said, seen.confidence);
        if seen.said_first != seen.said {
            self.add_correction(vantage, class, seen.said_first, seen.said);
        }
    }

    /// A second look at a segment: what it was, what was said of it first, and what afterwards.
    pub fn add_correction(&mut self, vantage: Vantage, class: Option<Class>, first: Said, said: Said) {
        let right = class.is_some_and(|class| is_right(class, said));
        self.corrections.entry((vantage, first, said)).or_default().add(right);
    }

    /// Adds what another one counted.
    pub fn merge(&mut self, other: &Tally) {
        for (key, count) in &other.answers {
            *self.answers.entry(*key).or_default() += count;
        }
        for (key, share) in &other.calibration {
            let mine = self.calibration.entry(*key).or_default();
            mine.right += share.right;
            mine.of += share.of;
        }
        for (key, share) in &other.corrections {
            let mine = self.corrections.entry(*key).or_default();
            mine.right += share.right;
            mine.of += share.of;
        }
        for (vantage, share) in &other.needless {
            let mine = self.needless.entry(*vantage).or_default();
            mine.right += share.right;
            mine.of += share.of;
        }
        for (vantage, count) in &other.first_sendings {
            *self.first_sendings.entry(*vantage).or_default() += count;
        }
    }

    /// How many retransmissions of a class were told rightly; of all classes with `None`.
    pub fn share(&self, vantage: Vantage, class: Option<Class>) -> Share {
        let mut share = Share::default();
        for ((at, truth, said), count) in &self.answers {
            let Some(truth) = truth else { continue };
            if *at == vantage && class.is_none_or(|class| class == *truth) {
                share.of += count;
                share.right += if is_right(*truth, *said) { *count } else { 0 };
            }
        }
        share
    }

    /// First sendings that the lens calls sent again.
    pub fn false_claims(&self, vantage: Vantage) -> u64 {
        let claims = self.answers.iter().filter(|((at, truth, _), _)| *at == vantage && truth.is_none());
        claims.map(|(_, count)| count).sum()
    }
}
