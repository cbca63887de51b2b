//! The unit of an interface's timestamps (`if_tsresol`, `if_tsoffset`), and its conversion to nanoseconds.

/// The unit and the zero of a 64-bit timestamp. The default of pcapng is microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeUnit {
    resolution: Resolution,
    offset_seconds: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Resolution {
    /// A unit is this many nanoseconds.
    Multiply(u64),
    /// This many units are a nanosecond; zero: more than a `u64` can hold.
    Divide(u64),
    /// A second has 2 to this power of units.
    Binary(u8),
}

impl TimeUnit {
    pub(crate) const MICROSECONDS: TimeUnit =
        TimeUnit { resolution: Resolution::Multiply(1_000), offset_seconds: 0 };

    /// The unit that the options `if_tsresol` and `if_tsoffset` describe.
    pub(super) fn new(resolution: u8, offset_seconds: i64) -> Self {
        let exponent = u32::from(resolution & 0x7f);
        let resolution = match (resolution & 0x80, exponent) {
            (0, 0..=9) => Resolution::Multiply(10u64.pow(9 - exponent)),
            (0, _) => Resolution::Divide(10u64.checked_pow(exponent - 9).unwrap_or(0)),
            (_, _) => Resolution::Binary(exponent as u8),
        };
        TimeUnit { resolution, offset_seconds }
    }

    /// Nanoseconds since 1970; zero or `u64::MAX` if a `u64` cannot hold them.
    ///
    /// Some writers store times before 1970, from a clock that was not set, as negative numbers. The results
    /// are near `u64::MAX`: they are not dates, but the differences between them are right.
    #[inline]
    pub(super) fn nanoseconds(self, units: u64) -> u64 {
        let nanoseconds = match self.resolution {
            Resolution::Multiply(factor) if units > i64::MAX as u64 => units.wrapping_mul(factor),
            Resolution::Multiply(factor) => units.saturating_mul(factor),
            Resolution::Divide(divisor) => units.checked_div(divisor).unwrap_or(0),
            Resolution::Binary(power) => saturate((u128::from(units) * 1_000_000_000) >> power),
        };
        if self.offset_seconds == 0 {
            return nanoseconds;
        }
        let offset = i128::from(self.offset_seconds) * 1_000_000_000;
        saturate((i128::from(nanoseconds) + offset).max(0) as u128)
    }

    /// The number of units of a time: the inverse of [`TimeUnit::nanoseconds`], up to the precision of the
    /// unit.
    pub(crate) fn units(self, nanoseconds: u64) -> u64 {
        let since = i128::from(nanoseconds) - i128::from(self.offset_seconds) * 1_000_000_000;
        let since = since.max(0) as u128;
        match self.resolution {
            Resolution::Multiply(factor) => saturate(since / u128::from(factor)),
            Resolution::Divide(divisor) => saturate(since.saturating_mul(u128::from(divisor))),
            Resolution::Binary(power) => match since.checked_mul(1 << power) {
                Some(product) => saturate(product.div_ceil(1_000_000_000)),
                None => u64::MAX,
            },
        }
    }
}

fn saturate(nanoseconds: u128) -> u64 {
    u64::try_from(nanoseconds).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_resolution_gives_the_same_second() {
        let second = 1_000_000_000;
        for (resolution, units) in
            [(0, 1), (3, 1_000), (6, 1_000_000), (9, second), (12, 1_000 * second), (0x8a, 1024), (0x80, 1)]
        {
            assert_eq!(TimeUnit::new(resolution, 0).nanoseconds(units), second, "{resolution}");
            assert_eq!(TimeUnit::new(resolution, 2).nanoseconds(units), 3 * second, "{resolution}");
            assert_eq!(TimeUnit::new(resolution, 0).units(second), units, "{resolution}");
            assert_eq!(TimeUnit::new(resolution, 2).units(3 * second), units, "{resolution}");
        }
        assert_eq!(TimeUnit::MICROSECONDS, TimeUnit::new(6, 0));
    }

    #[test]
    fn extreme_times_do_not_overflow() {
        for resolution in 0..=255 {
            for units in [0, 1, u64::MAX] {
                for offset in [0, i64::MIN, i64::MAX] {
                    let _ = TimeUnit::new(resolution, offset).nanoseconds(units);
                    let _ = TimeUnit::new(resolution, offset).units(units);
                }
            }
        }
        assert_eq!(TimeUnit::new(6, -1).nanoseconds(5), 0);
        assert_eq!(TimeUnit::new(0, 0).nanoseconds(1 << 40), u64::MAX);
        assert_eq!(TimeUnit::new(6, 0).nanoseconds(-5i64 as u64), -5_000i64 as u64);
        assert_eq!(TimeUnit::new(0x7f, 0).nanoseconds(u64::MAX), 0);
    }
}
