//! `getsockopt` and `setsockopt`: names, values, and options that we do not have.

use super::args::is_null;
use super::calls::Answer;
use super::{Runner, Trouble};
use crate::ast::{Call, Expr, Member};
use posix::{Errno, Linger, OptionName, OptionValue};
use std::time::Duration;

const NAMES: &[(&str, OptionName)] = &[
    ("SO_REUSEADDR", OptionName::ReuseAddress),
    ("SO_REUSEPORT", OptionName::ReusePort),
    ("SO_KEEPALIVE", OptionName::KeepAlive),
    ("SO_LINGER", OptionName::Linger),
    ("SO_OOBINLINE", OptionName::OutOfBandInline),
    ("SO_SNDBUF", OptionName::SendBuffer),
    ("SO_RCVBUF", OptionName::ReceiveBuffer),
    ("SO_SNDBUFFORCE", OptionName::SendBufferForce),
    ("SO_RCVBUFFORCE", OptionName::ReceiveBufferForce),
    ("SO_SNDTIMEO", OptionName::SendTimeout),
    ("SO_RCVTIMEO", OptionName::ReceiveTimeout),
    ("SO_RCVLOWAT", OptionName::ReceiveLowWater),
    ("SO_SNDLOWAT", OptionName::SendLowWater),
    ("SO_ERROR", OptionName::Error),
    ("SO_TYPE", OptionName::Type),
    ("SO_DOMAIN", OptionName::Domain),
    ("SO_PROTOCOL", OptionName::Protocol),
    ("SO_ACCEPTCONN", OptionName::AcceptsConnections),
    ("SO_BROADCAST", OptionName::Broadcast),
    ("SO_DONTROUTE", OptionName::DontRoute),
    ("SO_MARK", OptionName::Mark),
    ("SO_PRIORITY", OptionName::Priority),
    ("TCP_NODELAY", OptionName::NoDelay),
    ("TCP_CORK", OptionName::Cork),
    ("TCP_NOPUSH", OptionName::Cork),
    ("TCP_MAXSEG", OptionName::MaxSegment),
    ("TCP_INFO", OptionName::Info),
    ("TCP_KEEPIDLE", OptionName::KeepIdle),
    ("TCP_KEEPINTVL", OptionName::KeepInterval),
    ("TCP_KEEPCNT", OptionName::KeepCount),
    ("TCP_KEEPINIT", OptionName::KeepInit),
    ("TCP_SYNCNT", OptionName::SynCount),
    ("TCP_LINGER2", OptionName::Linger2),
    ("TCP_USER_TIMEOUT", OptionName::UserTimeout),
    ("TCP_QUICKACK", OptionName::QuickAck),
    ("TCP_CONGESTION", OptionName::Congestion),
    ("TCP_WINDOW_CLAMP", OptionName::WindowClamp),
    ("TCP_NOTSENT_LOWAT", OptionName::NotSentLowWater),
    ("TCP_DEFER_ACCEPT", OptionName::DeferAccept),
    ("TCP_FASTOPEN", OptionName::FastOpen),
    ("TCP_FASTOPEN_CONNECT", OptionName::FastOpenConnect),
    ("TCP_FASTOPEN_KEY", OptionName::FastOpenKey),
    ("TCP_FASTOPEN_NO_COOKIE", OptionName::FastOpenNoCookie),
    ("TCP_NOOPT", OptionName::NoOptions),
    ("IP_TOS", OptionName::TypeOfService),
    ("IPV6_TCLASS", OptionName::TrafficClass),
    ("IP_TTL", OptionName::TimeToLive),
    ("IPV6_UNICAST_HOPS", OptionName::UnicastHops),
    ("IP_MTU_DISCOVER", OptionName::MtuDiscover),
    ("IPV6_MTU_DISCOVER", OptionName::MtuDiscover),
    ("IP_MTU", OptionName::Mtu),
    ("IPV6_MTU", OptionName::Mtu),
    ("IPV6_V6ONLY", OptionName::OnlyV6),
];

