//! What is shown at a moment of a run: plain values for a page.

use crate::drawn;
use crate::program::Place;
use crate::run::{ENDS, NAMES, Run};
use report::ladder::End;
use report::page;
use report::words::{self, Label, Language};
use serde::Serialize;
use sim::{Happening, Origin};
use stack::ListedConnection;
use tcp::state::{ROWS, Row};
use tcp::{Instant, State, Trace};
use wire::Seq;

/// The version of this shape; it grows with what a reader of it must know.
const VERSION: u32 = 1;

/// What is shown.
///
/// Times are in seconds since the run began; hosts are 0, the client on the left, and 1, the server.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct View {
    /// The version of this shape.
    pub version: u32,
    /// So many events have happened.
    pub at: usize,
    /// So many there are in all.
    pub events: usize,
    /// The time of the last of them.
    pub time: f64,
    /// The time of the next one; none after the last.
    pub next: Option<f64>,
    /// The run was cut short, because there is no end of it.
    pub is_cut: bool,
    /// Both hosts.
    pub hosts: [HostView; 2],
    /// What is on the wire, or was lost there a moment ago.
    pub flights: Vec<Flight>,
    /// The ladder and the graphs.
    pub connection: page::Connection,
}

/// A host.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct HostView {
    /// `client`, `server`.
    pub name: &'static str,
    /// Its address and port.
    pub address: String,
    /// Its program.
    pub program: Vec<String>,
    /// The call that comes or waits; the number of calls when it is over.
    pub call: usize,
    /// That call has begun and has not returned.
    pub waits: bool,
    /// Why the program is over before its last call.
    pub failed: Option<String>,
    /// Bytes that it has read and written.
    pub read_bytes: u64,
    /// See `read_bytes`.
    pub written_bytes: u64,
    /// Its connections; those that are over have the state CLOSED.
    pub connections: Vec<ConnectionView>,
}

/// A connection of a host.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ConnectionView {
    /// Its peer.
    pub remote: String,
    /// Its state, `ESTABLISHED`.
    pub state: &'static str,
    /// The arrow of the diagram that it took last.
    pub row: Option<RowView>,
    /// When it took it.
    pub since: f64,
    /// The arrows that lead on from its state.
    pub next: Vec<RowView>,
    /// What its engine knows; none when it is over.
    pub numbers: Option<Numbers>,
}

/// An arrow of the state diagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RowView {
    /// Its number among [`tcp::state::ROWS`].
    pub number: u8,
    /// The state before.
    pub from: &'static str,
    /// What happened.
    pub on: &'static str,
    /// The state after.
    pub to: &'static str,
    /// What is sent on the way: `snd ACK`; may be empty.
    pub sends: &'static str,
    /// Where it is written: `9293#3.10.7.4`.
    pub section: &'static str,
}

/// The numbers of a connection, bytes and milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Numbers {
    /// The congestion window.
    pub cwnd: u32,
    /// The slow-start threshold; none before the first loss.
    pub ssthresh: Option<u32>,
    /// In flight.
    pub flight: u32,
    /// The peer's window.
    pub send_window: u32,
    /// The own window.
    pub receive_window: u32,
    /// Written and not sent, and received and not read.
    pub unsent: u32,
    /// See `unsent`.
    pub unread: u32,
    /// The retransmission timeout.
    pub rto_ms: f64,
    /// The smoothed round trip, once measured.
    pub rtt_ms: Option<f64>,
    /// Sent again.
    pub again: u32,
    /// The timers that run: which, and when each is due.
    pub timers: Vec<(&'static str, f64)>,
}

/// A segment on the wire.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Flight {
    /// Its number among those that hosts have sent; none for one that no host sent.
    pub frame: Option<u32>,
    /// 0 or 1.
    pub from: u8,
    /// When it left.
    pub sent: f64,
    /// When it arrives; none if it is lost.
    pub arrives: Option<f64>,
    /// `SYN,ACK`.
    pub flags: String,
    /// The numbers of its header.
    pub seq: u32,
    /// See `seq`; none without ACK.
    pub ack: Option<u32>,
    /// Bytes of text.
    pub len: u32,
}

fn seconds(at: Instant) -> f64 {
    at.since(Instant::ZERO).as_nanos() as f64 / 1e9
}

fn millis(time: std::time::Duration) -> f64 {
    time.as_micros() as f64 / 1e3
}

