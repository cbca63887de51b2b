//! How the values of settings are read.

use super::Applied;
use std::time::Duration;

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const MILLISECOND: Duration = Duration::from_millis(1);
pub(super) const MICROSECOND: Duration = Duration::from_micros(1);

pub(super) fn parse<T: std::str::FromStr>(value: &str) -> Result<T, String> {
    value.trim().parse().map_err(|_| "not a number that fits".to_owned())
}

pub(super) fn number(into: &mut u32, value: &str) -> Applied {
    *into = parse(value)?;
    Ok(())
}

pub(super) fn small(into: &mut u8, value: &str) -> Applied {
    let value: u64 = parse(value)?;
    *into = u8::try_from(value).unwrap_or(u8::MAX);
    Ok(())
}

/// The size of a segment, or of a part of one.
pub(super) fn segment(into: &mut u16, value: &str) -> Applied {
    *into = parse(value)?;
    Ok(())
}

pub(super) fn set(into: &mut bool, value: &str) -> Applied {
    let value: i64 = parse(value)?;
    *into = value != 0;
    Ok(())
}

pub(super) fn duration(into: &mut Duration, value: &str, unit: Duration) -> Applied {
    *into = unit * parse::<u32>(value)?;
    Ok(())
}

pub(super) fn three(value: &str) -> Result<[u32; 3], String> {
    let numbers: Vec<u32> = value.split_whitespace().map(parse).collect::<Result<_, _>>()?;
    numbers.try_into().map_err(|_| "three numbers were expected".to_owned())
}
