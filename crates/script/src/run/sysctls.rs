//! `sysctl` names and what they change in our configuration.
//!
//! There are three kinds: those that we follow, those without an effect that a script can see, and those that
//! ask for something that we do not have. The last kind skips the script with a reason; in a file that many
//! scripts share it is only noted.

mod fast_open;
mod tolerated;
mod values;

use super::HostSettings;
use super::host::{Setting, Voice};
use posix::Defaults;
use std::time::Duration;
use tcp::{Config, CongestionControl, EcnFeedback, MtuProbing, SynRetry};
use tolerated::{HARMLESS, HARMLESS_BRANCHES, ONLY, VISIBLE_BRANCHES};
use values::{MICROSECOND, MILLISECOND, SECOND, duration, number, parse, segment, set, small, three};

/// `Err` says in words why a setting cannot be applied, for the reason of the skip.
type Applied = Result<(), String>;
type Apply = fn(&mut HostSettings, &str) -> Applied;

/// Applies one setting.
///
/// # Errors
/// What the script needs and we do not have.
pub(crate) fn apply(settings: &mut HostSettings, setting: &Setting) -> Applied {
    let Setting { name, value, voice, .. } = setting;
    let name = name.as_str();
    let value = value.trim();
    let voice = *voice;
    if CONGESTION.contains(&name) {
        return congestion(settings, value, voice).map_err(|why| format!("sysctl {name}={value}: {why}"));
    }
    let Err(why) = apply_known(settings, name, value) else { return Ok(()) };
    // An unknown setting can only be seen if it is about a protocol that we have.
    let seen = VISIBLE_BRANCHES.iter().any(|branch| name.starts_with(branch));
    if voice == Voice::Script && seen {
        return Err(why);
    }
    settings.instead.insert(format!("without {why}"));
    Ok(())
}

fn apply_known(settings: &mut HostSettings, name: &str, value: &str) -> Applied {
    let followed =
        LINUX.iter().chain(FREEBSD).chain(OWN).chain(fast_open::FOLLOWED).find(|(known, _)| *known == name);
    if let Some((_, apply)) = followed {
        return apply(settings, value).map_err(|why| format!("sysctl {name}={value}: {why}"));
    }
    if let Some((_, fine)) = ONLY.iter().chain(fast_open::ONLY).find(|(known, _)| *known == name) {
        return if fine.contains(&value) { Ok(()) } else { Err(format!("sysctl {name}={value}")) };
    }
    let harmless =
        HARMLESS.contains(&name) || HARMLESS_BRANCHES.iter().any(|branch| name.starts_with(branch));
    if harmless { Ok(()) } else { Err(format!("sysctl {name}, which synfin does not know")) }
}

