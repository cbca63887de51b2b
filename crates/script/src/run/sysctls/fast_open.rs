//! The settings of Fast Open: Linux's bits and key, FreeBSD's switches (RFC 7413).

use super::{Applied, Apply, HostSettings, SECOND, duration, set};
use stack::FastOpenKeys;

/// Linux's `tcp_fastopen`, bit by bit.
const CLIENT: u32 = 0x1;
const SERVER: u32 = 0x2;
const CLIENT_WITHOUT_COOKIE: u32 = 0x4;
const SERVER_WITHOUT_COOKIE: u32 = 0x200;
const EVERY_LISTENER: u32 = 0x400;

pub(super) const FOLLOWED: &[(&str, Apply)] = &[
    ("net.ipv4.tcp_fastopen", |settings, value| {
        let bits = bits(value)?;
        let allowed = &mut settings.defaults.fast_open;
        allowed.client = bits & CLIENT != 0;
        allowed.server = bits & SERVER != 0;
        allowed.client_without_cookie = bits & CLIENT_WITHOUT_COOKIE != 0;
        allowed.server_without_cookie = bits & SERVER_WITHOUT_COOKIE != 0;
        allowed.every_listener = bits & EVERY_LISTENER != 0;
        Ok(())
    }),
    ("net.ipv4.tcp_fastopen_key", |settings, value| {
        let (primary, backup) = match value.split_once(',') {
            Some((primary, backup)) => (linux_key(primary)?, Some(linux_key(backup)?)),
            None => (linux_key(value)?, None),
        };
        settings.fast_open_keys = Some(FastOpenKeys { primary, backup });
        Ok(())
    }),
    ("net.ipv4.tcp_fastopen_blackhole_timeout_sec", |settings, value| {
        duration(&mut settings.host.fast_open_pause, value, SECOND)
    }),
    ("net.inet.tcp.fastopen.client_enable", |settings, value| {
        set(&mut settings.defaults.fast_open.client, value)
    }),
    ("net.inet.tcp.fastopen.server_enable", |settings, value| {
        set(&mut settings.defaults.fast_open.server, value)
    }),
    ("net.inet.tcp.fastopen.acceptany", |settings, value| {
        set(&mut settings.defaults.fast_open.server_without_cookie, value)
    }),
    ("net.inet.tcp.fastopen.path_disable_time", |settings, value| {
        duration(&mut settings.host.fast_open_pause, value, SECOND)
    }),
    ("net.inet.tcp.fastopen.setkey", freebsd_key),
];

/// Pre-shared keys are another protocol than RFC 7413.
pub(super) const ONLY: &[(&str, &[&str])] = &[("net.inet.tcp.fastopen.psk_enable", &["0"])];

/// The kernel reads the number as C does.
fn bits(value: &str) -> Result<u32, String> {
    let value = value.trim();
    let read = match value.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => value.parse(),
    };
    read.map_err(|_| "not a number that fits".to_owned())
}

/// Four numbers, each with its lowest byte first: `a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4`.
fn linux_key(text: &str) -> Result<[u8; 16], String> {
    let mut key = [0; 16];
    let mut words = text.trim().split('-');
    for into in key.chunks_exact_mut(4) {
        let word = words.next().and_then(|word| u32::from_str_radix(word, 16).ok());
        into.copy_from_slice(&word.ok_or("not four hexadecimal numbers")?.to_le_bytes());
    }
    if words.next().is_none() { Ok(key) } else { Err("more than four numbers".to_owned()) }
}

/// The sixteen bytes themselves, or as hexadecimal digits. The key until now stays as the second.
fn freebsd_key(settings: &mut HostSettings, value: &str) -> Applied {
    let digits: Option<Vec<u8>> = value
        .as_bytes()
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect();
    let bytes = if value.len() == 32 { digits } else { Some(value.as_bytes().to_vec()) };
    let primary: [u8; 16] = bytes.and_then(|bytes| bytes.try_into().ok()).ok_or("a key has sixteen bytes")?;
    let backup = settings.fast_open_keys.map(|keys| keys.primary);
    settings.fast_open_keys = Some(FastOpenKeys { primary, backup });
    Ok(())
}
