//! The time of day, as the server's lines begin with it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Now, since 1970.
pub(crate) fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// `13:07:21.042Z`.
pub(crate) fn in_words(since_1970: Duration) -> String {
    let seconds = since_1970.as_secs() % 86_400;
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}.{:03}Z", since_1970.subsec_millis())
}
