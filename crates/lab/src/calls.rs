//! What a program calls, written one call a line: `connect`, `write 2374`, `recv all`, `close`.
//!
//! The calls are those of sockets, and each is over when it would return there: `connect` on the second step of the
//! handshake, `accept` on the third, `recv` when something is there, `write` when all of it is in the send buffer.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// The most bytes that one program writes: a lesson is looked at, not measured.
pub(crate) const WRITE_BYTES_MAX: u32 = 1_000_000;
/// The longest pause of a program. A connection may be idle for an hour.
const WAIT_MAX: Duration = Duration::from_secs(3_600);
/// The shortest pause between two pieces, so that a program does something now and then, not all the time.
const EVERY_MIN: Duration = Duration::from_millis(10);
/// So much of a line that is no call is told.
const TOLD_CHARS_MAX: usize = 60;

/// One call of a program.
///
/// ```
/// use synfin_lab::Call;
/// assert_eq!("write 2374".parse(), Ok(Call::Write(2374)));
/// assert_eq!(Call::RecvAll.to_string(), "recv all");
/// let error = "wirte 5".parse::<Call>().unwrap_err().to_string();
/// assert!(error.starts_with("\"wirte 5\" is no call"), "{error}");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Call {
    /// `listen`: connections are taken from now on; returns at once.
    Listen,
    /// `accept`: returns with the next connection whose handshake is complete.
    Accept,
    /// `connect`: returns when the peer has answered the SYN, or refused.
    Connect,
    /// `write N`: returns when N bytes are in the send buffer.
    Write(u32),
    /// `write N by K every TIME`: the same in small pieces, as somebody types.
    WriteSlowly(Slowly),
    /// `recv N`: returns when it has read N bytes, or the peer has finished.
    Recv(u32),
    /// `recv N by K every TIME`: the same in small pieces, as a slow reader does.
    RecvSlowly(Slowly),
    /// `recv all`: returns when the peer has finished.
    RecvAll,
    /// `shutdown`: no more to send; returns at once.
    Shutdown,
    /// `close`: done with the connection; returns at once.
    Close,
    /// `abort`: the connection is thrown away with a RST; returns at once.
    Abort,
    /// `wait TIME`: does nothing for this long.
    Wait(Duration),
    /// `crash`: the host loses its power and comes back at once; of its connections it knows nothing any more. The
    /// calls after it are those of a program that starts then.
    Crash,
}

/// In pieces, with pauses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slowly {
    /// Bytes in all.
    pub bytes: u32,
    /// Bytes of a piece.
    pub piece_bytes: u32,
    /// From piece to piece.
    pub every: Duration,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Call::Listen => f.write_str("listen"),
            Call::Accept => f.write_str("accept"),
            Call::Connect => f.write_str("connect"),
            Call::Write(bytes) => write!(f, "write {bytes}"),
            Call::Recv(bytes) => write!(f, "recv {bytes}"),
            Call::WriteSlowly(slowly) => write!(f, "write {slowly}"),
            Call::RecvSlowly(slowly) => write!(f, "recv {slowly}"),
            Call::Crash => f.write_str("crash"),
            Call::RecvAll => f.write_str("recv all"),
            Call::Shutdown => f.write_str("shutdown"),
            Call::Close => f.write_str("close"),
            Call::Abort => f.write_str("abort"),
            Call::Wait(time) => write!(f, "wait {}", Time(*time)),
        }
    }
}

impl fmt::Display for Slowly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by {} every {}", self.bytes, self.piece_bytes, Time(self.every))
    }
}

/// A time as programs write it.
struct Time(Duration);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_millis() {
            ms if ms % 1_000 == 0 => write!(f, "{}s", ms / 1_000),
            ms => write!(f, "{ms}ms"),
        }
    }
}

/// A line that is no call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallError {
    /// No such call, or with other words behind it.
    Unknown(String),
    /// A number of bytes that is none, zero, or too many.
    Bytes(String),
    /// A time that is none, or too long.
    Time(String),
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallError::Unknown(line) => write!(
                f,
                "{line:?} is no call; there are listen, accept, connect, write N, write N by K every TIME, recv N, recv N by K every TIME, recv all, shutdown, close, abort, wait TIME, crash"
            ),
            CallError::Bytes(line) => {
                write!(f, "{line:?}: bytes are a number from 1 to {WRITE_BYTES_MAX}")
            }
            CallError::Time(line) => {
                write!(f, "{line:?}: a time is written 200ms or 2s, up to {} s", WAIT_MAX.as_secs())
            }
        }
    }
}

