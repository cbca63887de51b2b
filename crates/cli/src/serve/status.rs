//! The connections of a running server as a table on standard error, like that of `ss -ti`: at each SIGUSR1, and every
//! so many seconds.
//!
//! Standard output is the journal's, and may be JSON. Standard error is written by a thread that may wait, and the next
//! table is made when it has been written: a reader who takes nothing neither slows the server nor makes it hold more.

use super::{disk, time_of_day};
use report::tables::{Cell, Column, Table};
use report::{ColorChoice, Style, numbers};
use std::collections::BTreeMap;
use std::future::pending;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;
use synfin::Stack;
use synfin::stack::ListedConnection;
use tcp::State;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

/// When the table is printed.
pub(crate) struct Occasions {
    asked: Signal,
    ticks: Option<Interval>,
}

impl Occasions {
    /// SIGUSR1, which ends the process no longer, and every so often.
    ///
    /// # Errors
    /// The system does not let us catch the signal.
    pub(crate) fn new(every: Option<Duration>) -> io::Result<Occasions> {
        let asked = signal(SignalKind::user_defined1())?;
        let ticks = every.map(|every| {
            let mut ticks = interval_at(Instant::now() + every, every);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        });
        Ok(Occasions { asked, ticks })
    }

    async fn next(&mut self) {
        let Occasions { asked, ticks } = self;
        let tick = async {
            match ticks {
                Some(ticks) => drop(ticks.tick().await),
                None => pending().await,
            }
        };
        let asked = async {
            if asked.recv().await.is_none() {
                pending::<()>().await;
            }
        };
        tokio::select! {
            () = asked => {}
            () = tick => {}
        }
    }
}

/// Prints the table at each occasion, as long as the server runs.
pub(crate) async fn print_at(mut occasions: Occasions, stack: Stack, style: Style) {
    // Whether standard error is a terminal is another question than whether standard output is one.
    let style = Style { color: ColorChoice::Never, ..style };
    loop {
        occasions.next().await;
        let (connections, time_waits) = (stack.connections(), stack.usage().time_waits);
        let since_1970 = time_of_day::since_1970();
        let printed = disk::wait_for(move || {
            let rows = connections.iter().map(Row::of).collect();
            let text = text(rows, time_waits, since_1970, &style);
            // Nobody reads it: there is nobody to tell, and the server goes on.
            let _ = io::stderr().lock().write_all(text.as_bytes());
        });
        if printed.await.is_err() {
            return;
        }
    }
}

/// What is shown of a connection, in the order in which it is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    state: State,
    peer: SocketAddr,
    local: SocketAddr,
    unread_bytes: usize,
    unacknowledged_bytes: usize,
    cwnd_bytes: u32,
    rtt: Option<Duration>,
    retransmissions: u32,
}

impl Row {
    fn of(connection: &ListedConnection) -> Row {
        let info = &connection.info;
        Row {
            state: info.state,
            peer: connection.remote,
            local: connection.local,
            unread_bytes: connection.receive_queue_bytes,
            unacknowledged_bytes: connection.send_queue_bytes,
            cwnd_bytes: info.cwnd_bytes,
            rtt: info.rtt,
            retransmissions: info.retransmissions,
        }
    }

    fn cells(&self) -> Vec<Cell> {
        vec![
            Cell::text(self.state.name()),
            Cell::number(self.unread_bytes as u64),
            Cell::number(self.unacknowledged_bytes as u64),
            Cell::text(self.local.to_string()),
            Cell::text(self.peer.to_string()),
            Cell::bytes(self.cwnd_bytes.into()),
            self.rtt.map_or_else(Cell::none, Cell::duration),
            Cell::number(self.retransmissions.into()),
        ]
    }
}

/// The table by state and peer, and a line with the time of day and how many connections are in each state. Those in
/// TIME-WAIT are only counted: there is nothing else left of them.
fn text(mut rows: Vec<Row>, time_waits: usize, since_1970: Duration, style: &Style) -> String {
    rows.sort();
    let mut table = Table::new(vec![
        Column::names("state"),
        Column::numbers("recv-q"),
        Column::numbers("send-q"),
        Column::names("local"),
        Column::names("peer"),
        Column::numbers("cwnd"),
        Column::numbers("RTT"),
        Column::numbers("retrans"),
    ]);
    let mut states: BTreeMap<State, u64> = BTreeMap::new();
    for row in &rows {
        table.push(row.cells());
        *states.entry(row.state).or_default() += 1;
    }
    if time_waits > 0 {
        *states.entry(State::TimeWait).or_default() += time_waits as u64;
    }
    let text = if rows.is_empty() { String::new() } else { table.text(style) };
    let total = numbers::count(states.values().sum(), "connection");
    let by_state: Vec<String> =
        states.iter().map(|(state, count)| format!("{} {state}", numbers::grouped(*count))).collect();
    let colon = if by_state.is_empty() { "" } else { ": " };
    format!("{text}{} {total}{colon}{}\n", time_of_day::in_words(since_1970), by_state.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use report::Charset;

    fn row(state: State, peer: &str, local: &str) -> Row {
        Row {
            state,
            peer: peer.parse().expect("an address"),
            local: local.parse().expect("an address"),
            unread_bytes: 0,
            unacknowledged_bytes: 0,
            cwnd_bytes: 14_600,
            rtt: None,
            retransmissions: 0,
        }
    }

    #[test]
    fn connections_are_sorted_by_state_and_peer_and_counted() {
        let (old, new) = ("10.90.0.2:80", "[fd90::2]:80");
        let busy = Row {
            unread_bytes: 78,
            unacknowledged_bytes: 4_194_304,
            cwnd_bytes: 1 << 20,
            rtt: Some(Duration::from_micros(41)),
            retransmissions: 3,
            ..row(State::Established, "[fd90::1]:40000", new)
        };
        let rows = vec![
            row(State::FinWait2, "10.90.0.1:1024", old),
            busy,
            row(State::Established, "10.90.0.1:50100", old),
            row(State::SynReceived, "10.90.0.1:50000", old),
            row(State::Established, "10.90.0.1:50001", old),
        ];
        let at = Duration::from_millis(1_700_000_000_042);
        let ascii = Style { charset: Charset::Ascii, ..Style::PLAIN };
        assert_eq!(
            text(rows, 7, at, &ascii),
            "\
state         recv-q     send-q  local         peer                 cwnd      RTT  retrans
SYN-RECEIVED       0          0  10.90.0.2:80  10.90.0.1:50000  14.3 KiB        -        0
ESTABLISHED        0          0  10.90.0.2:80  10.90.0.1:50001  14.3 KiB        -        0
ESTABLISHED        0          0  10.90.0.2:80  10.90.0.1:50100  14.3 KiB        -        0
ESTABLISHED       78  4,194,304  [fd90::2]:80  [fd90::1]:40000  1.00 MiB  41.0 us        3
FIN-WAIT-2         0          0  10.90.0.2:80  10.90.0.1:1024   14.3 KiB        -        0
22:13:20.042Z 12 connections: 1 SYN-RECEIVED, 3 ESTABLISHED, 1 FIN-WAIT-2, 7 TIME-WAIT
"
        );
    }

    #[test]
    fn a_server_without_connections_says_so_in_a_line() {
        assert_eq!(text(Vec::new(), 0, Duration::ZERO, &Style::PLAIN), "00:00:00.000Z 0 connections\n");
        let waiting = text(Vec::new(), 1, Duration::ZERO, &Style::PLAIN);
        assert_eq!(waiting, "00:00:00.000Z 1 connection: 1 TIME-WAIT\n");
    }
}
