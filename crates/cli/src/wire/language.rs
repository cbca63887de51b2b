//! How a bad wire is said: what only this command's arguments have. Times, rates and sizes are in `units.rs`.

use crate::units;
use netem::wire::Instant;
use netem::wire::ip::Ecn;
use netem::wire::tcp::{Flags, kind};
use netem::{EcnRewrite, Middlebox, QueueLimit, Recurring, Spike, SynText};
use std::time::Duration;

/// One value for each direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pair<T> {
    /// From the first end to the second.
    pub(super) there: T,
    /// From the second end to the first.
    pub(super) back: T,
}

impl<T: Copy> Pair<T> {
    pub(super) const fn same(value: T) -> Pair<T> {
        Pair { there: value, back: value }
    }
}

/// `VALUE`, or `VALUE/VALUE` for a wire that differs by direction.
pub(super) fn pair<T: Copy>(
    parse: impl Fn(&str) -> Result<T, String> + Clone,
) -> impl Fn(&str) -> Result<Pair<T>, String> + Clone {
    move |text| match text.split_once('/') {
        None => parse(text).map(Pair::same),
        Some((there, back)) => Ok(Pair { there: parse(there)?, back: parse(back)? }),
    }
}

/// The length of a queue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Length {
    /// As much as is on its way in a round trip, times this.
    Products(f64),
    /// Bytes or packets.
    Limit(QueueLimit),
}

/// `1bdp`, `64k` (bytes), `100p` (packets).
pub(super) fn length(text: &str) -> Result<Length, String> {
    let Some(products) = text.strip_suffix("bdp") else { return units::queue(text).map(Length::Limit) };
    let products = products.parse().ok().filter(|products| (0.01..=1_000.0).contains(products));
    products.map(Length::Products).ok_or_else(|| {
        format!("`{text}` is not a number of bandwidth-delay products from 0.01bdp to 1000bdp")
    })
}

/// A probability of anything, also of certainty: `5%` or `5`.
pub(super) fn percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').unwrap_or(text).trim().parse().ok();
    number
        .filter(|percent| (0.0..=100.0).contains(percent))
        .ok_or_else(|| format!("`{text}` is not a percentage from 0% to 100%"))
}

/// `START+LENGTH`, or `START+LENGTH+PERIOD` for what comes again and again.
pub(super) fn times(text: &str) -> Result<Recurring, String> {
    let wrong = || format!("`{text}` is not START+LENGTH or START+LENGTH+PERIOD, such as 10s+500ms");
    let parts = text.split('+').map(moment).collect::<Result<Vec<_>, _>>()?;
    let (first, lasts, every) = match parts[..] {
        [first, lasts] => (first, lasts, None),
        [first, lasts, every] if every > lasts => (first, lasts, Some(every)),
        [_, lasts, every] => {
            let [lasts, every] = [lasts, every].map(report::numbers::duration);
            return Err(format!("`{text}` would never end: {every} is no longer than {lasts}"));
        }
        _ => return Err(wrong()),
    };
    Ok(Recurring { first: Instant::ZERO + first, lasts, every })
}

/// `TIME@START+LENGTH[+PERIOD]`
pub(super) fn spike(text: &str) -> Result<Spike, String> {
    let Some((by, when)) = text.split_once('@') else {
        return Err(format!("`{text}` is not TIME@START+LENGTH, such as 50ms@10s+1s"));
    };
    Ok(Spike { by: units::duration(by)?, when: times(when)? })
}

/// A time of a plan: up to an hour, and also zero.
fn moment(text: &str) -> Result<Duration, String> {
    match text {
        "0" | "0s" => Ok(Duration::ZERO),
        _ => units::duration(text).or_else(|_| units::span(text)),
    }
}

/// What a middlebox does, one word of `--meddle`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meddling {
    Bleach,
    MarkAll,
    HideL4s,
    ClearEcnFlags,
    DropSynText,
    DropSynEcn,
    DropSynOption(u8),
    Strip(u8),
    Mss(u16),
    Split(u16),
    Merge(u16),
}

/// The words, with what they say, for the help.
pub(super) const MEDDLING: &str = "bleach (clear the ECN field), mark-all (congestion experienced), hide-l4s (ECT(1) \
     becomes ECT(0)), clear-ecn-flags (AE, CWR and ECE), drop-syn-text, drop-syn-ecn, drop-syn-option=KIND, strip=KIND, \
     mss=BYTES, split=BYTES, merge=BYTES; KIND is a number, or mss, wscale, sack, timestamps, fast-open, accecn, mptcp";