const LINUX: &[(&str, Apply)] = &[
    ("net.ipv4.tcp_timestamps", |settings, value| set(&mut settings.defaults.config.timestamps, value)),
    ("net.ipv4.tcp_sack", |settings, value| set(&mut settings.defaults.config.sack, value)),
    ("net.ipv4.tcp_window_scaling", |settings, value| {
        set(&mut settings.defaults.config.window_scaling, value)
    }),
    ("net.ipv4.tcp_slow_start_after_idle", |settings, value| {
        set(&mut settings.defaults.config.slow_start_after_idle, value)
    }),
    ("net.ipv4.tcp_rfc1337", |settings, value| {
        set(&mut settings.defaults.config.time_wait_ignores_rst, value)
    }),
    ("net.ipv4.tcp_syn_retries", |settings, value| small(&mut settings.defaults.config.syn_retries, value)),
    ("net.ipv4.tcp_synack_retries", |settings, value| {
        small(&mut settings.defaults.config.syn_ack_retries, value)
    }),
    ("net.ipv4.tcp_retries1", |settings, value| {
        small(&mut settings.defaults.config.retries_until_doubt, value)
    }),
    ("net.ipv4.tcp_retries2", |settings, value| small(&mut settings.defaults.config.retries, value)),
    ("net.ipv4.tcp_fin_timeout", |settings, value| {
        duration(&mut settings.defaults.config.orphan_timeout, value, SECOND)
    }),
    ("net.ipv4.tcp_keepalive_time", |settings, value| {
        duration(&mut settings.defaults.keep_alive.idle, value, SECOND)
    }),
    ("net.ipv4.tcp_keepalive_intvl", |settings, value| {
        duration(&mut settings.defaults.keep_alive.interval, value, SECOND)
    }),
    ("net.ipv4.tcp_keepalive_probes", |settings, value| {
        small(&mut settings.defaults.keep_alive.probes, value)
    }),
    ("net.ipv4.tcp_rto_min_us", |settings, value| {
        let config = &mut settings.defaults.config;
        duration(&mut config.rto_min, value, MICROSECOND)?;
        config.rto_variance_min = config.rto_min;
        Ok(())
    }),
    ("net.ipv4.tcp_rto_max_ms", |settings, value| {
        duration(&mut settings.defaults.config.rto_max, value, MILLISECOND)
    }),
    ("net.ipv4.tcp_rmem", |settings, value| {
        let [_, default, most] = three(value)?;
        settings.defaults.receive_buffer_bytes = default;
        // Half of it is for data; the window scale comes from the largest buffer.
        settings.defaults.config.receive_buffer_bytes = default / 2;
        settings.defaults.config.receive_buffer_bytes_max = most;
        Ok(())
    }),
    ("net.ipv4.tcp_wmem", |settings, value| {
        let [_, default, most] = three(value)?;
        settings.defaults.send_buffer_bytes = default;
        settings.defaults.config.send_buffer_bytes = most;
        Ok(())
    }),
    ("net.core.rmem_max", |settings, value| {
        let Defaults { receive_buffer_bytes_max: most, config, .. } = &mut settings.defaults;
        number(most, value)?;
        config.receive_buffer_bytes_max = config.receive_buffer_bytes_max.max(*most);
        Ok(())
    }),
    ("net.ipv4.tcp_invalid_ratelimit", |settings, value| {
        duration(&mut settings.defaults.config.challenge_acks.per, value, MILLISECOND)
    }),
    ("net.ipv4.tcp_notsent_lowat", |settings, value| {
        // Linux's default is 0xffffffff: no bound.
        let bytes: u32 = parse(value)?;
        settings.defaults.not_sent_low_water_bytes = (bytes != u32::MAX).then_some(bytes);
        Ok(())
    }),
    ("net.ipv4.tcp_dsack", |settings, value| set(&mut settings.defaults.config.dsack, value)),
    ("net.ipv4.tcp_syn_linear_timeouts", |settings, value| {
        let mut count = 0;
        small(&mut count, value)?;
        settings.defaults.config.syn_retry = SynRetry::LinearFirst(count);
        Ok(())
    }),
    ("net.core.wmem_max", |settings, value| number(&mut settings.defaults.send_buffer_bytes_max, value)),
    // Linux's `enum tcp_ecn_mode` (include/net/tcp_ecn.h): what is given to others, and what is asked for.
    ("net.ipv4.tcp_ecn", ecn_mode),
    ("net.ipv4.tcp_ecn_fallback", |settings, value| {
        let mut falls_back = true;
        set(&mut falls_back, value)?;
        let config = &mut settings.defaults.config;
        config.ecn_syn_retries = if falls_back { ecn_syn_retries_of_linux(config) } else { u8::MAX };
        Ok(())
    }),
    // 0: never, 1 and 2: as RFC 9768 recommends, 3: whatever happens, which we do not follow.
    ("net.ipv4.tcp_ecn_option", |settings, value| {
        set(&mut settings.defaults.config.accurate_ecn_options, value)
    }),
    ("net.ipv4.tcp_mtu_probing", mtu_probing),
    ("net.ipv4.tcp_base_mss", |settings, value| {
        segment(&mut settings.defaults.config.mtu_base_mss_bytes, value)
    }),
    ("net.ipv4.tcp_mtu_probe_floor", |settings, value| {
        segment(&mut settings.defaults.config.mtu_floor_mss_bytes, value)
    }),
    ("net.ipv4.tcp_min_snd_mss", |settings, value| {
        segment(&mut settings.defaults.config.send_mss_bytes_min, value)
    }),
    ("net.ipv4.tcp_probe_interval", |settings, value| {
        duration(&mut settings.defaults.config.mtu_probe_interval, value, SECOND)
    }),
    ("net.ipv4.tcp_probe_threshold", |settings, value| {
        segment(&mut settings.defaults.config.mtu_probe_threshold_bytes, value)
    }),
    ("net.ipv4.ip_default_ttl", |settings, value| small(&mut settings.host.hop_limit, value)),
];