impl Run {
    /// What is shown when `at` events have happened, in words of this language; all of them if there are fewer.
    ///
    /// ```
    /// let run = synfin_lab::Run::new(&synfin_lab::Setup::default(), &[])?;
    /// let end = run.view(usize::MAX, report::words::Language::English);
    /// assert_eq!(end.hosts[1].program[1], "accept");
    /// assert_eq!(end.hosts[0].read_bytes, 537);
    /// # Ok::<(), synfin_lab::RunError>(())
    /// ```
    pub fn view(&self, at: usize, language: Language) -> View {
        let at = at.min(self.events.len());
        let shown = at.checked_sub(1).map(|last| &self.events[last]);
        let now = shown.map_or(Instant::ZERO, |event| event.at);
        let log_end = shown.map_or(0, |event| event.log_end);
        let hosts = [0, 1].map(|host| {
            let known = shown.map(|event| &event.hosts[host]);
            let place = known.map(|known| known.place.clone()).unwrap_or_default();
            let listed = known.map_or(&[][..], |known| &known.connections);
            self.host(host, place, listed, log_end)
        });
        View {
            version: VERSION,
            at,
            events: self.events.len(),
            time: seconds(now),
            next: self.events.get(at).map(|event| seconds(event.at)),
            is_cut: self.is_cut,
            hosts,
            flights: self.flights(now, log_end),
            connection: self.connection(log_end, language),
        }
    }

    fn host(&self, host: usize, place: Place, listed: &[ListedConnection], log_end: usize) -> HostView {
        HostView {
            name: NAMES[host],
            address: ENDS[host].to_string(),
            program: self.setup.hosts[host].program.clone(),
            call: place.call,
            waits: place.waits,
            failed: place.failed.map(|error| error.to_string()),
            read_bytes: place.read_bytes,
            written_bytes: place.written_bytes,
            connections: self.connections(host, listed, log_end),
        }
    }

    /// Every connection that a host has had by then, in the order in which they began.
    fn connections(&self, host: usize, listed: &[ListedConnection], log_end: usize) -> Vec<ConnectionView> {
        let mut known: Vec<(stack::SocketId, ConnectionView)> = Vec::new();
        let of_host = self.world.log().iter().take(log_end).filter(|entry| entry.host == self.hosts[host]);
        for entry in of_host {
            let Happening::Traced(record) = &entry.what else { continue };
            let Trace::StateChanged { row } = record.trace else { continue };
            let Some(row) = ROWS.get(usize::from(row)) else { continue };
            let place = known.iter().position(|(id, _)| *id == record.id).unwrap_or_else(|| {
                let remote = record.flow.remote.to_string();
                let fresh = ConnectionView {
                    remote,
                    state: State::Closed.name(),
                    row: None,
                    since: 0.0,
                    next: Vec::new(),
                    numbers: None,
                };
                known.push((record.id, fresh));
                known.len() - 1
            });
            let view = &mut known[place].1;
            (view.state, view.row, view.since) = (row.to.name(), Some(row_view(row)), seconds(entry.at));
            view.next = ROWS.iter().filter(|next| next.from == row.to).map(row_view).collect();
        }
        for (id, view) in &mut known {
            view.numbers = listed.iter().find(|listed| listed.id == *id).map(numbers);
        }
        known.into_iter().map(|(_, view)| view).collect()
    }

    /// What is on the wire at a moment. What was lost is still shown for as long as it would have travelled.
    fn flights(&self, now: Instant, log_end: usize) -> Vec<Flight> {
        let delay = std::time::Duration::from_millis(self.setup.wire.delay_ms.into());
        let mut sent_before = 0;
        let departed = self
            .world
            .log()
            .iter()
            .take(log_end)
            .filter(|entry| matches!(entry.what, Happening::Departed { .. }));
        let departed = departed.count();
        let mut flights = Vec::new();
        for record in self.world.frames() {
            if record.origin == Origin::Injected {
                continue;
            }
            let frame = sent_before;
            sent_before += 1;
            if frame as usize >= departed {
                break;
            }
            let arrives = record.arrivals.first().map(|arrival| arrival.at);
            let until = arrives.unwrap_or(record.sent_at + delay);
            let Some(facts) = record.facts().filter(|_| until > now) else { continue };
            flights.push(Flight {
                frame: Some(frame),
                from: u8::from(record.from == self.hosts[1]),
                sent: seconds(record.sent_at),
                arrives: arrives.map(seconds),
                flags: facts.flags.to_string(),
                seq: facts.seq.number(),
                ack: facts.flags.ack().then(|| facts.ack.number()),
                len: facts.len_bytes,
            });
        }
        flights
    }