pub(super) fn meddling(text: &str) -> Result<Meddling, String> {
    let (word, value) = match text.split_once('=') {
        Some((word, value)) => (word, Some(value)),
        None => (text, None),
    };
    match (word, value) {
        ("bleach", None) => Ok(Meddling::Bleach),
        ("mark-all", None) => Ok(Meddling::MarkAll),
        ("hide-l4s", None) => Ok(Meddling::HideL4s),
        ("clear-ecn-flags", None) => Ok(Meddling::ClearEcnFlags),
        ("drop-syn-text", None) => Ok(Meddling::DropSynText),
        ("drop-syn-ecn", None) => Ok(Meddling::DropSynEcn),
        ("drop-syn-option", Some(value)) => kind_of(value).map(Meddling::DropSynOption),
        ("strip", Some(value)) => kind_of(value).map(Meddling::Strip),
        ("mss", Some(value)) => sized(value).map(Meddling::Mss),
        ("split", Some(value)) => sized(value).map(Meddling::Split),
        ("merge", Some(value)) => sized(value).map(Meddling::Merge),
        _ => Err(format!("`{text}` is none of {MEDDLING}")),
    }
}

fn kind_of(text: &str) -> Result<u8, String> {
    match text {
        "mss" => Ok(kind::MSS),
        "wscale" => Ok(kind::WINDOW_SCALE),
        "sack" => Ok(kind::SACK_PERMITTED),
        "timestamps" => Ok(kind::TIMESTAMPS),
        "fast-open" => Ok(kind::FAST_OPEN),
        "accecn" => Ok(kind::ACCURATE_ECN_0),
        "mptcp" => Ok(kind::MULTIPATH),
        _ => units::whole(2..=255_u8)(text),
    }
}

fn sized(text: &str) -> Result<u16, String> {
    units::whole(1..=u16::MAX)(text)
}

/// Who does all of this; nobody if there is nothing to do.
pub(super) fn middlebox(meddlings: &[Meddling]) -> Option<Middlebox> {
    let mut middlebox = Middlebox::default();
    for meddling in meddlings {
        match *meddling {
            Meddling::Bleach => middlebox.ecn = EcnRewrite::BLEACHED,
            Meddling::MarkAll => middlebox.ecn = EcnRewrite::ALL_MARKED,
            Meddling::HideL4s => middlebox.ecn.capable1 = Ecn::Capable0,
            Meddling::ClearEcnFlags => middlebox.clears = Flags::AE | Flags::CWR | Flags::ECE,
            Meddling::DropSynText => middlebox.drops.text = SynText::Dropped,
            Meddling::DropSynEcn => middlebox.drops.flags = Flags::CWR | Flags::ECE,
            Meddling::DropSynOption(kind) => middlebox.drops.options.extend(both_of(kind)),
            Meddling::Strip(kind) => middlebox.strips.extend(both_of(kind)),
            Meddling::Mss(bytes) => middlebox.mss_bytes_max = Some(bytes),
            Meddling::Split(bytes) => middlebox.split_to_bytes = Some(bytes),
            Meddling::Merge(bytes) => middlebox.merge_to_bytes = Some(bytes),
        }
    }
    (!meddlings.is_empty()).then_some(middlebox)
}

/// The kinds of one option: some have a second one.
fn both_of(option: u8) -> Vec<u8> {
    match option {
        kind::ACCURATE_ECN_0 => vec![option, kind::ACCURATE_ECN_1],
        kind::SACK_PERMITTED => vec![option, kind::SACK],
        _ => vec![option],
    }
}

/// One end of the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EndName {
    /// The network namespace, by its name under `/run/netns`; `None`: ours.
    pub(super) namespace: Option<String>,
    /// The TUN device; with `--setup` the namespace has this name.
    pub(super) device: String,
}

/// `DEVICE`, or `NAMESPACE/DEVICE`.
pub(super) fn end(text: &str) -> Result<EndName, String> {
    let (namespace, device) = match text.split_once('/') {
        Some((namespace, device)) => (Some(namespace.to_owned()), device),
        None => (None, text),
    };
    let is_name = |name: &str| {
        !name.is_empty()
            && name != "."
            && name != ".."
            && !name.contains(['/', '\0', ' '])
            && !name.starts_with('-')
    };
    if !is_name(device) || !namespace.as_deref().is_none_or(is_name) {
        return Err(format!("`{text}` is not DEVICE or NAMESPACE/DEVICE"));
    }
    Ok(EndName { namespace, device: device.to_owned() })
}

#[cfg(test)]
mod tests;
