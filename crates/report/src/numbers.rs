//! Numbers as people read them: the one place where bytes, rates and times become text.
//!
//! Every function says its unit. What is *not* here: alignment, which the tables do.

use std::time::Duration;

/// Thousands separated by commas: `58,400`.
///
/// ```
/// assert_eq!(synfin_report::numbers::grouped(1_234_567), "1,234,567");
/// ```
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of bytes with a binary unit: `512 B`, `1.46 KiB`, `97.7 MiB`.
///
/// ```
/// assert_eq!(synfin_report::numbers::bytes(1_500), "1.46 KiB");
/// ```
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    // 1023.5 would be written as "1024", so the next unit begins there.
    while value >= 1023.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{} {}", three_digits(value), UNITS[unit])
}

/// A rate in bits per second with a decimal unit: `94.1 Mbit/s`.
///
/// ```
/// assert_eq!(synfin_report::numbers::rate(94_100_000.0), "94.1 Mbit/s");
/// ```
pub fn rate(bits_per_second: f64) -> String {
    const UNITS: [&str; 5] = ["bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"];
    if !bits_per_second.is_finite() {
        return "-".to_owned();
    }
    if bits_per_second < 0.005 {
        return "0 bit/s".to_owned();
    }
    let mut value = bits_per_second;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{} {}", three_digits(value), UNITS[unit])
}

/// The rate of `bytes` in `time`; `-` when no time has passed.
pub fn rate_of(bytes: u64, time: Duration) -> String {
    if time.is_zero() {
        return "-".to_owned();
    }
    rate(bytes as f64 * 8.0 / time.as_secs_f64())
}

/// A span of time with the unit that fits: `980 ns`, `1.50 ms`, `12.0 s`, `3 min 20 s`, `2 h 5 min`.
///
/// ```
/// use std::time::Duration;
/// assert_eq!(synfin_report::numbers::duration(Duration::from_micros(1_500)), "1.50 ms");
/// ```
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if time.is_zero() {
        "0 s".to_owned()
    } else if time.as_nanos() < 1_000 {
        format!("{} ns", time.as_nanos())
    } else if seconds < 0.000_999_5 {
        format!("{} µs", three_digits(seconds * 1e6))
    } else if seconds < 0.999_5 {
        format!("{} ms", three_digits(seconds * 1e3))
    } else if seconds < 99.95 {
        format!("{} s", three_digits(seconds))
    } else {
        let whole = (seconds + 0.5) as u64;
        match whole {
            0..3_600 => format!("{} min {} s", whole / 60, whole % 60),
            3_600..86_400 => format!("{} h {} min", whole / 3_600, whole % 3_600 / 60),
            _ => format!("{} d {} h", whole / 86_400, whole % 86_400 / 3_600),
        }
    }
}

/// Seconds with microseconds, for columns of times: `0.010000`.
///
/// ```
/// use std::time::Duration;
/// assert_eq!(synfin_report::numbers::seconds(Duration::from_millis(10)), "0.010000");
/// ```
pub fn seconds(time: Duration) -> String {
    format!("{}.{:06}", time.as_secs(), time.subsec_micros())
}

/// A share in percent with one decimal: `2.5 %`; `-` if `whole` is zero.
///
/// ```
/// assert_eq!(synfin_report::numbers::percent(1, 40), "2.5 %");
/// ```
pub fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "-".to_owned();
    }
    format!("{:.1} %", part as f64 * 100.0 / whole as f64)
}

/// A count with its noun, whose plural has an `s`: `1 segment`, `2 segments`.
///
/// ```
/// assert_eq!(synfin_report::numbers::count(1, "segment"), "1 segment");
/// assert_eq!(synfin_report::numbers::count(1_200, "byte"), "1,200 bytes");
/// ```
pub fn count(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(number))
}

/// Three significant digits: `1.46`, `14.6`, `146`.
fn three_digits(value: f64) -> String {
    if value < 9.995 {
        format!("{value:.2}")
    } else if value < 99.95 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_change_where_the_digits_would_overflow() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1024), "1.00 KiB");
        assert_eq!(bytes(1024 * 1024 - 1), "1.00 MiB");
        assert_eq!(bytes(100 * 1024 * 1024), "100 MiB");
        assert_eq!(bytes(u64::MAX), "16.0 EiB");
        assert_eq!((rate(0.0), rate(-1.0)), ("0 bit/s".to_owned(), "0 bit/s".to_owned()));
        assert_eq!(rate(999.0), "999 bit/s");
        assert_eq!(rate(999_999.0), "1.00 Mbit/s");
        assert_eq!(rate(f64::NAN), "-");
        assert_eq!(rate_of(1, Duration::ZERO), "-");
        assert_eq!(rate_of(125, Duration::from_millis(1)), "1.00 Mbit/s");
    }

    #[test]
    fn times_from_nanoseconds_to_days() {
        let text = |nanos: u64| duration(Duration::from_nanos(nanos));
        assert_eq!(text(0), "0 s");
        assert_eq!(text(999), "999 ns");
        assert_eq!(text(999_999), "1.00 ms");
        assert_eq!(text(20_000_000), "20.0 ms");
        assert_eq!(text(999_900_000), "1.00 s");
        assert_eq!(text(200_000_000_000), "3 min 20 s");
        assert_eq!(text(7_500_000_000_000), "2 h 5 min");
        assert_eq!(text(100_000_000_000_000), "1 d 3 h");
        assert_eq!(seconds(Duration::from_nanos(12_000_001_999)), "12.000001");
    }

    #[test]
    fn groups_of_three() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_000), "1,000");
        assert_eq!(grouped(100_000), "100,000");
        assert_eq!(percent(0, 0), "-");
    }
}
