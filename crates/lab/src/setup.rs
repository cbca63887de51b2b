//! What a reader can edit before a run: two hosts, their programs, the wire between them.
//!
//! A setup may come from anybody, in an address: [`Setup::check`] says what is too much of it.

use crate::calls::{Call, CallError, WRITE_BYTES_MAX};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The most lines of one program.
const CALLS_MAX: usize = 40;
/// The slowest and the longest wire: to the moon and back, by modem.
const DELAY_MS_MAX: u32 = 10_000;
const RATE_KBIT_MIN: u32 = 8;
const QUEUE_PACKETS_MAX: u32 = 10_000;
const RECEIVE_BUFFER_BYTES_MIN: u32 = 256;
/// Shorter segments are mostly headers, longer ones do not fit through the wire.
const MSS_BYTES_MIN: u32 = 100;
const MSS_BYTES_MAX: u32 = 1_460;

/// Two hosts and a wire.
///
/// ```
/// let setup = synfin_lab::Setup::default();
/// assert_eq!(setup.check(), Ok(()));
/// assert_eq!(setup.hosts[0].program[0], "connect");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Setup {
    /// Of all chance.
    pub seed: u64,
    /// The client, which is on the left, and the server.
    pub hosts: [HostSetup; 2],
    /// What is between them.
    pub wire: WireSetup,
}

/// One host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct HostSetup {
    /// What it calls, a [`Call`] a line.
    pub program: Vec<String>,
    /// Its initial sequence number; without it a random one (RFC 9293 §3.4.1).
    pub isn: Option<u32>,
    /// Its receive buffer in bytes; without it the usual one, which grows.
    pub receive_buffer_bytes: Option<u32>,
    /// The longest segment that it announces and sends, in bytes (`TCP_MAXSEG`); without it 1,460.
    pub mss_bytes: Option<u32>,
    /// Its congestion control: `reno`, `cubic`, `bbr`, `prague`.
    pub congestion: String,
    /// It offers SACK (RFC 2018).
    pub sack: bool,
    /// It offers timestamps (RFC 7323).
    pub timestamps: bool,
    /// It holds back small segments while something is in flight (RFC 9293 §3.7.4).
    pub nagle: bool,
    /// It acknowledges at once instead of waiting for company (RFC 9293 §3.8.6.3).
    pub quick_acks: bool,
}

/// The wire; both directions are alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct WireSetup {
    /// How long a packet takes, each way.
    pub delay_ms: u32,
    /// How much passes, in 1,000 bits a second; without it no limit.
    pub rate_kbit: Option<u32>,
    /// How many packets wait where the rate is the limit.
    pub queue_packets: u32,
    /// How many of 1,000 packets are lost.
    pub loss_permille: u32,
}

impl Default for Setup {
    /// The article's connection: 2,374 bytes there, 537 back, the server closes first.
    fn default() -> Setup {
        let lines = |program: &[&str]| program.iter().map(|line| (*line).to_owned()).collect();
        let client = HostSetup {
            program: lines(&["connect", "write 2374", "recv all", "close"]),
            isn: Some(4_225_926_656),
            ..HostSetup::default()
        };
        let server = HostSetup {
            program: lines(&["listen", "accept", "recv 2374", "write 537", "wait 100ms", "close"]),
            isn: Some(3_022_381_253),
            ..HostSetup::default()
        };
        Setup { seed: 1, hosts: [client, server], wire: WireSetup::default() }
    }
}

impl Default for HostSetup {
    fn default() -> HostSetup {
        HostSetup {
            program: Vec::new(),
            isn: None,
            receive_buffer_bytes: None,
            mss_bytes: None,
            congestion: "cubic".to_owned(),
            sack: true,
            timestamps: false,
            nagle: true,
            quick_acks: false,
        }
    }
}

impl Default for WireSetup {
    fn default() -> WireSetup {
        WireSetup { delay_ms: 20, rate_kbit: None, queue_packets: 100, loss_permille: 0 }
    }
}

/// Why a setup cannot be run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SetupError {
    /// A line of a program.
    Call {
        /// 0 the client's, 1 the server's.
        host: usize,
        /// The line, from 0.
        line: usize,
        /// What is wrong with it.
        why: CallError,
    },
    /// A program is too long, or writes too much.
    Program {
        /// 0 the client's, 1 the server's.
        host: usize,
    },
    /// A number is outside what is possible.
    Number {
        /// Its name.
        name: &'static str,
        /// The least and the most.
        from: u64,
        /// See `from`.
        to: u64,
    },
    /// No congestion control has this name.
    Congestion(String),
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [&str; 2] = ["client", "server"];
        match self {
            SetupError::Call { host, line, why } => {
                write!(f, "the {}'s program, line {}: {why}", NAMES[host & 1], line + 1)
            }
            SetupError::Program { host } => write!(
                f,
                "the {}'s program is too long: at most {CALLS_MAX} calls, and {WRITE_BYTES_MAX} bytes in all",
                NAMES[host & 1]
            ),
            SetupError::Number { name, from, to } => write!(f, "{name} is a number from {from} to {to}"),
            SetupError::Congestion(name) => {
                write!(f, "{name:?} is no congestion control; there are reno, cubic, bbr, prague")
            }
        }
    }
}

