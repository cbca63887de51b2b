//! Two hosts in memory, ours and the peer's, and how to compare them.
//!
//! Every figure is taken in pairs, ours and theirs in turn in the same run, because the speed of a
//! machine drifts; what is printed are medians and the ratio of each pair. No figure is ever a test.

pub mod captures;
pub mod counting;
pub mod ours;
pub mod raw;
pub mod theirs;
pub mod worlds;

use std::time::{Duration, Instant};

/// Bytes that an application writes and reads at a time.
pub const CHUNK_BYTES: usize = 64 << 10;
/// Buffer of a socket, in each direction, for both stacks.
pub const BUFFER_BYTES: usize = 1 << 20;

/// One of two things to be compared, run once: how long it took for how many units.
pub type Run<'a> = &'a mut dyn FnMut() -> Sample;

/// A measurement: the time for so many units of work.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// How long it took.
    pub took: Duration,
    /// For how much work: bytes, cycles, exchanges.
    pub units: u64,
}

impl Sample {
    /// Runs `work`, which says how many units it did.
    pub fn of(work: impl FnOnce() -> u64) -> Sample {
        let start = Instant::now();
        let units = work();
        Sample { took: start.elapsed(), units }
    }

    /// Runs `work` on this thread alone and counts the processor's time, not the clock's: what else the
    /// machine does then disturbs little. For work in memory, which never waits.
    pub fn of_thread(work: impl FnOnce() -> u64) -> Sample {
        let spent = || {
            let spent = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
            Duration::new(spent.tv_sec.unsigned_abs(), spent.tv_nsec as u32)
        };
        let start = spent();
        let units = work();
        Sample { took: spent() - start, units }
    }

    /// Units per second.
    pub fn rate(self) -> f64 {
        self.units as f64 / self.took.as_secs_f64()
    }

    /// Nanoseconds per unit.
    pub fn nanos(self) -> f64 {
        self.took.as_nanos() as f64 / self.units as f64
    }
}

/// The middle value.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Runs both in turn, `rounds` times after a warm-up, and gives the medians of their rates and of the
/// ratio ours / theirs.
pub fn compare(rounds: usize, ours: Run<'_>, theirs: Run<'_>) -> (f64, f64, f64) {
    // The warm-up; what it measures is not looked at.
    let _ = (ours(), theirs());
    let (mut a, mut b, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let (ours, theirs) = (ours().rate(), theirs().rate());
        a.push(ours);
        b.push(theirs);
        ratios.push(ours / theirs);
    }
    (median(a), median(b), median(ratios))
}

/// Rounds to take: an argument, or five.
pub fn rounds() -> usize {
    std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(5)
}

/// How `cargo bench` builds, as the workspace's manifest says it: a figure without it cannot be compared.
pub fn profile() -> String {
    let manifest = include_str!("../../Cargo.toml");
    let section = |name: &str| -> Vec<(&str, &str)> {
        let lines = manifest.lines().skip_while(|line| *line != format!("[profile.{name}]")).skip(1);
        let lines = lines.take_while(|line| !line.starts_with('[')).filter_map(|line| line.split_once(" = "));
        lines.map(|(key, value)| (key, value.trim_matches('"'))).collect()
    };
    let mut name = "bench";
    let mut settings = Vec::new();
    loop {
        let found = section(name);
        settings.extend(
            found.iter().filter(|(key, _)| *key != "inherits").map(|(key, value)| format!("{key} {value}")),
        );
        match found.iter().find(|(key, _)| *key == "inherits") {
            Some((_, parent)) if *parent != "release" => name = parent,
            _ => return format!("built by `cargo bench` with the profile {name}: {}", settings.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_profile_is_the_one_of_packages() {
        assert_eq!(
            super::profile(),
            "built by `cargo bench` with the profile dist: lto fat, codegen-units 1"
        );
    }
}
