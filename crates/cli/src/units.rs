//! Times, rates, sizes and percentages as people type them.

use sim::QueueLimit;
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

/// The longest time: no path of a network has longer delays.
const SECONDS_MAX: f64 = 10.0;
/// The most of a percentage: with more loss hardly any connection comes to an end.
const PERCENT_MAX: f64 = 90.0;

/// Splits `1.5s` into number and unit.
fn split(text: &str) -> Option<(f64, &str)> {
    let end = text.find(|letter: char| letter.is_ascii_alphabetic() || letter == '%').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    number
        .trim()
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite() && *number >= 0.0)
        .map(|number| (number, unit))
}

/// A whole number in a range, for arguments that count something.
pub(crate) fn whole<T>(range: RangeInclusive<T>) -> impl Fn(&str) -> Result<T, String> + Clone
where
    T: std::str::FromStr + PartialOrd + fmt::Display + Clone,
{
    move |text| {
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| {
            format!("`{text}` is not a whole number from {} to {}", range.start(), range.end())
        })
    }
}

/// `20ms`, `1.5s`, `300us`; at most ten seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text).ok_or_else(|| format!("`{text}` is not a time such as 20ms or 1.5s"))?;
    let seconds = match unit {
        "us" => number / 1e6,
        "ms" => number / 1e3,
        "s" => number,
        _ => return Err(format!("`{text}` needs a unit: us, ms or s")),
    };
    if seconds > SECONDS_MAX {
        return Err(format!("`{text}` is too long: at most {SECONDS_MAX}s"));
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// `60s`, `500ms`, `2min`; from a millisecond to an hour, for what goes on instead of what is waited for.
pub(crate) fn span(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text).ok_or_else(|| format!("`{text}` is not a time such as 60s or 2min"))?;
    let seconds = match unit {
        "ms" => number / 1e3,
        "s" => number,
        "min" => number * 60.0,
        _ => return Err(format!("`{text}` needs a unit: ms, s or min")),
    };
    if (0.001..=3_600.0).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err(format!("`{text}` is outside of 1ms to 60min"))
    }
}

/// The size of a socket's buffer in bytes: 2k to 1G (powers of ten).
pub(crate) fn buffer(text: &str) -> Result<u32, String> {
    let bytes = bytes(text)?;
    let bytes = u32::try_from(bytes).ok().filter(|bytes| (2_000..=1_000_000_000).contains(bytes));
    bytes.ok_or_else(|| format!("`{text}` is no size for a buffer: from 2k to 1G"))
}

/// `5%` or `5`; at most 90.
pub(crate) fn percent(text: &str) -> Result<f64, String> {
    match split(text) {
        Some((number, "" | "%")) if number <= PERCENT_MAX => Ok(number),
        Some((number, "" | "%")) => {
            Err(format!("{number}% leaves too little for a connection: at most {PERCENT_MAX}%"))
        }
        _ => Err(format!("`{text}` is not a percentage such as 5%")),
    }
}

/// `100mbit`, `1gbit`, `64kbit`, in bits per second.
pub(crate) fn rate(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text).ok_or_else(|| format!("`{text}` is not a rate such as 100mbit"))?;
    let factor = match unit.to_ascii_lowercase().as_str() {
        "bit" => 1.0,
        "kbit" => 1e3,
        "mbit" => 1e6,
        "gbit" => 1e9,
        _ => return Err(format!("`{text}` needs a unit: bit, kbit, mbit or gbit")),
    };
    let bits = number * factor;
    if (1_000.0..=1e12).contains(&bits) {
        Ok(bits as u64)
    } else {
        Err("a rate is from 1kbit to 1000gbit".to_owned())
    }
}

/// `50M`, `1G`, `300k`, `1234`, in bytes; powers of ten.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text).ok_or_else(|| format!("`{text}` is not a size such as 50M"))?;
    let factor = match unit {
        "" | "B" => 1.0,
        "k" | "K" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        _ => return Err(format!("`{text}` has an unknown unit: use k, M or G")),
    };
    let bytes = number * factor;
    if (1.0..=1e12).contains(&bytes) {
        Ok(bytes as u64)
    } else {
        Err("a size is from 1 byte to 1000G".to_owned())
    }
}

/// `64k` in bytes or `100p` in packets.
pub(crate) fn queue(text: &str) -> Result<QueueLimit, String> {
    match text.strip_suffix('p').map(str::parse) {
        Some(Ok(packets @ 1..=1_000_000)) => Ok(QueueLimit::Packets(packets)),
        Some(_) => Err(format!("`{text}` is not a number of packets from 1p to 1000000p")),
        None => bytes(text).map(QueueLimit::Bytes),
    }
}

/// Packets in a row, on average: 1 to 1,000.
pub(crate) fn burst(text: &str) -> Result<f64, String> {
    let packets = text.parse().ok().filter(|packets| (1.0..=1_000.0).contains(packets));
    packets.ok_or_else(|| format!("`{text}` is not a number of packets from 1 to 1000"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read_and_mistakes_are_named() {
        assert_eq!(duration("1.5s"), Ok(Duration::from_millis(1_500)));
        assert_eq!(duration("300us"), Ok(Duration::from_micros(300)));
        assert_eq!(span("2min"), Ok(Duration::from_secs(120)));
        assert_eq!(buffer("32M"), Ok(32_000_000));
        assert_eq!(rate("100mbit"), Ok(100_000_000));
        assert_eq!(rate("1Gbit"), Ok(1_000_000_000));
        assert_eq!(bytes("50M"), Ok(50_000_000));
        assert_eq!(queue("64k"), Ok(QueueLimit::Bytes(64_000)));
        assert_eq!(queue("100p"), Ok(QueueLimit::Packets(100)));
        assert_eq!(burst("2.5"), Ok(2.5));
        assert_eq!(percent("0.1%"), Ok(0.1));
        assert_eq!(whole(1..=5_u8)("5"), Ok(5));
        for (error, says) in [
            (duration("20").map(|_| ()), "needs a unit"),
            (duration("-1s").map(|_| ()), "is not a time"),
            (span("60").map(|_| ()), "needs a unit"),
            (span("soon").map(|_| ()), "is not a time"),
            (span("2h").map(|_| ()), "needs a unit"),
            (span("0s").map(|_| ()), "outside of 1ms"),
            (span("61min").map(|_| ()), "outside of 1ms"),
            (buffer("1k").map(|_| ()), "no size for a buffer"),
            (buffer("5G").map(|_| ()), "no size for a buffer"),
            (rate("fast").map(|_| ()), "is not a rate"),
            (rate("0mbit").map(|_| ()), "from 1kbit"),
            (bytes("5X").map(|_| ()), "unknown unit"),
            (queue("0p").map(|_| ()), "not a number of packets"),
            (burst("0.5").map(|_| ()), "not a number of packets"),
            (percent("99%").map(|_| ()), "at most 90%"),
            (percent("-5%").map(|_| ()), "is not a percentage"),
            (whole(0..=65_535_u16)("-1").map(|_| ()), "is not a whole number from 0 to 65535"),
            (whole(1..=5_u8)("6").map(|_| ()), "is not a whole number from 1 to 5"),
            (percent("nan").map(|_| ()), "is not a percentage"),
        ] {
            assert!(error.clone().expect_err(says).contains(says), "{error:?}");
        }
    }
}