impl std::error::Error for CallError {}

impl FromStr for Call {
    type Err = CallError;

    fn from_str(line: &str) -> Result<Call, CallError> {
        let told = || line.trim().chars().take(TOLD_CHARS_MAX).collect::<String>();
        let slowly = |[bytes, piece, every]: [&str; 3]| {
            let number = |text| bytes_of(text).ok_or_else(|| CallError::Bytes(told()));
            let every = time_of(every).filter(|every| *every >= EVERY_MIN);
            Ok(Slowly {
                bytes: number(bytes)?,
                piece_bytes: number(piece)?,
                every: every.ok_or_else(|| CallError::Time(told()))?,
            })
        };
        let words: Vec<&str> = line.split_whitespace().collect();
        Ok(match words[..] {
            ["listen"] => Call::Listen,
            ["accept"] => Call::Accept,
            ["connect"] => Call::Connect,
            ["write", bytes] => Call::Write(bytes_of(bytes).ok_or_else(|| CallError::Bytes(told()))?),
            ["write", bytes, "by", piece, "every", time] => Call::WriteSlowly(slowly([bytes, piece, time])?),
            ["recv", bytes, "by", piece, "every", time] => Call::RecvSlowly(slowly([bytes, piece, time])?),
            ["recv", "all"] => Call::RecvAll,
            ["recv", bytes] => Call::Recv(bytes_of(bytes).ok_or_else(|| CallError::Bytes(told()))?),
            ["shutdown"] => Call::Shutdown,
            ["close"] => Call::Close,
            ["abort"] => Call::Abort,
            ["crash"] => Call::Crash,
            ["wait", time] => Call::Wait(time_of(time).ok_or_else(|| CallError::Time(told()))?),
            _ => return Err(CallError::Unknown(told())),
        })
    }
}

fn bytes_of(text: &str) -> Option<u32> {
    text.parse().ok().filter(|bytes| (1..=WRITE_BYTES_MAX).contains(bytes))
}

fn time_of(text: &str) -> Option<Duration> {
    let time = match text.strip_suffix("ms") {
        Some(ms) => Duration::from_millis(ms.parse().ok()?),
        None => Duration::from_secs(text.strip_suffix('s')?.parse().ok()?),
    };
    Some(time).filter(|time| *time <= WAIT_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_call_is_read_as_it_is_written() {
        let (half, two) = (Duration::from_millis(500), Duration::from_secs(2));
        let slowly = Slowly { bytes: 5_000, piece_bytes: 100, every: half };
        assert_eq!(Call::RecvSlowly(slowly).to_string(), "recv 5000 by 100 every 500ms");
        for call in [
            Call::Listen,
            Call::Accept,
            Call::Connect,
            Call::Write(2_374),
            Call::Recv(1),
            Call::RecvAll,
            Call::Shutdown,
            Call::Close,
            Call::Abort,
            Call::Crash,
            Call::WriteSlowly(slowly),
            Call::RecvSlowly(Slowly { every: two, ..slowly }),
            Call::Wait(half),
            Call::Wait(two),
        ] {
            assert_eq!(call.to_string().parse(), Ok(call));
        }
    }

    #[test]
    fn what_is_no_call_says_what_is() {
        for line in ["", "write", "write 5 6", "open", "recv none of it"] {
            assert!(matches!(line.parse::<Call>(), Err(CallError::Unknown(_))), "{line}");
        }
        for line in ["write 0", "write -1", "write 1000001", "recv x", "recv 5 by 0 every 1s"] {
            assert!(matches!(line.parse::<Call>(), Err(CallError::Bytes(_))), "{line}");
        }
        for line in
            ["wait 5", "wait 3601s", "wait 99999999999999999999s", "wait 1.5s", "recv 5 by 1 every 0ms"]
        {
            assert!(matches!(line.parse::<Call>(), Err(CallError::Time(_))), "{line}");
        }
    }
}
