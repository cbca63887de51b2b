//! `sysctl` names and what they change in our configuration.
//!
//! There are three kinds: those that we follow, those without an effect that a script can see, and those that
//! ask for something that we do not have. The last kind skips the script with a reason; in a file that many
//! scripts share it is only noted.

mod fast_open;

use super::HostSettings;
use super::host::{Setting, Voice};
use posix::Defaults;
use std::time::Duration;
use tcp::{Config, CongestionControl, EcnFeedback, MtuProbing, SynRetry};

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

/// Settings of which we support only some values.
const ONLY: &[(&str, &[&str])] = &[
    ("net.ipv4.tcp_syncookies", &["0", "1"]),
    ("net.ipv4.tcp_reordering", &["3"]),
    ("net.ipv4.tcp_stdurg", &["0"]),
    ("net.ipv4.tcp_abort_on_overflow", &["0"]),
    ("net.ipv4.ip_no_pmtu_disc", &["0"]),
    ("net.ipv4.tcp_thin_linear_timeouts", &["0"]),
    ("net.ipv4.tcp_thin_dupack", &["0"]),
    ("net.inet.tcp.ecn.generalized", &["0"]),
    ("net.inet.tcp.blackhole", &["0"]),
    ("net.inet.tcp.rexmit_drop_options", &["0"]),
    ("net.inet.tcp.syncookies_only", &["0"]),
    ("net.inet.tcp.path_mtu_discovery", &["1"]),
    // What IPv6's smallest MTU has room for.
    ("net.inet.tcp.v6pmtud_blackhole_mss", &["1220"]),
    ("net.inet.tcp.insecure_rst", &["0"]),
    ("net.inet.tcp.insecure_syn", &["0"]),
    ("net.inet.tcp.insecure_ack", &["0"]),
    ("net.inet.tcp.fast_finwait2_recycle", &["0"]),
    ("net.inet.tcp.rfc3042", &["1"]),
    ("net.inet.tcp.functions_default", &["freebsd"]),
    ("net.inet.tcp.udp_tunneling_port", &["0"]),
    ("net.inet.tcp.persmin", &["5000"]),
    ("net.inet.tcp.persmax", &["60000"]),
    ("net.inet.udp.blackhole", &["0"]),
];

/// Settings without an effect on us that a script can see, or with one that the script checks itself.
const HARMLESS: &[&str] = &[
    "net.ipv4.tcp_adv_win_scale",
    "net.ipv4.tcp_app_win",
    "net.ipv4.tcp_autocorking",
    "net.ipv4.tcp_challenge_ack_limit",
    "net.ipv4.tcp_early_retrans",
    "net.ipv4.tcp_ecn_option_beacon",
    "net.ipv4.tcp_fack",
    "net.ipv4.tcp_frto",
    "net.ipv4.tcp_fwmark_accept",
    "net.ipv4.tcp_limit_output_bytes",
    "net.ipv4.tcp_low_latency",
    "net.ipv4.tcp_max_orphans",
    "net.ipv4.tcp_max_reordering",
    "net.ipv4.tcp_max_syn_backlog",
    "net.ipv4.tcp_max_tw_buckets",
    "net.ipv4.tcp_mem",
    "net.ipv4.tcp_min_rtt_wlen",
    "net.ipv4.tcp_min_tso_segs",
    "net.ipv4.tcp_moderate_rcvbuf",
    "net.ipv4.tcp_no_metrics_save",
    "net.ipv4.tcp_no_ssthresh_metrics_save",
    "net.ipv4.tcp_orphan_retries",
    "net.ipv4.tcp_pacing_ca_ratio",
    "net.ipv4.tcp_pacing_ss_ratio",
    "net.ipv4.tcp_recovery",
    "net.ipv4.tcp_reflect_tos",
    "net.ipv4.tcp_retrans_collapse",
    "net.ipv4.tcp_shrink_window",
    "net.ipv4.tcp_tso_rtt_log",
    "net.ipv4.tcp_tso_win_divisor",
    "net.ipv4.tcp_tw_reuse",
    "net.ipv4.tcp_workaround_signed_windows",
    "net.ipv4.tcp_backlog_ack_defer",
    "net.ipv4.tcp_pingpong_thresh",
    "net.ipv4.tcp_tw_reuse_delay",
    "net.ipv4.tcp_migrate_req",
    "net.ipv4.tcp_child_ehash_entries",
    "net.ipv4.tcp_early_demux",
    "net.ipv4.tcp_l3mdev_accept",
    "net.ipv4.tcp_allowed_congestion_control",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_nonlocal_bind",
    "net.ipv4.icmp_ratelimit",
    "net.ipv4.icmp_ratemask",
    "net.inet.tcp.syncookies",
    "net.inet.tcp.minmss",
    "net.inet.tcp.functions_inherit_listen_socket_stack",
    "net.inet.tcp.tso",
    "net.inet.tcp.do_prr",
    "net.inet.tcp.do_prr_conservative",
    "net.inet.tcp.do_lrd",
    "net.inet.tcp.nolocaltimewait",
    "net.inet.tcp.rfc3390",
    "net.inet.tcp.rfc6675_pipe",
    "net.inet.tcp.newcwv",
    "net.inet.tcp.udp_tunneling_overhead",
    "net.inet.tcp.map_limit",
    "net.inet.tcp.maxpersistidle",
    "net.inet.tcp.require_unique_port",
    "net.inet.tcp.recvbuf_inc",
    "net.inet.tcp.bind_all_fibs",
    "net.inet.tcp.tcbhashsize",
    "net.inet.tcp.do_tcpdrain",
    "net.inet.tcp.log_in_vain",
    "net.inet.tcp.log_debug",
    "net.inet.tcp.recvbuf_auto",
    "net.inet.tcp.recvbuf_max",
    "net.inet.tcp.sendbuf_auto",
    "net.inet.tcp.sendbuf_auto_lowat",
    "net.inet.tcp.sendbuf_inc",
    "net.inet.tcp.sendbuf_max",
    "net.inet.tcp.ts_offset_per_conn",
    "net.inet.tcp.isn_reseed_interval",
    "net.inet.tcp.maxtcptw",
    "net.inet.tcp.soreceive_stream",
    "net.inet.tcp.per_cpu_timers",
    "net.inet.tcp.split_limit",
    "net.inet.ip.random_id",
    "net.inet.ip.rfc6864",
    "net.inet.icmp.icmplim",
    "net.inet.icmp.icmplim_output",
    "net.inet6.icmp6.errppslimit",
    "kern.ipc.somaxconn",
    "kern.ipc.soacceptqueue",
    "kern.hz",
];

