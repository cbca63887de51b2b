//! What the laboratory says of its own values, in a language: why there is no run, what a deed is, what a program said.

use crate::calls::CallError;
use crate::deed::{Change, Deed, DeedError, Forged};
use crate::drawn::HandshakeStep;
use crate::program::Failed;
use crate::run::RunError;
use crate::setup::SetupError;
use crate::words::{filled, find, text};
use report::words::Language;

/// So much of an unknown name is repeated.
const TOLD_CHARS_MAX: usize = 60;

fn told(name: &str) -> String {
    name.chars().take(TOLD_CHARS_MAX).collect()
}

/// `client`, `server`.
pub(crate) fn host(host: usize, lang: Language) -> &'static str {
    text(lang, if host == 0 { "host/client" } else { "host/server" })
}

pub(crate) fn no_lesson(id: &str, lang: Language) -> String {
    filled(lang, "error/lesson", &[("text", &told(id))])
}

/// Why there is no run.
pub(crate) fn no_run(error: &RunError, lang: Language) -> String {
    match error {
        RunError::Setup(SetupError::Call { host: of, line, why }) => {
            let (key, text) = match why {
                CallError::Unknown(text) => ("error/call-unknown", text),
                CallError::Bytes(text) => ("error/call-bytes", text),
                CallError::Time(text) => ("error/call-time", text),
            };
            let why = filled(lang, key, &[("text", text)]);
            let line = (line + 1).to_string();
            filled(lang, "error/call", &[("host", host(*of, lang)), ("line", &line), ("why", &why)])
        }
        RunError::Setup(SetupError::Program { host: of }) => {
            filled(lang, "error/program", &[("host", host(*of, lang))])
        }
        RunError::Setup(SetupError::Number { name, from, to }) => {
            let (from, to) = (from.to_string(), to.to_string());
            // as its field is called on the page
            let name = find(lang, &format!("field.{name}")).unwrap_or(name);
            filled(lang, "error/number", &[("text", name), ("from", &from), ("to", &to)])
        }
        RunError::Setup(SetupError::Congestion(name)) => {
            filled(lang, "error/congestion", &[("text", &told(name))])
        }
        RunError::Deed(DeedError::TooMany) => text(lang, "error/deeds-many").to_owned(),
        RunError::Deed(DeedError::TooLong) => text(lang, "error/deeds-long").to_owned(),
        RunError::Deed(DeedError::NoHost(number)) => {
            filled(lang, "error/deed-host", &[("n", &number.to_string())])
        }
        RunError::Deed(DeedError::Flags(flags)) => {
            filled(lang, "error/deed-flags", &[("text", &told(flags))])
        }
    }
}

/// Why a program is over.
pub(crate) fn failed(error: Failed, lang: Language) -> &'static str {
    let key = match error {
        Failed::Crash => "tcp/crash",
        Failed::PortTaken => "tcp/port-taken",
        Failed::NoConnection => "tcp/no-connection",
        Failed::Connection(tcp::Error::Refused) => "tcp/refused",
        Failed::Connection(tcp::Error::Reset) => "tcp/reset",
        Failed::Connection(tcp::Error::TimedOut) => "tcp/timed-out",
        Failed::Connection(tcp::Error::Aborted) => "tcp/aborted",
        Failed::Connection(_) => "tcp/other",
    };
    text(lang, key)
}

/// What a program said, and the step of the handshake that it waited for.
pub(crate) fn call(said: &str, step: Option<HandshakeStep>, lang: Language) -> String {
    if let Some(call) = said.strip_suffix(" returns") {
        let key = match step {
            None => "call/returns",
            Some(HandshakeStep::Second) => "call/second-step",
            Some(HandshakeStep::Third) => "call/third-step",
            Some(HandshakeStep::ThirdWithData) => "call/third-step-data",
        };
        return filled(lang, key, &[("call", call)]);
    }
    if let Some((call, why)) = said.split_once(FAILS) {
        let why = ERRORS.iter().find(|error| error.to_string() == why);
        let why = why.map_or(text(lang, "tcp/other"), |error| failed(*error, lang));
        return filled(lang, "call/fails", &[("call", call), ("why", why)]);
    }
    if said == "crash" { text(lang, "call/crash").to_owned() } else { said.to_owned() }
}

/// What stands between a call that fails and why.
pub(crate) const FAILS: &str = " fails: ";

/// Those that have words.
const ERRORS: [Failed; 6] = [
    Failed::PortTaken,
    Failed::NoConnection,
    Failed::Connection(tcp::Error::Refused),
    Failed::Connection(tcp::Error::Reset),
    Failed::Connection(tcp::Error::TimedOut),
    Failed::Connection(tcp::Error::Aborted),
];

/// What a deed is: `held back for 250 ms`.
pub(crate) fn deed(deed: &Deed, lang: Language) -> String {
    match deed {
        Deed::Drop { .. } => text(lang, "deed/drop").to_owned(),
        Deed::Delay { ms, .. } => filled(lang, "deed/delay", &[("n", &ms.to_string())]),
        Deed::Double { .. } => text(lang, "deed/double").to_owned(),
        Deed::Corrupt { .. } => text(lang, "deed/corrupt").to_owned(),
        Deed::Reorder { .. } => text(lang, "deed/reorder").to_owned(),
        Deed::Change { to, .. } => filled(lang, "deed/change", &[("what", &change(to, lang))]),
        Deed::Forge { what: Forged::OldSyn, .. } => text(lang, "deed/old-syn").to_owned(),
        Deed::Forge { what: Forged::ExactRst, .. } => text(lang, "deed/exact-rst").to_owned(),
        Deed::Forge { what: Forged::BlindRst, .. } => text(lang, "deed/blind-rst").to_owned(),
        Deed::Forge { what: Forged::Segment(to), .. } => {
            filled(lang, "deed/segment", &[("what", &change(to, lang))])
        }
        Deed::Crash { host: of, .. } => filled(lang, "deed/crash", &[("host", host(usize::from(*of), lang))]),
    }
}

/// A word for a deed's kind, for a page: `drop`.
pub(crate) fn kind(deed: &Deed) -> &'static str {
    match deed {
        Deed::Drop { .. } => "drop",
        Deed::Delay { .. } => "delay",
        Deed::Double { .. } => "double",
        Deed::Corrupt { .. } => "corrupt",
        Deed::Reorder { .. } => "reorder",
        Deed::Change { .. } => "change",
        Deed::Forge { .. } => "forge",
        Deed::Crash { .. } => "crash",
    }
}

fn change(change: &Change, lang: Language) -> String {
    let number =
        |key: &str, value: Option<u64>| value.map(|value| filled(lang, key, &[("n", &value.to_string())]));
    let flags = change.flags.as_ref().map(|flags| filled(lang, "deed/flags", &[("flags", &told(flags))]));
    let parts = [
        flags,
        number("deed/seq", change.seq.map(u64::from)),
        number("deed/ack", change.ack.map(u64::from)),
        number("deed/window", change.window.map(u64::from)),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { text(lang, "deed/nothing").to_owned() } else { parts.join(" ") }
}
