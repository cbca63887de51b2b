//! The habits that a script expects of the stack under test, and the settings of a system with these habits:
//! order and padding of options, initial windows, timers, buffers.

use crate::ast::{Call, Expr, Script, What};
use posix::Defaults;
use std::time::Duration;
use tcp::{Allowance, Habits, MtuProbing, SynRetry};
use wire::tcp::OptionLayout;

/// The system for which a script was written, judging by its commands and by what only one system has.
pub(crate) fn of_script(script: &Script) -> Habits {
    const FREEBSD: [&str; 5] = ["net.inet.", "net.inet6.", "kern.ipc.", "kldload", "TCP_FUNCTION_BLK"];
    const LINUX: [&str; 5] = ["net.ipv4.", "net.core.", "net.ipv6.", "/proc/sys/net", "defaults.sh"];
    let mut habits = Habits::Rfc;
    let inits = script.option("init_scripts").into_iter();
    let words = script.events.iter().filter_map(|event| match &event.what {
        What::Command(command) => Some(command.as_str()),
        What::Call(Call { arguments, .. }) => match arguments.get(2) {
            Some(Expr::Symbol(name)) => Some(name.as_str()),
            _ => None,
        },
        What::Packet(_) | What::Code(_) => None,
    });
    for said in words.chain(inits) {
        if FREEBSD.iter().any(|sign| said.contains(sign)) {
            return Habits::FreeBsd;
        }
        if LINUX.iter().any(|sign| said.contains(sign)) {
            habits = Habits::Linux;
        }
    }
    habits
}

/// The name of a system in `#ifdef`.
pub(crate) const fn name_for_conditions(habits: Habits) -> &'static str {
    match habits {
        Habits::Linux => "Linux",
        Habits::FreeBsd => "FreeBSD",
        Habits::Rfc => "STANDARD",
    }
}

/// What new sockets start with.
pub(crate) fn defaults(habits: Habits) -> Defaults {
    let mut defaults = Defaults::new(habits);
    let config = &mut defaults.config;
    // Scripts count the segments of a burst.
    config.pacing = false;
    match habits {
        Habits::Linux => {
            config.option_layout = OptionLayout::Linux;
            config.missing_timestamps_tolerated = true;
            config.time_wait_ignores_rst = false;
            // tcp_invalid_ratelimit
            config.challenge_acks = Allowance { answers: 1, per: Duration::from_millis(500) };
            // Half of SO_RCVBUF is for data; it may grow to half of tcp_rmem[2].
            config.receive_buffer_bytes = defaults.receive_buffer_bytes / 2;
            config.receive_buffer_bytes_max = 6 << 20;
            config.rto_variance_min = config.rto_min;
            config.syn_retries = 6;
            // tcp_syn_linear_timeouts
            config.syn_retry = SynRetry::LinearFirst(4);
            config.ecn_syn_retries = 0;
            config.alternative_backoff = false;
            config.syn_ack_retries = 5;
            // tcp_mtu_probing
            config.mtu_probing = MtuProbing::Off;
            config.rto_max = Duration::from_secs(120);
        }
        Habits::FreeBsd => {
            config.syn_fin_opens = true;
            // pmtud_blackhole_detection, pmtud_blackhole_mss
            (config.mtu_probing, config.mtu_base_mss_bytes) = (MtuProbing::Off, 1_200);
            // ack_war_cnt, ack_war_timewindow
            config.challenge_acks = Allowance { answers: 5, per: Duration::from_secs(1) };
            config.option_layout = OptionLayout::FreeBsd;
            config.quick_ack_segments = 0;
            config.rto_min = Duration::from_millis(30);
            config.rto_variance_min = Duration::ZERO;
            config.rto_slop = Duration::from_millis(200);
            config.rto_max = Duration::from_secs(64);
            config.connect_timeout = Some(Duration::from_secs(75));
            (config.syn_retries, config.retries, config.syn_ack_retries) = (12, 12, 3);
            config.abc_limit_segments = 2;
            // Its usual stack has none; RACK is another one.
            config.tail_loss_probes = false;
            config.alternative_backoff = false;
            config.receive_buffer_bytes = defaults.receive_buffer_bytes;
            config.receive_buffer_bytes_max = defaults.receive_buffer_bytes_max;
            config.send_buffer_bytes = defaults.send_buffer_bytes;
            defaults.keep_alive.probes = 8;
        }
        Habits::Rfc => {
            config.option_layout = OptionLayout::Linux;
            config.quick_ack_segments = 0;
            config.rto_min = Duration::from_secs(1);
            config.abc_limit_segments = 1;
        }
    }
    defaults
}