/// Whole branches of harmless settings.
const HARMLESS_BRANCHES: &[&str] = &[
    "net.ipv4.tcp_comp_sack_",
    "net.core.",
    "net.ipv4.conf.",
    "net.ipv6.conf.",
    "net.ipv4.neigh.",
    "net.ipv6.route.",
    "net.ipv4.route.",
    "net.inet.tcp.hostcache.",
    "net.inet.tcp.reass.",
    "net.inet.tcp.sack.",
    "net.inet.tcp.fastopen.",
    "net.inet.tcp.syncache.",
    "net.inet.tcp.bb.",
    "net.inet.tcp.cc.",
    "net.inet.tcp.lro.",
    "net.inet.tcp.hpts.",
    "net.inet.icmp.",
    "net.inet6.icmp6.",
    "net.ipv4.tcp_plb_",
    "net.inet.ip.portrange.",
    "kernel.",
    "kern.",
    "debug.",
];

/// The branches of settings whose effect a script can see.
const VISIBLE_BRANCHES: &[&str] = &[
    "net.ipv4.tcp_",
    "net.ipv4.ip_",
    "net.ipv6.",
    "net.inet.tcp.",
    "net.inet.udp.",
    "net.inet.ip.",
    "net.inet6.",
    "net.mptcp.",
    "net.inet.sctp.",
    "kern.ipc.",
];

const SECOND: Duration = Duration::from_secs(1);
const MILLISECOND: Duration = Duration::from_millis(1);
const MICROSECOND: Duration = Duration::from_micros(1);

fn parse<T: std::str::FromStr>(value: &str) -> Result<T, String> {
    value.trim().parse().map_err(|_| "not a number that fits".to_owned())
}

fn number(into: &mut u32, value: &str) -> Applied {
    *into = parse(value)?;
    Ok(())
}

fn small(into: &mut u8, value: &str) -> Applied {
    let value: u64 = parse(value)?;
    *into = u8::try_from(value).unwrap_or(u8::MAX);
    Ok(())
}

/// The size of a segment, or of a part of one.
fn segment(into: &mut u16, value: &str) -> Applied {
    *into = parse(value)?;
    Ok(())
}

fn set(into: &mut bool, value: &str) -> Applied {
    let value: i64 = parse(value)?;
    *into = value != 0;
    Ok(())
}

fn duration(into: &mut Duration, value: &str, unit: Duration) -> Applied {
    *into = unit * parse::<u32>(value)?;
    Ok(())
}

fn three(value: &str) -> Result<[u32; 3], String> {
    let numbers: Vec<u32> = value.split_whitespace().map(parse).collect::<Result<_, _>>()?;
    numbers.try_into().map_err(|_| "three numbers were expected".to_owned())
}

/// Until the first loss all congestion controls behave alike. One that we do not have and a file sets for many
/// scripts is therefore no reason to skip them all; what is used instead is noted.
fn congestion(settings: &mut HostSettings, value: &str, voice: Voice) -> Applied {
    let used = &mut settings.defaults.config.congestion;
    match (CongestionControl::named(value), voice) {
        // BBR spreads even the first window, of which scripts that share a file say nothing.
        (Some(CongestionControl::Bbr), Voice::File) => {
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
