//! `sysctl` names and what they change in our configuration.
//!
//! Three kinds: those that we follow, those without an effect on what a script can see, and those
//! that ask for something we do not have or refuse. The last skip the script, and are named; in a file that
//! many scripts share they are only noted.

use super::Ground;
use super::host::{Setting, Voice};
use posix::Defaults;
use std::time::Duration;
use tcp::SynRetry;

/// Why a setting cannot be made; `Err` carries the words for the skip.
type Made = Result<(), String>;
type Make = fn(&mut Ground, &str) -> Made;

/// Makes one setting.
///
/// # Errors
/// What the script needs and we do not have.
pub(crate) fn make(ground: &mut Ground, setting: &Setting) -> Made {
    let Setting { name, value, voice, .. } = setting;
    let (name, value, voice) = (name.as_str(), value.trim(), *voice);
    if CONGESTION.contains(&name) {
        return congestion(ground, value, voice).map_err(|why| format!("sysctl {name}={value}: {why}"));
    }
    let made = made(ground, name, value);
    let Err(why) = made else { return Ok(()) };
    // Of what we do not know, only that which is about a protocol of ours can be seen.
    let seen = VISIBLE_BRANCHES.iter().any(|branch| name.starts_with(branch));
    if voice == Voice::Script && seen {
        return Err(why);
    }
    ground.instead.insert(format!("without {why}"));
    Ok(())
}

fn made(ground: &mut Ground, name: &str, value: &str) -> Made {
    let followed = LINUX.iter().chain(FREEBSD).find(|(known, _)| *known == name);
    if let Some((_, make)) = followed {
        return make(ground, value).map_err(|why| format!("sysctl {name}={value}: {why}"));
    }
    if let Some((_, fine)) = ONLY.iter().find(|(known, _)| *known == name) {
        return if fine.contains(&value) { Ok(()) } else { Err(format!("sysctl {name}={value}")) };
    }
    let harmless =
        HARMLESS.contains(&name) || HARMLESS_BRANCHES.iter().any(|branch| name.starts_with(branch));
    if harmless { Ok(()) } else { Err(format!("sysctl {name}, which synfin does not know")) }
}

const LINUX: &[(&str, Make)] = &[
    ("net.ipv4.tcp_timestamps", |ground, value| set(&mut ground.defaults.config.timestamps, value)),
    ("net.ipv4.tcp_sack", |ground, value| set(&mut ground.defaults.config.sack, value)),
    ("net.ipv4.tcp_window_scaling", |ground, value| set(&mut ground.defaults.config.window_scaling, value)),
    ("net.ipv4.tcp_slow_start_after_idle", |ground, value| {
        set(&mut ground.defaults.config.slow_start_after_idle, value)
    }),
    ("net.ipv4.tcp_rfc1337", |ground, value| set(&mut ground.defaults.config.time_wait_ignores_rst, value)),
    ("net.ipv4.tcp_syn_retries", |ground, value| small(&mut ground.defaults.config.syn_retries, value)),
    ("net.ipv4.tcp_synack_retries", |ground, value| {
        small(&mut ground.defaults.config.syn_ack_retries, value)
    }),
    ("net.ipv4.tcp_retries1", |ground, value| small(&mut ground.defaults.config.retries_until_doubt, value)),
    ("net.ipv4.tcp_retries2", |ground, value| small(&mut ground.defaults.config.retries, value)),
    ("net.ipv4.tcp_fin_timeout", |ground, value| {
        duration(&mut ground.defaults.config.orphan_timeout, value, SECOND)
    }),
    ("net.ipv4.tcp_keepalive_time", |ground, value| {
        duration(&mut ground.defaults.keep_alive.idle, value, SECOND)
    }),
    ("net.ipv4.tcp_keepalive_intvl", |ground, value| {
        duration(&mut ground.defaults.keep_alive.interval, value, SECOND)
    }),
    ("net.ipv4.tcp_keepalive_probes", |ground, value| small(&mut ground.defaults.keep_alive.probes, value)),
    ("net.ipv4.tcp_rto_min_us", |ground, value| {
        let config = &mut ground.defaults.config;
        duration(&mut config.rto_min, value, MICROSECOND)?;
        config.rto_variance_min = config.rto_min;
        Ok(())
    }),
    ("net.ipv4.tcp_rto_max_ms", |ground, value| {
        duration(&mut ground.defaults.config.rto_max, value, MILLISECOND)
    }),
    ("net.ipv4.tcp_rmem", |ground, value| {
        let [_, default, most] = three(value)?;
        ground.defaults.receive_buffer_bytes = default;
        // Half of it is for data; the window scale comes from the largest buffer.
        ground.defaults.config.receive_buffer_bytes = default / 2;
        ground.defaults.config.receive_buffer_bytes_max = most;
        Ok(())
    }),
    ("net.ipv4.tcp_wmem", |ground, value| {
        let [_, default, most] = three(value)?;
        ground.defaults.send_buffer_bytes = default;
        ground.defaults.config.send_buffer_bytes = most;
        Ok(())
    }),
    ("net.core.rmem_max", |ground, value| {
        let Defaults { receive_buffer_bytes_max: most, config, .. } = &mut ground.defaults;
        number(most, value)?;
        config.receive_buffer_bytes_max = config.receive_buffer_bytes_max.max(*most);
        Ok(())
    }),
    ("net.ipv4.tcp_invalid_ratelimit", |ground, value| {
        duration(&mut ground.defaults.config.challenge_acks.per, value, MILLISECOND)
    }),
    ("net.ipv4.tcp_notsent_lowat", |ground, value| {
        // Linux's default is 0xffffffff: no bound.
        let bytes: u32 = parse(value)?;
        ground.defaults.not_sent_low_water_bytes = (bytes != u32::MAX).then_some(bytes);
        Ok(())
    }),
    ("net.ipv4.tcp_dsack", |ground, value| set(&mut ground.defaults.config.dsack, value)),
    ("net.ipv4.tcp_syn_linear_timeouts", |ground, value| {
        let mut count = 0;
        small(&mut count, value)?;
        ground.defaults.config.syn_retry = SynRetry::LinearFirst(count);
        Ok(())
    }),
    ("net.core.wmem_max", |ground, value| number(&mut ground.defaults.send_buffer_bytes_max, value)),
    ("net.ipv4.ip_default_ttl", |ground, value| small(&mut ground.host.hop_limit, value)),
];

