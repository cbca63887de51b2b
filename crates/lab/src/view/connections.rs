//! The connections of a host at a moment: their states, by the arrows that they took.

use super::{ConnectionView, RowView, numbers, seconds};
use crate::run::Run;
use sim::{Entry, FrameArrival, Happening};
use stack::{ListedConnection, SocketId};
use tcp::state::{ROWS, Row};
use tcp::{Instant, State, Trace};

impl Run {
    /// Every connection that a host has had by then, in the order in which they began; a host that has lost its power
    /// knows of none before.
    pub(super) fn connections(
        &self,
        host: usize,
        listed: &[ListedConnection],
        log_end: usize,
    ) -> Vec<ConnectionView> {
        let mut known: Vec<(SocketId, ConnectionView)> = Vec::new();
        let of_host = self.world.log().iter().take(log_end).filter(|entry| entry.host == self.hosts[host]);
        for entry in of_host {
            match &entry.what {
                Happening::Said(text) if text == "crash" => known.clear(),
                Happening::Arrived(arrived) => {
                    let facts = self.world.segment(arrived.frame).map(|(facts, _)| facts);
                    if facts.is_some_and(|facts| facts.flags.fin()) && !self.is_refused(*arrived) {
                        known.iter_mut().for_each(|(_, view)| self.starts_again(view, entry.at));
                    }
                }
                Happening::Traced(record) => {
                    let Trace::StateChanged { row } = record.trace else { continue };
                    let Some(row) = ROWS.get(usize::from(row)) else { continue };
                    let place = known.iter().position(|(id, _)| *id == record.id).unwrap_or_else(|| {
                        known.push((record.id, fresh(record.flow.remote.to_string())));
                        known.len() - 1
                    });
                    self.moves(&mut known[place].1, row, entry.at);
                }
                _ => {}
            }
        }
        for (id, view) in &mut known {
            view.numbers = listed.iter().find(|listed| listed.id == *id).map(numbers);
            let timers = view.numbers.iter().flat_map(|numbers| &numbers.timers);
            view.until =
                timers.into_iter().find(|(name, _)| *name == "time-wait").map(|(_, due)| *due).or(view.until);
        }
        known.into_iter().map(|(_, view)| view).collect()
    }

    /// An arrival that is thrown away, or refused, does nothing to a connection.
    fn is_refused(&self, arrived: FrameArrival) -> bool {
        let refuses = |entry: &Entry| matches!(&entry.what, Happening::Traced(record) if matches!(record.trace, Trace::Refused { .. }));
        let place = self.world.log().partition_point(|entry| entry.at < self.arrival_at(arrived));
        let by_it = self.world.log()[place..].iter().take_while(|entry| entry.at == self.arrival_at(arrived));
        self.world.frames()[arrived.frame].corrupted
            || by_it.filter(|entry| entry.cause == Some(arrived)).any(refuses)
    }

    fn arrival_at(&self, arrived: FrameArrival) -> Instant {
        self.world.frames()[arrived.frame].arrivals[arrived.arrival].at
    }

    fn moves(&self, view: &mut ConnectionView, row: &Row, at: Instant) {
        view.state = row.to.name();
        view.row = Some(RowView::of(row));
        view.since = seconds(at);
        view.next = ROWS.iter().filter(|next| next.from == row.to).map(RowView::of).collect();
        view.until = None;
        self.starts_again(view, at);
    }

    /// A FIN that comes again makes TIME-WAIT begin anew (RFC 9293 §3.10.7.4).
    fn starts_again(&self, view: &mut ConnectionView, at: Instant) {
        if view.state == State::TimeWait.name() {
            view.until = Some(seconds(at + self.time_wait));
        }
    }
}

fn fresh(remote: String) -> ConnectionView {
    ConnectionView {
        remote,
        state: State::Closed.name(),
        row: None,
        since: 0.0,
        until: None,
        next: Vec::new(),
        numbers: None,
    }
}
