//! What a reader does to a run.
//!
//! A frame is known by its number among those that the hosts have sent, from 0; the same setup sends the same frames up
//! to the first deed. A deed to a frame that is never sent does nothing.

use serde::{Deserialize, Serialize};
use wire::tcp::Flags;

/// The most deeds of a moment.
pub(crate) const DEEDS_MAX: usize = 200;
/// The longest that a frame is held back.
const DELAY_MS_MAX: u32 = 600_000;

/// One thing that a reader does.
///
/// ```
/// use synfin_lab::Deed;
/// let deed: Deed = serde_json::from_str(r#"{"delay":{"frame":3,"ms":250}}"#).unwrap();
/// assert_eq!(deed, Deed::Delay { frame: 3, ms: 250 });
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Deed {
    /// The wire loses it.
    Drop {
        /// Which.
        frame: u32,
    },
    /// It takes longer.
    Delay {
        /// Which.
        frame: u32,
        /// How much longer, in milliseconds.
        ms: u32,
    },
    /// It arrives twice.
    Double {
        /// Which.
        frame: u32,
    },
    /// One bit of it is flipped.
    Corrupt {
        /// Which.
        frame: u32,
    },
    /// It is held back until the next one of the same host has passed it; for a second at most.
    Reorder {
        /// Which.
        frame: u32,
    },
    /// It arrives as another one.
    Change {
        /// Which.
        frame: u32,
        /// What is changed.
        to: Change,
    },
    /// A segment arrives that the other host never sent.
    Forge {
        /// After so many events.
        after: u32,
        /// At this host: 0 the client, 1 the server.
        host: u8,
        /// What it is.
        what: Forged,
    },
    /// A host loses its power and comes back at once: its program is over, its connections are forgotten.
    Crash {
        /// After so many events.
        after: u32,
        /// Which: 0 the client, 1 the server.
        host: u8,
    },
}

impl Deed {
    /// The frame that it is done to.
    pub fn frame(&self) -> Option<u32> {
        match self {
            Deed::Drop { frame }
            | Deed::Delay { frame, .. }
            | Deed::Double { frame }
            | Deed::Corrupt { frame }
            | Deed::Reorder { frame }
            | Deed::Change { frame, .. } => Some(*frame),
            Deed::Forge { .. } | Deed::Crash { .. } => None,
        }
    }
}

/// What of a segment is changed on its way; the checksum is made right again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Change {
    /// The flags, as `SYN,ACK`.
    pub flags: Option<String>,
    /// The sequence number of the header.
    pub seq: Option<u32>,
    /// The acknowledgment number of the header.
    pub ack: Option<u32>,
    /// The window field of the header, not scaled.
    pub window: Option<u16>,
}

/// A segment out of nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Forged {
    /// A SYN of an earlier connection between the same ends, minutes late (RFC 9293 §3.5).
    OldSyn,
    /// A RST of somebody who knows the next number (RFC 5961 §3.2).
    ExactRst,
    /// A RST of somebody who guesses a number within the window.
    BlindRst,
    /// A segment with these fields; what is left out is what its receiver expects next.
    Segment(Change),
}

/// Why a deed cannot be done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeedError {
    /// More than a run takes.
    TooMany,
    /// A segment is held back for too long.
    TooLong,
    /// There are two hosts.
    NoHost(u8),
    /// These are no flags.
    Flags(String),
}

impl std::error::Error for DeedError {}

impl std::fmt::Display for DeedError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            DeedError::TooMany => write!(f, "at most {DEEDS_MAX} deeds"),
            DeedError::TooLong => write!(f, "a segment is held back for {DELAY_MS_MAX} ms at most"),
            DeedError::NoHost(host) => write!(f, "there is no host {host}: 0 is the client, 1 the server"),
            DeedError::Flags(text) => {
                write!(f, "{text:?}: flags are written with commas, as SYN,ACK or FIN,PSH,ACK")
            }
        }
    }
}

/// Whether these deeds can be done.
pub(crate) fn check(deeds: &[Deed]) -> Result<(), DeedError> {
    if deeds.len() > DEEDS_MAX {
        return Err(DeedError::TooMany);
    }
    for deed in deeds {
        match deed {
            Deed::Delay { ms, .. } if *ms > DELAY_MS_MAX => return Err(DeedError::TooLong),
            Deed::Forge { host, .. } | Deed::Crash { host, .. } if *host > 1 => {
                return Err(DeedError::NoHost(*host));
            }
            Deed::Change { to: change, .. } | Deed::Forge { what: Forged::Segment(change), .. } => {
                change.flags()?;
            }
            _ => {}
        }
    }
    Ok(())
}

impl Change {
    /// The flags, if they are changed.
    pub(crate) fn flags(&self) -> Result<Option<Flags>, DeedError> {
        let Some(text) = &self.flags else { return Ok(None) };
        let flag = |name: &str| {
            let name = name.trim();
            ALL.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, flag)| *flag)
        };
        let names = text.split(',').filter(|name| !name.trim().is_empty());
        let flags = names.map(flag).try_fold(Flags::default(), |all, flag| Some(all | flag?));
        flags.map(Some).ok_or_else(|| DeedError::Flags(text.clone()))
    }
}

const ALL: [(&str, Flags); 6] = [
    ("FIN", Flags::FIN),
    ("SYN", Flags::SYN),
    ("RST", Flags::RST),
    ("PSH", Flags::PSH),
    ("ACK", Flags::ACK),
    ("URG", Flags::URG),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read_in_any_order_and_case() {
        let change = |text: &str| Change { flags: Some(text.to_owned()), ..Change::default() };
        assert_eq!(change("syn,ACK").flags(), Ok(Some(Flags::SYN | Flags::ACK)));
        assert_eq!(change("").flags(), Ok(Some(Flags::default())));
        assert_eq!(Change::default().flags(), Ok(None));
        assert!(change("SYN;ACK").flags().unwrap_err().to_string().contains("with commas"));
    }

    #[test]
    fn what_is_too_much_is_refused() {
        let drops = vec![Deed::Drop { frame: 0 }; DEEDS_MAX + 1];
        assert_eq!(check(&drops), Err(DeedError::TooMany));
        assert_eq!(check(&drops[1..]), Ok(()));
        assert_eq!(check(&[Deed::Delay { frame: 0, ms: DELAY_MS_MAX + 1 }]), Err(DeedError::TooLong));
        let forge = Deed::Forge { after: 0, host: 2, what: Forged::OldSyn };
        assert_eq!(check(&[forge]), Err(DeedError::NoHost(2)));
    }
}