const FREEBSD: &[(&str, Make)] = &[
    ("net.inet.tcp.rfc1323", |ground, value| {
        let bits: u32 = parse(value)?;
        let config = &mut ground.defaults.config;
        (config.window_scaling, config.timestamps) = (bits == 1 || bits == 2, bits == 1 || bits == 3);
        Ok(())
    }),
    ("net.inet.tcp.sack.enable", |ground, value| set(&mut ground.defaults.config.sack, value)),
    ("net.inet.tcp.recvspace", |ground, value| {
        number(&mut ground.defaults.receive_buffer_bytes, value)?;
        ground.defaults.config.receive_buffer_bytes = ground.defaults.receive_buffer_bytes;
        Ok(())
    }),
    ("net.inet.tcp.sendspace", |ground, value| {
        number(&mut ground.defaults.send_buffer_bytes, value)?;
        ground.defaults.config.send_buffer_bytes = ground.defaults.send_buffer_bytes;
        Ok(())
    }),
    ("net.inet.tcp.delacktime", |ground, value| {
        duration(&mut ground.defaults.config.delayed_ack, value, MILLISECOND)
    }),
    ("net.inet.tcp.delayed_ack", |ground, value| {
        let mut on = true;
        set(&mut on, value)?;
        if !on {
            ground.defaults.config.delayed_ack = Duration::ZERO;
        }
        Ok(())
    }),
    ("net.inet.tcp.rexmit_initial", |ground, value| {
        duration(&mut ground.defaults.config.rto_initial, value, MILLISECOND)
    }),
    ("net.inet.tcp.rexmit_min", |ground, value| {
        duration(&mut ground.defaults.config.rto_min, value, MILLISECOND)
    }),
    ("net.inet.tcp.rexmit_slop", |ground, value| {
        duration(&mut ground.defaults.config.rto_slop, value, MILLISECOND)
    }),
    ("net.inet.tcp.keepidle", |ground, value| {
        duration(&mut ground.defaults.keep_alive.idle, value, MILLISECOND)
    }),
    ("net.inet.tcp.keepintvl", |ground, value| {
        duration(&mut ground.defaults.keep_alive.interval, value, MILLISECOND)
    }),
    ("net.inet.tcp.keepcnt", |ground, value| small(&mut ground.defaults.keep_alive.probes, value)),
    ("net.inet.tcp.always_keepalive", |ground, value| {
        let mut on = false;
        set(&mut on, value)?;
        let Defaults { config, keep_alive, .. } = &mut ground.defaults;
        config.keep_alive = on.then_some(*keep_alive);
        Ok(())
    }),
    ("net.inet.tcp.msl", |ground, value| {
        let mut msl = Duration::ZERO;
        duration(&mut msl, value, MILLISECOND)?;
        ground.defaults.config.time_wait = msl * 2;
        Ok(())
    }),
    ("net.inet.tcp.finwait2_timeout", |ground, value| {
        duration(&mut ground.defaults.config.orphan_timeout, value, MILLISECOND)
    }),
    ("net.inet.tcp.initcwnd_segments", |ground, value| {
        small(&mut ground.defaults.config.initial_window_segments, value)
    }),
    ("net.inet.tcp.rexmit_max", |ground, value| {
        duration(&mut ground.defaults.config.rto_max, value, MILLISECOND)
    }),
    ("net.inet.tcp.retries", |ground, value| {
        let config = &mut ground.defaults.config;
        small(&mut config.retries, value)?;
        config.syn_retries = config.retries;
        Ok(())
    }),
    ("net.inet.tcp.syncache.rexmtlimit", |ground, value| {
        small(&mut ground.defaults.config.syn_ack_retries, value)
    }),
    ("net.inet.tcp.keepinit", |ground, value| {
        let mut time = Duration::ZERO;
        duration(&mut time, value, MILLISECOND)?;
        ground.defaults.config.connect_timeout = Some(time);
        Ok(())
    }),
    ("net.inet.tcp.drop_synfin", |ground, value| {
        let mut drops = false;
        set(&mut drops, value)?;
        ground.defaults.config.syn_fin_opens = !drops;
        Ok(())
    }),
    ("net.inet.tcp.icmp_may_rst", |ground, value| set(&mut ground.defaults.config.icmp_ends_opening, value)),
    ("net.inet.tcp.tolerate_missing_ts", |ground, value| {
        set(&mut ground.defaults.config.missing_timestamps_tolerated, value)
    }),
    ("net.inet.tcp.ack_war_timewindow", |ground, value| {
        duration(&mut ground.defaults.config.challenge_acks.per, value, MILLISECOND)
    }),
    ("net.inet.tcp.ack_war_cnt", |ground, value| {
        // Zero: as many as come.
        let answers = &mut ground.defaults.config.challenge_acks.answers;
        small(answers, value)?;
        *answers = if *answers == 0 { u8::MAX } else { *answers };
        Ok(())
    }),
    ("net.inet.tcp.abc_l_var", |ground, value| small(&mut ground.defaults.config.abc_limit_segments, value)),
    ("net.inet.tcp.rfc3465", |ground, value| {
        let mut on = true;
        set(&mut on, value)?;
        if !on {
            ground.defaults.config.abc_limit_segments = 1;
        }
        Ok(())
    }),
    ("net.inet.tcp.mssdflt", |ground, value| {
        ground.mss_bytes_default_v4 = Some(parse(value)?);
        Ok(())
    }),
    ("net.inet.tcp.v6mssdflt", |ground, value| {
        ground.mss_bytes_default_v6 = Some(parse(value)?);
        Ok(())
    }),
    ("net.inet.ip.ttl", |ground, value| small(&mut ground.host.hop_limit, value)),
    ("net.inet6.ip6.hlim", |ground, value| small(&mut ground.host.hop_limit, value)),
    ("kern.ipc.maxsockbuf", |ground, value| {
        number(&mut ground.defaults.receive_buffer_bytes_max, value)?;
        ground.defaults.send_buffer_bytes_max = ground.defaults.receive_buffer_bytes_max;
        ground.defaults.config.receive_buffer_bytes_max = ground.defaults.receive_buffer_bytes_max;
        Ok(())
    }),
];

