//! A finding, as the sentences of every language ask for it.

use crate::numbers;
use lens::Finding;
use std::time::Duration;

/// A finding and the names of its two ends.
pub(super) struct Said<'a> {
    pub(super) finding: &'a Finding,
    /// The end that it speaks of.
    pub(super) who: String,
    /// The other end.
    pub(super) whom: String,
}

impl Said<'_> {
    pub(super) fn of(finding: &Finding) -> Said<'_> {
        let [who, whom] = finding.subject.address_and_peer().map(|address| address.to_string());
        Said { finding, who, whom }
    }

    pub(super) fn has(&self, sign: &str) -> bool {
        self.finding.has(sign)
    }

    /// 0 where there is none.
    pub(super) fn number(&self, name: &str) -> u64 {
        self.finding.number(name).unwrap_or(0)
    }

    pub(super) fn time(&self, name: &str) -> String {
        time(self.number(name))
    }
}

pub(super) fn time(us: u64) -> String {
    numbers::duration(Duration::from_micros(us))
}

/// `194` per mille as `19.4 %`.
pub(super) fn percent(per_mille: u64) -> String {
    format!("{}.{} %", per_mille / 10, per_mille % 10)
}

/// The ECN field as the RFCs write it (RFC 3168 §5).
pub(super) fn codepoint(bits: u64) -> &'static str {
    use wire::ip::Ecn;
    match Ecn::from_bits(bits as u8) {
        Ecn::NotCapable => "Not-ECT",
        Ecn::Capable0 => "ECT(0)",
        Ecn::Capable1 => "ECT(1)",
        Ecn::CongestionExperienced => "CE",
    }
}
