//! Whose habits a script expects of the stack under test.

use crate::ast::{Call, Expr, Script, What};
use posix::{Defaults, Flavour};
use std::time::Duration;
use tcp::{Allowance, Habits, SynRetry};
use wire::tcp::OptionLayout;

/// A system's habits: order and padding of options, initial windows, timers, buffers, errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Profile {
    /// Linux's, as its own suite expects them.
    Linux,
    /// FreeBSD's.
    FreeBsd,
    /// What the RFCs say, where they say it: a retransmission timeout of one second at least, every
    /// second segment acknowledged from the start.
    Rfc,
}

impl Profile {
    /// The profile of that name: `linux`, `freebsd` or `rfc`.
    pub fn named(name: &str) -> Option<Profile> {
        match name {
            "linux" => Some(Profile::Linux),
            "freebsd" => Some(Profile::FreeBsd),
            "rfc" => Some(Profile::Rfc),
            _ => None,
        }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Profile::Linux => "linux",
            Profile::FreeBsd => "freebsd",
            Profile::Rfc => "rfc",
        }
    }

    /// Whose errors the system calls give.
    pub(crate) const fn flavour(self) -> Flavour {
        match self {
            Profile::Linux | Profile::Rfc => Flavour::Linux,
            Profile::FreeBsd => Flavour::FreeBsd,
        }
    }

    /// What a script says about the system it was written for: by its commands, and by what only one
    /// system has.
    pub(crate) fn of_script(script: &Script) -> Profile {
        const FREEBSD: [&str; 5] = ["net.inet.", "net.inet6.", "kern.ipc.", "kldload", "TCP_FUNCTION_BLK"];
        const LINUX: [&str; 5] = ["net.ipv4.", "net.core.", "net.ipv6.", "/proc/sys/net", "defaults.sh"];
        let mut profile = Profile::Rfc;
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
                return Profile::FreeBsd;
            }
            if LINUX.iter().any(|sign| said.contains(sign)) {
                profile = Profile::Linux;
            }
        }
        profile
    }

    /// What new sockets start with.
    pub(crate) fn defaults(self) -> Defaults {
        let mut defaults = Defaults::new(self.flavour());
        let config = &mut defaults.config;
        match self {
            Profile::Linux => {
                config.habits = Habits::Linux;
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
                config.syn_ack_retries = 5;
                config.rto_max = Duration::from_secs(120);
            }
            Profile::FreeBsd => {
                config.habits = Habits::FreeBsd;
                config.syn_fin_opens = true;
                // ack_war_cnt, ack_war_timewindow
                config.challenge_acks = Allowance { answers: 5, per: Duration::from_secs(1) };
                config.option_layout = OptionLayout::FreeBsd;
                config.quick_ack_segments = 0;
                config.rto_min = Duration::from_millis(30);
                config.rto_slop = Duration::from_millis(200);
                config.rto_max = Duration::from_secs(64);
                config.syn_retry = SynRetry::LinearFirst(4);
                config.connect_timeout = Some(Duration::from_secs(75));
                (config.syn_retries, config.retries, config.syn_ack_retries) = (12, 12, 3);
                config.abc_limit_segments = 2;
                config.receive_buffer_bytes = defaults.receive_buffer_bytes;
                config.receive_buffer_bytes_max = defaults.receive_buffer_bytes_max;
                config.send_buffer_bytes = defaults.send_buffer_bytes;
                defaults.keep_alive.probes = 8;
            }
            Profile::Rfc => {
                config.option_layout = OptionLayout::Linux;
                config.quick_ack_segments = 0;
                config.rto_min = Duration::from_secs(1);
                config.abc_limit_segments = 1;
            }
        }
        defaults
    }
}