    fn connection(&self, log_end: usize, language: Language) -> page::Connection {
        let states = [State::Closed, State::Listen];
        let ends = [0, 1].map(|host| End {
            name: words::label([Label::Client, Label::Server][host], language).to_owned(),
            address: ENDS[host].to_string(),
            state: Some(states[host]),
            isn: self.setup.hosts[host].isn.map(Seq::new),
        });
        let ladder =
            drawn::ladder(&self.world, self.hosts[0], ends, log_end, "a segment that no host has sent");
        page::Connection::of_ladder(0, &ladder, language)
    }
}

fn row_view(row: &Row) -> RowView {
    RowView {
        number: row.index(),
        from: row.from.name(),
        on: row.on.name(),
        to: row.to.name(),
        sends: row.sends.name(),
        section: row.section,
    }
}

fn numbers(listed: &ListedConnection) -> Numbers {
    let info = &listed.info;
    Numbers {
        cwnd: info.cwnd_bytes,
        ssthresh: Some(info.ssthresh_bytes).filter(|bytes| *bytes != u32::MAX),
        flight: info.in_flight_bytes,
        send_window: info.send_window_bytes,
        receive_window: info.receive_window_bytes,
        unsent: info.not_sent_bytes,
        unread: info.unread_bytes,
        rto_ms: millis(info.rto),
        rtt_ms: info.rtt.map(millis),
        again: info.retransmissions,
        timers: listed.timers.iter().map(|(timer, due)| (timer.name(), seconds(*due))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::Language;
    use crate::{Deed, Forged, Run, Setup};

    /// The states of both ends from event to event, each once.
    fn states(run: &Run) -> Vec<[String; 2]> {
        let mut all: Vec<[String; 2]> = Vec::new();
        for at in 0..=run.events().len() {
            let view = run.view(at, Language::English);
            let now = view.hosts.map(|host| {
                host.connections.last().map_or("-".to_owned(), |connection| connection.state.to_owned())
            });
            if all.last() != Some(&now) {
                all.push(now);
            }
        }
        all
    }

    #[test]
    fn the_articles_connection_goes_through_the_articles_states() {
        let run = Run::new(&Setup::default(), &[]).expect("a run");
        let told: Vec<String> = states(&run).iter().map(|[a, b]| format!("{a} {b}")).collect();
        for pair in [
            "SYN-SENT -",
            "SYN-SENT SYN-RECEIVED",
            "ESTABLISHED ESTABLISHED",
            "LAST-ACK FIN-WAIT-2",
            "CLOSED TIME-WAIT",
        ] {
            assert!(told.iter().any(|told| told == pair), "{pair}: {told:?}");
        }
        assert_eq!(told.last().map(String::as_str), Some("CLOSED CLOSED"), "{told:?}");
    }

    #[test]
    fn a_moment_is_the_same_however_it_was_come_to() {
        let run = || Run::new(&Setup::default(), &[Deed::Drop { frame: 1 }]).expect("a run");
        let (one, other) = (run(), run());
        let forth: Vec<String> = (0..=one.events().len()).map(|at| json(&one, at)).collect();
        let back: Vec<String> = (0..=other.events().len()).rev().map(|at| json(&other, at)).collect();
        assert!(forth.iter().eq(back.iter().rev()));
    }

    fn json(run: &Run, at: usize) -> String {
        serde_json::to_string(&run.view(at, Language::English)).expect("values")
    }

    #[test]
    fn a_syn_ack_that_is_killed_comes_again() {
        let whole = Run::new(&Setup::default(), &[]).expect("a run");
        let killed = Run::new(&Setup::default(), &[Deed::Drop { frame: 1 }]).expect("a run");
        assert!(killed.events().len() > whole.events().len());
        let end = killed.view(usize::MAX, Language::English);
        let lost: Vec<&str> = end
            .connection
            .segments
            .iter()
            .filter(|row| row.fate == "lost")
            .map(|row| &row.flags[..])
            .collect();
        assert_eq!(lost, ["SYN, ACK"]);
        assert_eq!(end.hosts[0].read_bytes, 537, "and all is well in the end");
    }

    #[test]
    fn an_old_syn_opens_nothing() {
        let deeds = [Deed::Forge { after: 1, host: 1, what: Forged::OldSyn }];
        let run = Run::new(&Setup::default(), &deeds).expect("a run");
        let end = run.view(usize::MAX, Language::English);
        assert_eq!((end.hosts[0].read_bytes, end.hosts[1].read_bytes), (537, 2_374));
        let frames = end.connection.segments.iter().filter(|row| row.flags.contains("SYN")).count();
        assert!(frames >= 3, "the old SYN, and the two that open");
    }
}
