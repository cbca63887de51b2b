//! Gains and products without floating point.

const NS_PER_S: u64 = 1_000_000_000;

/// A factor in hundredths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gain(u16);

impl Gain {
    pub(super) const ONE: Gain = Gain(100);

    pub(super) const fn percent(percent: u16) -> Self {
        Gain(percent)
    }

    /// So many times `bytes`, no more than a window holds.
    pub(super) fn of_bytes(self, bytes: u32) -> u32 {
        let bytes = u64::from(bytes) * u64::from(self.0) / 100;
        u32::try_from(bytes).unwrap_or(u32::MAX)
    }

    /// So many times a rate.
    pub(super) fn of_rate(self, bytes_per_s: u64) -> u64 {
        bytes_per_s.saturating_mul(self.0.into()) / 100
    }
}

/// What a rate delivers within a time.
pub(super) fn bytes_over(bytes_per_s: u64, ns: u64) -> u32 {
    let bytes = match bytes_per_s.checked_mul(ns) {
        Some(product) => product / NS_PER_S,
        // A fast and long path: wider, and slower to divide.
        None => {
            let bytes = u128::from(bytes_per_s) * u128::from(ns) / u128::from(NS_PER_S);
            u64::try_from(bytes).unwrap_or(u64::MAX)
        }
    };
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_do_not_overflow_and_lose_less_than_a_byte() {
        assert_eq!(bytes_over(12_500_000, 20_000_000), 250_000);
        assert_eq!(bytes_over(12_500_000_000, 100_000_000), 1_250_000_000, "100 Gbit/s, 100 ms");
        assert_eq!(bytes_over(u64::MAX, u64::MAX), u32::MAX);
        assert_eq!(bytes_over(125_000_000, 1_000), 125, "1 Gbit/s, a microsecond");
        assert_eq!(Gain::percent(277).of_bytes(1_000), 2_770);
        assert_eq!(Gain::percent(277).of_bytes(u32::MAX), u32::MAX);
        assert_eq!(Gain::percent(90).of_rate(1_000), 900);
    }
}