/// Our own, which no other system has. Scripts count segments of a burst, as they come from a kernel that has no
/// `fq`; one about pacing says `sysctl synfin.pacing=1`. `synfin.mtu_probing` and `synfin.ecn` are
/// `tcp_mtu_probing` and `tcp_ecn` without Linux's habits.
const OWN: &[(&str, Apply)] = &[
    ("synfin.pacing", |settings, value| set(&mut settings.defaults.config.pacing, value)),
    ("synfin.mtu_probing", mtu_probing),
    ("synfin.ecn", ecn_mode),
];

fn ecn_mode(settings: &mut HostSettings, value: &str) -> Applied {
    let pair = match parse::<u32>(value)? {
        0 => (EcnFeedback::Off, EcnFeedback::Off),
        1 => (EcnFeedback::Classic, EcnFeedback::Classic),
        2 => (EcnFeedback::Classic, EcnFeedback::Off),
        3 => (EcnFeedback::Accurate, EcnFeedback::Accurate),
        4 => (EcnFeedback::Accurate, EcnFeedback::Classic),
        5 => (EcnFeedback::Accurate, EcnFeedback::Off),
        _ => return Err("there is no such mode".to_owned()),
    };
    let config = &mut settings.defaults.config;
    (config.ecn_incoming, config.ecn_outgoing) = pair;
    if config.ecn_syn_retries != u8::MAX {
        config.ecn_syn_retries = ecn_syn_retries_of_linux(config);
    }
    Ok(())
}

fn mtu_probing(settings: &mut HostSettings, value: &str) -> Applied {
    settings.defaults.config.mtu_probing = match value {
        "0" => MtuProbing::Off,
        "1" => MtuProbing::OnBlackHole,
        "2" => MtuProbing::Always,
        _ => return Err("0, 1 or 2 was expected".to_owned()),
    };
    Ok(())
}

