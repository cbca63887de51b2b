//! What is told to a subscriber of the crate `tracing`, with the feature of that name; [`crate::guide::tracing`] says
//! what that is.
//!
//! The driver tells it, as it tells the observer: outside the stack's lock, so a subscriber may use sockets. In each
//! turn it asks what is wanted; the answer is cached by the callsites, so this costs some loads. Only when there is a
//! subscriber for DEBUG or TRACE does the host keep traces: what is told at INFO comes from the records of connections.

mod words;

use crate::shared::Shared;
use crate::trace_readers::Untold;
use socket::{ConnectionEvent, Role};
use stack::{Flow, SocketId, TraceRecord};
use std::collections::{HashMap, HashSet};
use tcp::{SendReason, State, Trace, Tracing};
use tracing::{Level, Span, enabled};

/// The target of everything that is told.
const TARGET: &str = "synfin";

/// Connections are forgotten when there are this many or more, and twice as many as last time.
const SWEEP_AT_LEAST: usize = 1_024;

/// What a subscriber wants to hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Wanted {
    Nothing,
    /// How connections begin and end.
    Connections,
    /// What they do.
    Traces,
}

impl Wanted {
    /// What the subscriber of this thread wants now.
    fn now() -> Wanted {
        if enabled!(target: TARGET, Level::DEBUG) || enabled!(target: TARGET, Level::TRACE) {
            Wanted::Traces
        } else if enabled!(target: TARGET, Level::INFO) {
            Wanted::Connections
        } else {
            Wanted::Nothing
        }
    }
}

/// The way to the subscriber.
#[derive(Debug)]
pub(crate) struct Subscriber {
    wanted: Wanted,
    /// The program has an observer, so records of connections are kept anyhow.
    has_observer: bool,
    connections: HashMap<SocketId, Told>,
    sweep_at: usize,
}

/// A connection that something was told of.
#[derive(Debug)]
struct Told {
    /// `None`: it is over. What still comes of it, in TIME-WAIT, is told, but does not begin a second span.
    span: Option<Span>,
    /// That it opened was told, so that it closes will be.
    is_open: bool,
}

impl Subscriber {
    /// Nothing is wanted yet.
    pub(crate) fn new(has_observer: bool) -> Subscriber {
        let (wanted, connections) = (Wanted::Nothing, HashMap::new());
        Subscriber { wanted, has_observer, connections, sweep_at: SWEEP_AT_LEAST }
    }

    /// Whether anything is wanted.
    pub(crate) fn is_there(&self) -> bool {
        self.wanted != Wanted::Nothing
    }

    /// Asks what is wanted, and keeps what that needs, and nothing else.
    pub(crate) fn ask(&mut self, shared: &Shared) {
        let before = std::mem::replace(&mut self.wanted, Wanted::now());
        if self.wanted == before {
            return;
        }
        let wants_traces = |wanted| wanted == Wanted::Traces;
        let mut locked = shared.lock();
        if wants_traces(self.wanted) != wants_traces(before) {
            locked.set_subscriber(if wants_traces(self.wanted) { Tracing::On } else { Tracing::Off });
        }
        if !self.has_observer {
            match (before, self.wanted) {
                (Wanted::Nothing, _) => locked.core.observe(),
                (_, Wanted::Nothing) => locked.core.stop_observing(),
                _ => {}
            }
        }
        drop(locked);
        if !self.is_there() {
            self.connections.clear();
        }
    }

    /// Tells what connections have done.
    pub(crate) fn tell_traces(&mut self, shared: &Shared, untold: Untold) {
        for record in untold.records {
            self.tell_trace(&record);
        }
        if untold.lost > 0 {
            words::lost(untold.lost);
        }
        if self.connections.len() >= self.sweep_at {
            self.sweep(shared);
        }
    }

