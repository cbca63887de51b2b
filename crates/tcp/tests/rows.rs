//! Every arrow of the diagram is taken by a connection, and no other, and sends what its row says: evidence is
//! the trace.

mod pair;

use pair::{CLIENT_ISS, Fate, Pair, Side, birth};
use std::sync::Arc;
use std::time::Duration;
use synfin_tcp::state::{ROWS, Row};
use synfin_tcp::{Cause, Config, Connection, Error, KeepAlive, PathEvent, State};
use wire::Seq;
use wire::tcp::{Flags, Header};

/// Arrows that a connection does not take itself, and who does.
const TAKEN_ELSEWHERE: [(State, Cause, &str); 1] = [(
    State::TimeWait,
    Cause::NewSyn,
    "the host hands the SYN to the listener: TimeWaitVerdict::Reopen, closing::a_newer_syn_reopens_a_connection_in_time_wait",
)];

fn config(cause: Cause) -> Config {
    let keep_alive =
        KeepAlive { idle: Duration::from_secs(100), interval: Duration::from_secs(10), probes: 3 };
    Config {
        user_timeout: (cause == Cause::UserTimeout).then_some(Duration::from_secs(15)),
        keep_alive: Some(keep_alive),
        time_wait_ignores_rst: false,
        ..Config::default()
    }
}

/// A client in `row.from`, alone: nothing that it sends arrives anywhere.
fn at(row: &Row) -> Pair {
    let mut pair = Pair::with(config(row.on), Config::default());
    let passive = row.from == State::Listen
        || matches!(row.on, Cause::RstToPassiveOpen | Cause::SynToPassiveOpen | Cause::PassiveOpen);
    if passive {
        pair.client = Connection::listen(pair.now, birth(CLIENT_ISS), Arc::new(config(row.on)));
    }
    pair.keep_ledgers(&format!("for {row:?}"));
    let later = row.from.is_synchronized();
    pair.fate = Box::new(move |_| if later { Fate::Deliver } else { Fate::Lose });
    if later {
        pair.drive();
        assert_eq!(pair.client.state(), State::Established);
        pair.fate = Box::new(|_| Fate::Lose);
    }
    pair.flush();
    let inject = |pair: &mut Pair, flags| {
        let header = pair.next_header(Side::Client, flags);
        pair.inject(Side::Client, header, b"");
    };
    let finish = |pair: &mut Pair| {
        let now = pair.now;
        pair.client.finish(now);
        pair.flush();
    };
    match row.from {
        State::SynReceived => inject(&mut pair, Flags::SYN),
        State::FinWait1 => finish(&mut pair),
        State::FinWait2 => {
            finish(&mut pair);
            inject(&mut pair, Flags::ACK);
        }
        State::CloseWait => inject(&mut pair, Flags::FIN | Flags::ACK),
        State::Closing => {
            finish(&mut pair);
            let header = pair.next_header(Side::Client, Flags::FIN | Flags::ACK);
            pair.inject(Side::Client, Header { ack: header.ack - 1, ..header }, b"");
        }
        State::LastAck => {
            inject(&mut pair, Flags::FIN | Flags::ACK);
            finish(&mut pair);
        }
        State::TimeWait => {
            finish(&mut pair);
            inject(&mut pair, Flags::FIN | Flags::ACK);
        }
        _ => {}
    }
    if row.from != State::Closed {
        assert_eq!(pair.client.state(), row.from, "on the way to {row:?}");
    }
    pair
}

fn provoke(row: &Row) -> Pair {
    let mut pair = at(row);
    let now = pair.now;
    let header = |pair: &mut Pair, flags| pair.next_header(Side::Client, flags);
    let inject = |pair: &mut Pair, header, text: &[u8]| drop(pair.inject(Side::Client, header, text));
    match row.on {
        Cause::PassiveOpen => {}
        Cause::ActiveOpen => drop(pair.client.open(now)),
        Cause::Send => drop(pair.client.write(now, b"hello").expect("opens")),
        // A half-close in SYN-SENT waits for the handshake; leaving does not.
        Cause::Close if row.from == State::SynSent => pair.client.close(now),
        Cause::Close => pair.client.finish(now),
        Cause::Abort => pair.client.abort(now),
        Cause::Syn => {
            let syn = header(&mut pair, Flags::SYN);
            inject(&mut pair, syn, b"");
        }
        Cause::SynAck => {
            let syn_ack = header(&mut pair, Flags::SYN | Flags::ACK);
            inject(&mut pair, syn_ack, b"");
        }
        Cause::SynToPassiveOpen => {
            let syn = header(&mut pair, Flags::SYN);
            inject(&mut pair, Header { seq: syn.seq + 5, ..syn }, b"");
        }
        Cause::AckOfSyn | Cause::AckOfFin => {
            let ack = header(&mut pair, Flags::ACK);
            inject(&mut pair, ack, b"");
        }
        Cause::Fin => {
            let fin = header(&mut pair, Flags::FIN | Flags::ACK);
            let fin_acked = u32::from(row.from == State::FinWait1);
            inject(&mut pair, Header { ack: fin.ack - fin_acked, ..fin }, b"");
        }
        Cause::FinAndAckOfFin => {
            let fin = header(&mut pair, Flags::FIN | Flags::ACK);
            inject(&mut pair, fin, b"");
        }
        Cause::Rst | Cause::RstToPassiveOpen => {
            let flags = if row.from == State::SynSent { Flags::RST | Flags::ACK } else { Flags::RST };
            let rst = header(&mut pair, flags);
            inject(&mut pair, rst, b"");
        }
        Cause::DataAfterClose => {
            pair.client.close(now);
            let data = header(&mut pair, Flags::ACK);
            let fin_unacked = u32::from(row.from == State::FinWait1);
            inject(&mut pair, Header { ack: data.ack - fin_unacked, ..data }, b"too late");
        }
        Cause::HardError => {
            let seq = Seq::new(CLIENT_ISS);
            pair.client.handle_path(now, PathEvent::HardError { error: Error::PortUnreachable, seq });
        }
        Cause::GaveUp | Cause::UserTimeout => {
            let _ = pair.client.write(now, b"unheard");
        }
        Cause::OrphanTimeout => pair.client.close(now),
        Cause::TimeWaitTimeout | Cause::NewSyn => {}
        on => panic!("nothing provokes {on:?}"),
    }
    pair.flush();
    if matches!(row.on, Cause::GaveUp | Cause::UserTimeout | Cause::OrphanTimeout | Cause::TimeWaitTimeout) {
        pair.run_for(Duration::from_secs(2_000));
    }
    pair
}

#[test]
fn every_row_is_taken_and_sends_what_it_says() {
    let mut never = Vec::new();
    for row in ROWS {
        if TAKEN_ELSEWHERE.iter().any(|(from, on, _)| (row.from, row.on) == (*from, *on)) {
            continue;
        }
        // The pair's ledgers fail where something else is sent than the rows say.
        let pair = provoke(row);
        let [client, _] = pair.ledgers.as_ref().expect("kept from the beginning");
        if !client.rows.contains(&row) {
            never.push((row, pair.client.state()));
        }
    }
    assert!(never.is_empty(), "{} rows are never taken: {never:#?}", never.len());
}
