//! Counters and usage by name, in the text format that Prometheus and whoever speaks it reads.
//!
//! Counters end in `_total` and only grow; the others are gauges. What is *not* here: a server that hands them out.

use crate::counters::Discard;
use crate::host::Host;
use crate::usage::Usage;
use core::fmt::Write as _;

impl Host {
    /// What the host has counted and what it holds, as text: one metric a line, each with what it means.
    ///
    /// ```
    /// let host = synfin_stack::Host::new(synfin_stack::Config::default(), [7; 32]);
    /// let metrics = host.metrics();
    /// assert!(metrics.contains("\n# TYPE synfin_frames_received_total counter\nsynfin_frames_received_total 0\n"));
    /// assert!(metrics.contains("\nsynfin_connections 0\n"));
    /// ```
    pub fn metrics(&self) -> String {
        let mut text = Text::default();
        for (name, help, value) in self.counters().traffic() {
            text.metric(&format!("{name}_total"), "counter", help);
            text.line(&format!("{name}_total"), value);
        }
        text.metric("discards_total", "counter", "Packets discarded, by reason.");
        for why in Discard::ALL {
            text.line(
                &format!("discards_total{{reason=\"{}\"}}", why.name()),
                self.counters().discarded(*why),
            );
        }
        for (name, help, value) in gauges(&self.usage()) {
            text.metric(name, "gauge", help);
            text.line(name, value as u64);
        }
        text.0
    }
}

/// What is held, each with what it means. A new field has to be named here to compile.
fn gauges(usage: &Usage) -> [(&'static str, &'static str, usize); 17] {
    let Usage {
        connections,
        half_open,
        time_waits,
        flows,
        timers,
        listeners,
        gates,
        held_flows,
        datagram_gates,
        datagram_flows,
        udp_sockets,
        neighbours,
        reassemblies,
        path_mtus,
        orphans,
        held_bytes,
        memory,
    } = *usage;
    [
        ("connections", "Connections, without those in the compact TIME-WAIT table.", connections),
        ("half_open_connections", "Of these, half-open ones.", half_open),
        ("time_wait_connections", "Connections in the compact TIME-WAIT table.", time_waits),
        ("orphaned_connections", "Connections that their application has closed and that go on.", orphans),
        ("flows", "Flows in the demultiplexing table.", flows),
        ("timers", "Timers of connections that are set.", timers),
        ("listeners", "Listeners.", listeners),
        ("gates", "Gates for connections.", gates),
        ("held_flows", "Flows that wait at gates for a decision.", held_flows),
        ("datagram_gates", "Gates for datagrams.", datagram_gates),
        ("datagram_flows", "Flows that these remember.", datagram_flows),
        ("udp_sockets", "UDP sockets.", udp_sockets),
        ("neighbours", "Neighbours known or being asked for.", neighbours),
        ("reassemblies", "Datagrams under reassembly.", reassemblies),
        ("path_mtus", "Path MTUs remembered.", path_mtus),
        ("held_bytes", "Memory that all of this takes, in bytes.", held_bytes),
        ("memory_level", "How scarce memory is: 0 calm, 1 pressure, 2 high, 3 full.", memory as usize),
    ]
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn metric(&mut self, name: &str, kind: &str, help: &str) {
        let _ = write!(self.0, "# HELP synfin_{name} {help}\n# TYPE synfin_{name} {kind}\n");
    }

    fn line(&mut self, name: &str, value: u64) {
        let _ = writeln!(self.0, "synfin_{name} {value}");
    }
}
