//! What a run of a scenario left in its folder: the captures at both hosts, the kernel's trace, and `record.txt`.
//!
//! So that it can be judged again at any time, by another lens, without privileges. What is *not* here: how it came to be
//! (`rig`), and what is made of it (`compare.rs`).

use super::trace::Trace;
use super::truth::Told;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The captures at both hosts.
pub const CAPTURES: [&str; 2] = ["client.pcap", "server.pcap"];
/// The kernel's trace, as it told it.
pub const TRACE: &str = "trace.txt";
/// What neither of them says.
const CIRCUMSTANCES: &str = "record.txt";

/// What neither the captures nor the trace say: lines of `name=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circumstances {
    /// The version of the kernel.
    pub kernel: String,
    /// The seed of the wire.
    pub seed: u64,
    /// The hosts' addresses.
    pub hosts: [IpAddr; 2],
    /// What to add to the trace's clock to get the captures', in nanoseconds.
    pub clock_ns: i64,
    /// Packets that tcpdump missed.
    pub capture_lost: u64,
    /// Connections that came to their end.
    pub done: usize,
}

impl Circumstances {
    /// Writes them into the folder.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn keep(&self, folder: &Path) -> io::Result<()> {
        let Circumstances { kernel, seed, hosts: [client, server], clock_ns, capture_lost, done } = self;
        let text = format!(
            "kernel={kernel}\nseed={seed}\nclient={client}\nserver={server}\nclock_ns={clock_ns}\n\
             capture_lost={capture_lost}\ndone={done}\n"
        );
        fs::write(folder.join(CIRCUMSTANCES), text)
    }

    /// Reads them; in words what is missing.
    fn parse(text: &str) -> Result<Circumstances, String> {
        let values: BTreeMap<&str, &str> = text.lines().filter_map(|line| line.split_once('=')).collect();
        fn value<T: FromStr>(values: &BTreeMap<&str, &str>, name: &str) -> Result<T, String> {
            let text = values.get(name).ok_or_else(|| format!("it has no line {name}=..."))?;
            text.trim().parse().map_err(|_| format!("{name}={text} cannot be read"))
        }
        Ok(Circumstances {
            kernel: value(&values, "kernel")?,
            seed: value(&values, "seed")?,
            hosts: [value(&values, "client")?, value(&values, "server")?],
            clock_ns: value(&values, "clock_ns")?,
            capture_lost: value(&values, "capture_lost")?,
            done: value(&values, "done")?,
        })
    }
}

/// What a scenario left.
#[derive(Clone, Debug)]
pub struct Record {
    /// The captures at both hosts.
    pub captures: [PathBuf; 2],
    /// What neither they nor the kernel say.
    pub circumstances: Circumstances,
    /// What the kernel said.
    pub told: Told,
    /// Events that the trace had no room for or that cannot be read.
    pub trace_lost: u64,
}

impl Record {
    /// Reads what is in the folder, but for the captures.
    ///
    /// # Errors
    /// If a file is missing or cannot be read; the error names it.
    pub fn of(folder: &Path) -> io::Result<Record> {
        let path = folder.join(CIRCUMSTANCES);
        let wrong = |what: String| io::Error::other(format!("{}: {what}", path.display()));
        let text = fs::read_to_string(&path).map_err(|error| wrong(error.to_string()))?;
        let circumstances = Circumstances::parse(&text).map_err(wrong)?;
        let trace = folder.join(TRACE);
        let text = fs::read_to_string(&trace)
            .map_err(|error| io::Error::other(format!("{}: {error}", trace.display())))?;
        let trace = Trace::parse(&text);
        let concerns = |address| circumstances.hosts.contains(&address);
        let told = Told::of(&trace, circumstances.clock_ns, concerns);
        let captures = CAPTURES.map(|name| folder.join(name));
        Ok(Record { captures, circumstances, told, trace_lost: trace.lost + trace.unreadable })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circumstances() -> Circumstances {
        Circumstances {
            kernel: "6.18.44 odd = name".to_owned(),
            seed: 7,
            hosts: [IpAddr::from([10, 0, 0, 1]), IpAddr::from([0xfd77, 0, 0, 0, 0, 0, 0, 1])],
            clock_ns: -5,
            capture_lost: 2,
            done: 3,
        }
    }

    #[test]
    fn what_is_written_is_read_and_what_is_missing_is_named() {
        let folder = std::env::temp_dir().join(format!("synfin-record-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        circumstances().keep(&folder).expect("it is written");
        let text = fs::read_to_string(folder.join(CIRCUMSTANCES)).expect("it is there");
        assert_eq!(Circumstances::parse(&text), Ok(circumstances()));
        let without_trace = Record::of(&folder).map(drop).expect_err("there is no trace");
        assert!(without_trace.to_string().contains(TRACE), "{without_trace}");
        fs::remove_dir_all(&folder).expect("it can be removed");
        let cut = text.replace("clock_ns", "clock");
        assert_eq!(Circumstances::parse(&cut), Err("it has no line clock_ns=...".to_owned()));
        let wrong = text.replace("seed=7", "seed=seven");
        assert_eq!(Circumstances::parse(&wrong), Err("seed=seven cannot be read".to_owned()));
    }
}