const FREEBSD: &[(&str, Apply)] = &[
    ("net.inet.tcp.rfc1323", |settings, value| {
        let bits: u32 = parse(value)?;
        let config = &mut settings.defaults.config;
        config.window_scaling = bits == 1 || bits == 2;
        config.timestamps = bits == 1 || bits == 3;
        Ok(())
    }),
    // tcp(4): 3 and 4 are AccECN.
    ("net.inet.tcp.ecn.enable", |settings, value| {
        let pair = match parse::<u32>(value)? {
            0 => (EcnFeedback::Off, EcnFeedback::Off),
            1 => (EcnFeedback::Classic, EcnFeedback::Classic),
            2 => (EcnFeedback::Classic, EcnFeedback::Off),
            3 => (EcnFeedback::Accurate, EcnFeedback::Accurate),
            4 => (EcnFeedback::Accurate, EcnFeedback::Off),
            _ => return Err("there is no such mode".to_owned()),
        };
        let config = &mut settings.defaults.config;
        (config.ecn_incoming, config.ecn_outgoing) = pair;
        Ok(())
    }),
    ("net.inet.tcp.cc.abe", |settings, value| set(&mut settings.defaults.config.alternative_backoff, value)),
    ("net.inet.tcp.ecn.maxretries", |settings, value| {
        small(&mut settings.defaults.config.ecn_syn_retries, value)
    }),
    ("net.inet.tcp.sack.enable", |settings, value| set(&mut settings.defaults.config.sack, value)),
    ("net.inet.tcp.recvspace", |settings, value| {
        number(&mut settings.defaults.receive_buffer_bytes, value)?;
        settings.defaults.config.receive_buffer_bytes = settings.defaults.receive_buffer_bytes;
        Ok(())
    }),
    ("net.inet.tcp.sendspace", |settings, value| {
        number(&mut settings.defaults.send_buffer_bytes, value)?;
        settings.defaults.config.send_buffer_bytes = settings.defaults.send_buffer_bytes;
        Ok(())
    }),
    ("net.inet.tcp.delacktime", |settings, value| {
        duration(&mut settings.defaults.config.delayed_ack, value, MILLISECOND)
    }),
    ("net.inet.tcp.delayed_ack", |settings, value| {
        let mut on = true;
        set(&mut on, value)?;
        if !on {
            settings.defaults.config.delayed_ack = Duration::ZERO;
        }
        Ok(())
    }),
    ("net.inet.tcp.rexmit_initial", |settings, value| {
        duration(&mut settings.defaults.config.rto_initial, value, MILLISECOND)
    }),
    ("net.inet.tcp.rexmit_min", |settings, value| {
        duration(&mut settings.defaults.config.rto_min, value, MILLISECOND)
    }),
    ("net.inet.tcp.rexmit_slop", |settings, value| {
        duration(&mut settings.defaults.config.rto_slop, value, MILLISECOND)
    }),
    ("net.inet.tcp.keepidle", |settings, value| {
        duration(&mut settings.defaults.keep_alive.idle, value, MILLISECOND)
    }),
    ("net.inet.tcp.keepintvl", |settings, value| {
        duration(&mut settings.defaults.keep_alive.interval, value, MILLISECOND)
    }),
    ("net.inet.tcp.keepcnt", |settings, value| small(&mut settings.defaults.keep_alive.probes, value)),
    ("net.inet.tcp.always_keepalive", |settings, value| {
        let mut on = false;
        set(&mut on, value)?;
        let Defaults { config, keep_alive, .. } = &mut settings.defaults;
        config.keep_alive = on.then_some(*keep_alive);
        Ok(())
    }),
    ("net.inet.tcp.msl", |settings, value| {
        let mut msl = Duration::ZERO;
        duration(&mut msl, value, MILLISECOND)?;
        settings.defaults.config.time_wait = msl * 2;
        Ok(())
    }),
    ("net.inet.tcp.finwait2_timeout", |settings, value| {
        duration(&mut settings.defaults.config.orphan_timeout, value, MILLISECOND)
    }),
    ("net.inet.tcp.initcwnd_segments", |settings, value| {
        small(&mut settings.defaults.config.initial_window_segments, value)
    }),
    ("net.inet.tcp.rexmit_max", |settings, value| {
        duration(&mut settings.defaults.config.rto_max, value, MILLISECOND)
    }),
    ("net.inet.tcp.retries", |settings, value| {
        let config = &mut settings.defaults.config;
        small(&mut config.retries, value)?;
        config.syn_retries = config.retries;
        Ok(())
    }),
    ("net.inet.tcp.syncache.rexmtlimit", |settings, value| {
        small(&mut settings.defaults.config.syn_ack_retries, value)
    }),
    ("net.inet.tcp.keepinit", |settings, value| {
        let mut time = Duration::ZERO;
        duration(&mut time, value, MILLISECOND)?;
        settings.defaults.config.connect_timeout = Some(time);
        Ok(())
    }),
    ("net.inet.tcp.drop_synfin", |settings, value| {
        let mut drops = false;
        set(&mut drops, value)?;
        settings.defaults.config.syn_fin_opens = !drops;
        Ok(())
    }),
    ("net.inet.tcp.icmp_may_rst", |settings, value| {
        set(&mut settings.defaults.config.icmp_ends_opening, value)
    }),
    ("net.inet.tcp.tolerate_missing_ts", |settings, value| {
        set(&mut settings.defaults.config.missing_timestamps_tolerated, value)
    }),
    ("net.inet.tcp.ack_war_timewindow", |settings, value| {
        duration(&mut settings.defaults.config.challenge_acks.per, value, MILLISECOND)
    }),
    ("net.inet.tcp.ack_war_cnt", |settings, value| {
        // Zero means no limit.
        let answers = &mut settings.defaults.config.challenge_acks.answers;
        small(answers, value)?;
        *answers = if *answers == 0 { u8::MAX } else { *answers };
        Ok(())
    }),
    ("net.inet.tcp.abc_l_var", |settings, value| {
        small(&mut settings.defaults.config.abc_limit_segments, value)
    }),
    ("net.inet.tcp.rfc3465", |settings, value| {
        let mut on = true;
        set(&mut on, value)?;
        if !on {
            settings.defaults.config.abc_limit_segments = 1;
        }
        Ok(())
    }),
    ("net.inet.tcp.mssdflt", |settings, value| {
        settings.mss_bytes_default_v4 = Some(parse(value)?);
        Ok(())
    }),
    ("net.inet.tcp.v6mssdflt", |settings, value| {
        settings.mss_bytes_default_v6 = Some(parse(value)?);
        Ok(())
    }),
    ("net.inet.tcp.pmtud_blackhole_detection", |settings, value| {
        // Both versions of IP, IPv4 alone, IPv6 alone.
        settings.black_holes = Some(match value {
            "0" => [false, false],
            "1" => [true, true],
            "2" => [true, false],
            "3" => [false, true],
            _ => return Err("0 to 3 was expected".to_owned()),
        });
        Ok(())
    }),
    ("net.inet.tcp.pmtud_blackhole_mss", |settings, value| {
        segment(&mut settings.defaults.config.mtu_base_mss_bytes, value)
    }),
    ("net.inet.ip.ttl", |settings, value| small(&mut settings.host.hop_limit, value)),
    ("net.inet6.ip6.hlim", |settings, value| small(&mut settings.host.hop_limit, value)),
    ("kern.ipc.maxsockbuf", |settings, value| {
        number(&mut settings.defaults.receive_buffer_bytes_max, value)?;
        settings.defaults.send_buffer_bytes_max = settings.defaults.receive_buffer_bytes_max;
        settings.defaults.config.receive_buffer_bytes_max = settings.defaults.receive_buffer_bytes_max;
        Ok(())
    }),
];

/// Linux asks for classic ECN once, and for AccECN twice.
fn ecn_syn_retries_of_linux(config: &Config) -> u8 {
    u8::from(config.ecn_outgoing == EcnFeedback::Accurate)
}

/// The settings that choose the congestion control.
const CONGESTION: [&str; 2] = ["net.ipv4.tcp_congestion_control", "net.inet.tcp.cc.algorithm"];

/// Until the first loss all congestion controls behave alike. One that we do not have and a file sets for many
/// scripts is therefore no reason to skip them all; what is used instead is noted.
fn congestion(settings: &mut HostSettings, value: &str, voice: Voice) -> Applied {
    let used = &mut settings.defaults.config.congestion;
    match (CongestionControl::named(value), voice) {
        // These spread even the first window, of which scripts that share a file say nothing.
        (Some(CongestionControl::Bbr | CongestionControl::Prague), Voice::File) => {
            settings.instead.insert(format!("{} instead of {value}", used.name()));
        }
        (Some(named), _) => *used = named,
        (None, Voice::Script) => return Err(format!("the congestion control {value} is not there")),
        (None, Voice::File) => {
            settings.instead.insert(format!("{} instead of {value}", used.name()));
        }
    }
    Ok(())
}