impl Runner<'_> {
    fn option_name(&self, call: &Call) -> Result<OptionName, Trouble> {
        let Some(Expr::Symbol(symbol)) = call.arguments.get(2) else {
            return Err(Trouble::Unmet("socket options by number".to_owned()));
        };
        let found = NAMES.iter().find(|(known, _)| known == symbol).map(|(_, name)| *name);
        found.ok_or_else(|| Trouble::Unmet(format!("the socket option {symbol}")))
    }

    pub(super) fn call_setsockopt(&mut self, call: &Call) -> Result<Answer, Trouble> {
        let fd = self.descriptor(call.arguments.first())?;
        if matches!(call.arguments.get(2), Some(Expr::Symbol(name)) if name == "TCP_FUNCTION_BLK") {
            return function_block(call);
        }
        let name = self.option_name(call)?;
        if call.arguments.get(3).is_some_and(is_null) {
            return Err(Errno::Fault.into());
        }
        let value = match (name, call.arguments.get(3)) {
            (OptionName::Linger, Some(value)) => OptionValue::Linger(self.linger(value)?),
            (OptionName::SendTimeout | OptionName::ReceiveTimeout, Some(value)) => {
                OptionValue::Time(self.time(value)?)
            }
            (OptionName::FastOpenKey, Some(value)) => OptionValue::Bytes(self.key_bytes(value)?),
            (_, Some(Expr::Text(text))) => OptionValue::Text(String::from_utf8_lossy(text).into_owned()),
            (_, Some(Expr::Array(items))) if matches!(items.as_slice(), [Expr::Text(_)]) => {
                let Some(Expr::Text(text)) = items.first() else { return Ok(().into()) };
                OptionValue::Text(String::from_utf8_lossy(text).into_owned())
            }
            (_, Some(value)) => OptionValue::Int(truncated(self.integer(value)?)),
            (_, None) => return Err(Trouble::Script("the option's value is missing".to_owned())),
        };
        if !self.host.acts_on(name, &value) {
            let words = call.arguments.iter().skip(2).take(2).map(ToString::to_string);
            return Err(Trouble::Unmet(format!(
                "the socket option {}",
                words.collect::<Vec<_>>().join(" as ")
            )));
        }
        Ok(self.host.set_option(fd, name, &value)?.into())
    }

    /// A key as a string of bytes, or as numbers of 32 bits in the order of the machine.
    fn key_bytes(&self, value: &Expr) -> Result<Vec<u8>, Trouble> {
        match value {
            Expr::Text(bytes) => Ok(bytes.clone()),
            Expr::Array(items) => {
                let mut bytes = Vec::new();
                for item in items {
                    match item {
                        Expr::Text(text) => bytes.extend(text),
                        number => bytes.extend((self.integer(number)? as u32).to_le_bytes()),
                    }
                }
                Ok(bytes)
            }
            _ => Err(Trouble::Script("a key is a string or a list of numbers: `[1, 2, 3, 4]`".to_owned())),
        }
    }

    fn linger(&self, value: &Expr) -> Result<Linger, Trouble> {
        let member = |names: [&str; 2]| names.iter().find_map(|name| value.member(name));
        let on = self.optional(member(["onoff", "l_onoff"]))?.unwrap_or(0) != 0;
        let seconds = self.optional(member(["linger", "l_linger"]))?.unwrap_or(0);
        Ok(match (on, u16::try_from(seconds).unwrap_or(u16::MAX)) {
            (false, _) => Linger::Background,
            (true, 0) => Linger::Abort,
            (true, seconds) => Linger::Wait(seconds),
        })
    }

    fn time(&self, value: &Expr) -> Result<Duration, Trouble> {
        let part =
            |name: &str| Ok::<_, Trouble>(self.optional(value.member(name))?.unwrap_or(0).unsigned_abs());
        Ok(Duration::from_secs(part("tv_sec")?) + Duration::from_micros(part("tv_usec")?))
    }

    pub(super) fn call_getsockopt(&mut self, call: &Call) -> Result<Answer, Trouble> {
        let fd = self.descriptor(call.arguments.first())?;
        let name = self.option_name(call)?;
        if call.arguments.get(3).is_some_and(is_null) {
            return Err(Errno::Fault.into());
        }
        let expected = match call.arguments.get(3) {
            Some(Expr::Array(items)) if items.len() == 1 => &items[0],
            Some(other) => other,
            None => &Expr::Any,
        };
        let mut answer = Answer::default();
        if name == OptionName::Info {
            let seen = self.host.info(fd)?;
            answer.differences = self.info_differences(expected, &seen)?;
            return Ok(answer);
        }
        let seen = self.host.option(fd, name)?;
        if *expected == Expr::Any {
            return Ok(answer);
        }
        answer.differences = match seen {
            OptionValue::Int(value) => self.int_difference(expected, value)?.into_iter().collect(),
            OptionValue::Error(error) => self.error_difference(expected, error)?.into_iter().collect(),
            OptionValue::Linger(linger) => {
                let right = self.linger(expected)? == linger;
                if right { Vec::new() } else { vec![format!("value: expected {expected}, seen {linger:?}")] }
            }
            OptionValue::Time(time) => {
                let right = self.time(expected)? == time;
                if right { Vec::new() } else { vec![format!("value: expected {expected}, seen {time:?}")] }
            }
            OptionValue::Text(text) => {
                let right = matches!(expected, Expr::Text(name) if name.as_slice() == text.as_bytes());
                if right { Vec::new() } else { vec![format!("value: expected {expected}, seen \"{text}\"")] }
            }
            OptionValue::Bytes(bytes) => {
                let right = self.key_bytes(value_of(call).unwrap_or(expected))? == bytes;
                if right {
                    Vec::new()
                } else {
                    vec![format!("value: expected {expected}, seen {bytes:02x?}")]
                }
            }
            OptionValue::Info(info) => self.info_differences(expected, &info.fields())?,
            other => vec![format!("value: expected {expected}, seen {other:?}")],
        };
        Ok(answer)
    }

    /// The script may write an `int` as an unsigned number: -1 as 0xffffffff.
    fn int_difference(&self, expected: &Expr, seen: i32) -> Result<Option<String>, Trouble> {
        let unsigned = self.number_difference("value", expected, seen.cast_unsigned().into())?;
        Ok(if unsigned.is_none() { None } else { self.number_difference("value", expected, seen.into())? })
    }

    /// The script may write `SO_ERROR` as a number or as the error's name.
    fn error_difference(&self, expected: &Expr, seen: Option<Errno>) -> Result<Option<String>, Trouble> {
        let shown = seen.map_or("0", Errno::name);
        let right = match expected {
            Expr::Symbol(name) if name.starts_with('E') => Errno::named(name) == seen && seen.is_some(),
            _ => {
                let number = seen.map_or(0, |errno| errno.number(self.habits));
                self.integer(expected)? == i64::from(number)
            }
        };
        Ok((!right).then(|| format!("value: expected {expected}, seen {shown}")))
    }

    fn info_differences(&self, expected: &Expr, seen: &[(&str, u64)]) -> Result<Vec<String>, Trouble> {
        let Expr::Struct(members) = expected else { return Ok(Vec::new()) };
        let mut differences = Vec::new();
        for Member { name, value, .. } in members {
            let Some(name) = name else { continue };
            let Some((_, number)) = seen.iter().find(|(known, _)| known == name) else {
                return Err(Trouble::Unmet(format!("{name} of TCP_INFO")));
            };
            let number = i64::try_from(*number).unwrap_or(i64::MAX);
            differences.extend(self.number_difference(name, value, number)?);
        }
        Ok(differences)
    }
}

/// FreeBSD's `TCP_FUNCTION_BLK`, which chooses one of its TCP stacks. We have the default one only.
fn function_block(call: &Call) -> Result<Answer, Trouble> {
    match call.arguments.get(3).and_then(|value| value.member("function_set_name")) {
        Some(Expr::Text(name)) if name == b"freebsd" || name == b"default" => Ok(().into()),
        Some(Expr::Text(name)) => {
            Err(Trouble::Unmet(format!("FreeBSD's TCP stack \"{}\"", String::from_utf8_lossy(name))))
        }
        _ => Err(Trouble::Script("`{function_set_name=\"freebsd\", pcbcnt=0}` is expected".to_owned())),
    }
}

/// The value of a call as it is written: a list of one is not taken apart.
fn value_of(call: &Call) -> Option<&Expr> {
    call.arguments.get(3)
}

/// Truncates a number to an `int` as C does.
fn truncated(value: i64) -> i32 {
    value as i32
}

/// Whether we have a socket option of this name.
pub(crate) fn is_known(symbol: &str) -> bool {
    symbol == "TCP_FUNCTION_BLK" || NAMES.iter().any(|(known, _)| *known == symbol)
}