impl std::error::Error for SetupError {}

impl Setup {
    /// Whether it can be run.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), SetupError> {
        self.programs()?;
        let WireSetup { delay_ms, rate_kbit, queue_packets, loss_permille } = self.wire;
        within("delay_ms", delay_ms, 0, DELAY_MS_MAX)?;
        within("rate_kbit", rate_kbit.unwrap_or(RATE_KBIT_MIN), RATE_KBIT_MIN, 10_000_000)?;
        within("queue_packets", queue_packets, 1, QUEUE_PACKETS_MAX)?;
        within("loss_permille", loss_permille, 0, 1_000)?;
        for host in &self.hosts {
            let buffer = host.receive_buffer_bytes.unwrap_or(RECEIVE_BUFFER_BYTES_MIN);
            within("receive_buffer_bytes", buffer, RECEIVE_BUFFER_BYTES_MIN, 1 << 24)?;
            let mss = host.mss_bytes.unwrap_or(MSS_BYTES_MAX);
            within("mss_bytes", mss, MSS_BYTES_MIN, MSS_BYTES_MAX)?;
            if tcp::CongestionControl::named(&host.congestion).is_none() {
                return Err(SetupError::Congestion(host.congestion.clone()));
            }
        }
        Ok(())
    }

    /// Both programs.
    pub(crate) fn programs(&self) -> Result<[Vec<Call>; 2], SetupError> {
        let program = |host: usize| {
            let lines = &self.hosts[host].program;
            let read = |(line, text): (usize, &String)| {
                text.parse().map_err(|why| SetupError::Call { host, line, why })
            };
            let calls: Vec<Call> =
                lines.iter().take(CALLS_MAX).enumerate().map(read).collect::<Result<_, _>>()?;
            let written = calls.iter().map(|call| match call {
                Call::Write(bytes) => *bytes,
                Call::WriteSlowly(slowly) => slowly.bytes,
                _ => 0,
            });
            let is_too_much =
                lines.len() > CALLS_MAX || written.map(u64::from).sum::<u64>() > WRITE_BYTES_MAX.into();
            if is_too_much { Err(SetupError::Program { host }) } else { Ok(calls) }
        };
        Ok([program(0)?, program(1)?])
    }
}

fn within(name: &'static str, value: u32, from: u32, to: u32) -> Result<(), SetupError> {
    if (from..=to).contains(&value) {
        Ok(())
    } else {
        Err(SetupError::Number { name, from: from.into(), to: to.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_of_a_setup_is_as_usual() {
        let setup: Setup = serde_json::from_str(r#"{"wire":{"delay_ms":300}}"#).expect("a setup");
        let wire = WireSetup { delay_ms: 300, ..WireSetup::default() };
        assert_eq!(setup, Setup { wire, ..Setup::default() });
        assert!(serde_json::from_str::<Setup>(r#"{"delay":3}"#).is_err(), "a name that is unknown");
    }

    #[test]
    fn a_setup_that_asks_too_much_says_which_of_it() {
        let with = |change: &dyn Fn(&mut Setup)| {
            let mut setup = Setup::default();
            change(&mut setup);
            setup.check().expect_err("too much").to_string()
        };
        let told = with(&|setup| setup.hosts[1].program[1] = "acept".into());
        assert!(told.starts_with("the server's program, line 2: \"acept\" is no call"), "{told}");
        let told = with(&|setup| setup.hosts[0].program = vec!["write 600000".into(); 2]);
        assert!(told.contains("1000000 bytes in all"), "{told}");
        let told = with(&|setup| setup.hosts[0].program = vec!["listen".into(); 41]);
        assert!(told.contains("at most 40 calls"), "{told}");
        assert!(with(&|setup| setup.wire.delay_ms = 10_001).starts_with("delay_ms is a number from 0 to"));
        assert!(with(&|setup| setup.wire.rate_kbit = Some(0)).starts_with("rate_kbit"));
        assert!(
            with(&|setup| setup.hosts[0].mss_bytes = Some(99)).starts_with("mss_bytes is a number from 100")
        );
        assert!(with(&|setup| setup.hosts[0].congestion = "vegas".into()).contains("no congestion control"));
    }
}