/// Who decides how much may be on its way.
const CONGESTION: [&str; 2] = ["net.ipv4.tcp_congestion_control", "net.inet.tcp.cc.algorithm"];

/// Settings of which only some values are ours.
const ONLY: &[(&str, &[&str])] = &[
    ("net.ipv4.tcp_ecn", &["0", "2"]),
    ("net.ipv4.tcp_syncookies", &["0", "1"]),
    ("net.ipv4.tcp_mtu_probing", &["0"]),
    ("net.ipv4.tcp_reordering", &["3"]),
    ("net.ipv4.tcp_stdurg", &["0"]),
    ("net.ipv4.tcp_abort_on_overflow", &["0"]),
    ("net.ipv4.ip_no_pmtu_disc", &["0"]),
    ("net.ipv4.tcp_thin_linear_timeouts", &["0"]),
    ("net.ipv4.tcp_thin_dupack", &["0"]),
    ("net.inet.tcp.ecn.enable", &["0", "2"]),
    ("net.inet.tcp.blackhole", &["0"]),
    ("net.inet.tcp.rexmit_drop_options", &["0"]),
    ("net.inet.tcp.syncookies_only", &["0"]),
    ("net.inet.tcp.path_mtu_discovery", &["1"]),
    ("net.inet.tcp.pmtud_blackhole_detection", &["0"]),
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

/// Settings that change nothing that a script can see of us, or only what it checks anyhow.
const HARMLESS: &[&str] = &[
    "net.ipv4.tcp_adv_win_scale",
    "net.ipv4.tcp_app_win",
    "net.ipv4.tcp_autocorking",
    "net.ipv4.tcp_base_mss",
    "net.ipv4.tcp_challenge_ack_limit",
    "net.ipv4.tcp_early_retrans",
    "net.ipv4.tcp_ecn_fallback",
    "net.ipv4.tcp_fack",
    "net.ipv4.tcp_fastopen",
    "net.ipv4.tcp_fastopen_blackhole_timeout_sec",
    "net.ipv4.tcp_fastopen_key",
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
    "net.ipv4.tcp_min_snd_mss",
    "net.ipv4.tcp_min_tso_segs",
    "net.ipv4.tcp_moderate_rcvbuf",
    "net.ipv4.tcp_no_metrics_save",
    "net.ipv4.tcp_no_ssthresh_metrics_save",
    "net.ipv4.tcp_orphan_retries",
    "net.ipv4.tcp_pacing_ca_ratio",
    "net.ipv4.tcp_pacing_ss_ratio",
    "net.ipv4.tcp_probe_interval",
    "net.ipv4.tcp_probe_threshold",
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
    "net.inet.tcp.pmtud_blackhole_mss",
    "net.inet.tcp.v6pmtud_blackhole_mss",
    "net.inet.tcp.map_limit",
    "net.inet.tcp.maxpersistidle",
    "net.inet.tcp.require_unique_port",
    "net.inet.tcp.recvbuf_inc",
    "net.inet.tcp.bind_all_fibs",
    "net.inet.tcp.tcbhashsize",
    "net.inet.tcp.do_tcpdrain",
    "net.inet.tcp.ecn.generalized",
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
    "net.inet.tcp.ecn.maxretries",
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

/// Whole branches of the kind of [`HARMLESS`].
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

/// What a script can see of a setting begins like this.
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

fn number(into: &mut u32, value: &str) -> Made {
    *into = parse(value)?;
    Ok(())
}

fn small(into: &mut u8, value: &str) -> Made {
    let value: u64 = parse(value)?;
    *into = u8::try_from(value).unwrap_or(u8::MAX);
    Ok(())
}

fn set(into: &mut bool, value: &str) -> Made {
    let value: i64 = parse(value)?;
    *into = value != 0;
    Ok(())
}

fn duration(into: &mut Duration, value: &str, unit: Duration) -> Made {
    *into = unit * parse::<u32>(value)?;
    Ok(())
}

fn three(value: &str) -> Result<[u32; 3], String> {
    let numbers: Vec<u32> = value.split_whitespace().map(parse).collect::<Result<_, _>>()?;
    numbers.try_into().map_err(|_| "three numbers were expected".to_owned())
}

/// Until its first loss no controller differs from another, so a default that a file sets for many scripts
/// does not keep all of them from being played; what was taken is told.
fn congestion(ground: &mut Ground, value: &str, voice: Voice) -> Made {
    match (value, voice) {
        ("reno" | "newreno", _) => Ok(()),
        (other, Voice::Script) => Err(format!("the congestion control {other} is not there")),
        (other, Voice::File) => {
            ground.instead.insert(format!("newreno instead of {other}"));
            Ok(())
        }
    }
}