    /// Tells that a connection began, is in trouble, or ended.
    pub(crate) fn tell_connection(&mut self, id: SocketId, event: &ConnectionEvent) {
        if !self.is_there() {
            return;
        }
        let (flow, role) = match event {
            ConnectionEvent::Opened { local, remote, role }
            | ConnectionEvent::PathDoubted { local, remote, role } => {
                (Flow { local: *local, remote: *remote }, *role)
            }
            ConnectionEvent::Closed(summary) => {
                (Flow { local: summary.local, remote: summary.remote }, summary.role)
            }
            _ => return,
        };
        let told = self.connections.entry(id).or_insert_with(|| Told::new(flow, Some(role)));
        told.in_scope(flow, || words::connection(event));
        match event {
            ConnectionEvent::Opened { .. } => told.is_open = true,
            ConnectionEvent::Closed(_) => told.span = None,
            _ => {}
        }
        if self.wanted == Wanted::Connections && told.span.is_none() {
            self.connections.remove(&id);
        }
    }

    fn tell_trace(&mut self, record: &TraceRecord) {
        if record.id == SocketId::HOST {
            return words::flow(record.flow).in_scope(|| words::trace(record));
        }
        let told = self
            .connections
            .entry(record.id)
            .or_insert_with(|| Told::new(record.flow, role_of_first(&record.trace)));
        told.in_scope(record.flow, || words::trace(record));
        let is_over = |state| matches!(state, State::TimeWait | State::Closed | State::Listen);
        if !told.is_open && record.trace.row().is_some_and(|row| is_over(row.to)) {
            told.span = None;
        }
    }

    /// Forgets connections that are no more.
    fn sweep(&mut self, shared: &Shared) {
        let live: HashSet<SocketId> = shared
            .look(|core, now| core.host().tcp_connections(now).iter().map(|listed| listed.id).collect());
        self.connections.retain(|id, _| live.contains(id));
        self.sweep_at = SWEEP_AT_LEAST.max(2 * self.connections.len());
    }
}

impl Told {
    fn new(flow: Flow, role: Option<Role>) -> Told {
        Told { span: Some(words::span(flow, role)), is_open: false }
    }

    fn in_scope(&self, flow: Flow, tell: impl FnOnce()) {
        match &self.span {
            Some(span) => span.in_scope(tell),
            None => words::flow(flow).in_scope(tell),
        }
    }
}

/// Which end we are, by the first trace of a connection; `None` when it began before anybody listened.
fn role_of_first(trace: &Trace) -> Option<Role> {
    match trace {
        Trace::StateChanged { .. } => match trace.row()?.from {
            State::Closed | State::SynSent => Some(Role::Client),
            State::Listen | State::SynReceived => Some(Role::Server),
            _ => None,
        },
        Trace::Sent { why: SendReason::Syn, .. } => Some(Role::Client),
        Trace::Sent { why: SendReason::SynAck, .. } => Some(Role::Server),
        Trace::Taken { segment } if segment.flags.syn() && !segment.flags.ack() => Some(Role::Server),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Stack, net};

    #[test]
    fn connections_that_are_no_more_are_forgotten() -> std::io::Result<()> {
        let stack = Stack::builder().start()?;
        let listener = net::TcpListener::bind(&stack, "127.0.0.1:80")?;
        let kept = (net::TcpStream::connect(&stack, "127.0.0.1:80")?, listener.accept()?);
        let dropped = (net::TcpStream::connect(&stack, "127.0.0.1:80")?, listener.accept()?);
        let mut subscriber = Subscriber::new(false);
        for listed in stack.connections() {
            let flow = Flow { local: listed.local, remote: listed.remote };
            subscriber.connections.insert(listed.id, Told::new(flow, None));
        }
        let resets = Some(std::time::Duration::ZERO);
        dropped.0.set_linger(resets)?;
        drop(dropped);
        subscriber.sweep(stack.shared());
        assert_eq!((subscriber.connections.len(), subscriber.sweep_at), (2, SWEEP_AT_LEAST));
        drop(kept);
        Ok(())
    }
}
