//! The bounds of the lens, each with its reason.

/// How much the lens remembers.
///
/// ```
/// let config = synfin_lens::Config { connections_max: 10_000, ..synfin_lens::Config::default() };
/// assert!(config.unacked_max > 0);
/// ```
///
/// Fields are added in minor versions: write `Config { connections_max, ..Config::default() }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Connections remembered at once. Beyond it one that was not heard of lately is summed up and
    /// forgotten, and a notice says so; a million take at most some 2 GB.
    pub connections_max: usize,
    /// Segments in flight remembered per direction. Wireshark's bound is 10,000, and a smaller one
    /// gives other verdicts on captures that hold one direction only.
    pub unacked_max: usize,
    /// Segments in flight remembered in all. It keeps a capture of many one-sided connections from
    /// growing without bound; sixteen million take 400 MB.
    pub unacked_total_max: usize,
    /// Findings of one kind for one capture; the rest are counted. People read the first few.
    pub findings_per_kind_max: usize,
    /// Keys the table of connections, so that a capture cannot be made to slow it down on purpose.
    pub hash_key: u64,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            connections_max: 1_000_000,
            unacked_max: 10_000,
            unacked_total_max: 16_000_000,
            findings_per_kind_max: 1_000,
            hash_key: 0x9e37_79b9_7f4a_7c15,
        }
    }
}
