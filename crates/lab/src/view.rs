//! What is shown at a moment of a run: plain values for a page.

mod connections;
mod flights;
mod rows;
mod series;

use crate::program::Place;
use crate::run::{ENDS, Run};
use crate::said;
use report::page;
use report::words::Language;
use serde::Serialize;
use stack::ListedConnection;
use tcp::state::Row;
use tcp::{Instant, State, Timer};

pub use flights::Flight;
pub use rows::Touched;
pub use series::Series;

/// The version of this shape; it grows with what a reader of it must know.
pub(crate) const VERSION: u32 = 1;

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
    /// For each of the connection's segments the number that a [`Deed`](crate::Deed) calls it by; none for one that no
    /// host has sent.
    pub frames: Vec<Option<u32>>,
    /// What deeds did to segments, by row.
    pub touched: Vec<Touched>,
    /// What both hosts have measured over time.
    pub series: [Series; 2],
}

/// A host.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct HostView {
    /// `client`, `server`, in the language of the view.
    pub name: &'static str,
    /// Its address and port.
    pub address: String,
    /// Its program.
    pub program: Vec<String>,
    /// The call that comes, waits or has failed; the number of calls when all have returned.
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
    /// When TIME-WAIT is over, as far as is known.
    pub until: Option<f64>,
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
    /// The timers that run: which ([`tcp::Timer::name`], or `time-wait`), and when each is due.
    pub timers: Vec<(&'static str, f64)>,
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
        let log_end = self.log_end(at);
        let hosts = [0, 1].map(|host| {
            let known = shown.map(|event| &event.hosts[host]);
            let begin = Place::default();
            let place = known.map_or(&begin, |known| &known.place);
            let listed = known.map_or(&[][..], |known| &known.connections);
            self.host(host, place, listed, log_end, language)
        });
        let (connection, frames, touched) = self.rows(log_end, language);
        View {
            version: VERSION,
            at,
            events: self.events.len(),
            time: seconds(now),
            next: self.events.get(at).map(|event| seconds(event.at)),
            is_cut: self.is_cut,
            hosts,
            flights: self.flights(now, at),
            connection,
            frames,
            touched,
            series: [0, 1].map(|host| self.series(host, at)),
        }
    }

    /// So much of the log has been written when `at` events have happened.
    pub(crate) fn log_end(&self, at: usize) -> usize {
        let last = at.min(self.events.len()).checked_sub(1);
        last.map_or(0, |last| self.events[last].log_end)
    }

    fn host(
        &self,
        host: usize,
        place: &Place,
        listed: &[ListedConnection],
        log_end: usize,
        language: Language,
    ) -> HostView {
        HostView {
            name: said::host(host, language),
            address: ENDS[host].to_string(),
            program: self.setup.hosts[host].program.clone(),
            call: place.call,
            waits: place.waits,
            failed: place.failed.map(|error| said::failed(error, language).to_owned()),
            read_bytes: place.read_bytes,
            written_bytes: place.written_bytes,
            connections: self.connections(host, listed, log_end),
        }
    }
}

impl RowView {
    pub(crate) fn of(row: &Row) -> RowView {
        RowView {
            number: row.index(),
            from: row.from.name(),
            on: row.on.name(),
            to: row.to.name(),
            sends: row.sends.name(),
            section: row.section,
        }
    }
}

fn numbers(listed: &ListedConnection) -> Numbers {
    let info = &listed.info;
    // the engine has one timer for the patience with a peer that has nothing more to say; here it has the diagram's name
    let name = |timer: Timer| match (info.state, timer) {
        (State::TimeWait, Timer::Linger) => "time-wait",
        _ => timer.name(),
    };
    let timers = listed.timers.iter().map(|(timer, due): &(Timer, Instant)| (name(*timer), seconds(*due)));
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
        timers: timers.collect(),
    }
}

#[cfg(test)]
mod tests;
