//! What the rows of the table say is sent, beside what a connection sends: its trace, read as a debt.
//!
//! It holds for a connection that has no habits but the RFC's, and that is drained after every change.

use synfin_tcp::state::{Row, Sends, lookup};
use synfin_tcp::{Cause, Connection, ResetReason, SegmentFacts, SendReason, State, Trace, Tracing};

/// What one connection owes by the rows it has taken.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    /// Which world it is kept in, for whoever reads a failure.
    world: String,
    /// Every row taken since the ledger was opened, the first step included.
    pub(crate) rows: Vec<&'static Row>,
    /// The row whose SYN or SYN,ACK may be sent, and sent again.
    handshake: Option<Sends>,
    handshake_owed: bool,
    ack_owed: bool,
    fin_owed: bool,
    reset_owed: bool,
    /// A row has asked for a FIN: it may be sent, and sent again.
    finishes: bool,
}

impl Ledger {
    /// Opens the ledger of a new connection, of which nothing has been polled yet.
    pub(crate) fn open(world: &str, connection: &mut Connection) -> Self {
        connection.set_tracing(Tracing::On);
        let mut ledger = Ledger { world: world.to_owned(), ..Ledger::default() };
        let first = match connection.state() {
            State::SynSent => lookup(State::Closed, Cause::ActiveOpen),
            State::Listen => lookup(State::Closed, Cause::PassiveOpen),
            state => panic!("a connection in {state} has a past"),
        };
        ledger.take(first.expect("the diagram has both kinds of open"));
        ledger
    }

    /// Reads what the connection did since the last call. The connection is drained.
    #[track_caller]
    pub(crate) fn read(&mut self, connection: &mut Connection) {
        while let Some(trace) = connection.poll_trace() {
            match trace {
                Trace::Sent { segment, why } => self.pay(&segment, why),
                _ => trace.row().into_iter().for_each(|row| self.take(row)),
            }
        }
        let unpaid = self.handshake_owed || self.ack_owed || self.reset_owed;
        assert!(!unpaid, "drained, and owes what the last of these rows send: {self:#?}");
    }

    #[track_caller]
    fn take(&mut self, row: &'static Row) {
        if matches!(row.on, Cause::AckOfFin | Cause::FinAndAckOfFin) {
            assert!(!self.fin_owed, "{}: a FIN was acknowledged before it was sent: {row:?}", self.world);
        }
        if matches!(row.to, State::Closed | State::Listen) {
            let (world, rows) = (core::mem::take(&mut self.world), core::mem::take(&mut self.rows));
            *self = Ledger { world, rows, ..Ledger::default() };
        }
        match row.sends {
            Sends::Nothing => {}
            Sends::Syn | Sends::SynAck => (self.handshake, self.handshake_owed) = (Some(row.sends), true),
            Sends::Ack => self.ack_owed = true,
            Sends::Fin => (self.finishes, self.fin_owed) = (true, true),
            Sends::Rst => self.reset_owed = true,
        }
        self.rows.push(row);
    }

    #[track_caller]
    fn pay(&mut self, segment: &SegmentFacts, why: SendReason) {
        let (flags, last) = (segment.flags, self.rows.last());
        let told = format!("{}: sent {segment:?} because of {why:?} after {last:?}", self.world);
        if flags.rst() {
            // An answer to something that belongs to no connection; this one goes on.
            if why != SendReason::Reset(ResetReason::UnacceptableAck) {
                assert!(core::mem::take(&mut self.reset_owed), "no row says so: {told}");
            }
            return;
        }
        assert!(!self.reset_owed, "the row says RST: {told}");
        assert!(last.is_some_and(|row| row.to != State::Closed), "nothing follows CLOSED: {told}");
        if flags.syn() {
            let says = if flags.ack() { Sends::SynAck } else { Sends::Syn };
            assert_eq!(self.handshake, Some(says), "another row says so: {told}");
            self.handshake_owed = false;
        }
        assert!(!self.handshake_owed, "the row says {:?}: {told}", self.handshake);
        assert!(!flags.fin() || self.finishes, "no row says so: {told}");
        self.fin_owed &= !flags.fin();
        assert!(!self.ack_owed || flags.ack(), "the row says ACK: {told}");
        self.ack_owed = false;
    }
}
