//! What must hold of the cache alone.

use super::*;
use core::time::Duration;
use std::net::Ipv4Addr;

fn key(n: u8) -> NeighbourKey {
    (InterfaceId(0), Ipv4Addr::new(10, 0, 0, n).into())
}

fn answer(n: u8, mac: u8, kind: ClaimKind) -> Claim {
    Claim { key: key(n), mac: Mac([2, 0, 0, 0, 0, mac]), kind, remember: false }
}

fn setup() -> (Neighbours, Config, Instant) {
    (Neighbours::new(&Secret::new([6; 32])), Config::default(), Instant::from_millis(1_000))
}

fn of_socket() -> (Frame, Demand) {
    (Frame::default(), Demand::Socket)
}

fn of_bytes(len: usize) -> Frame {
    Frame::from_bytes(vec![0; len].into())
}

#[test]
fn packets_wait_are_bounded_in_bytes_and_leave_with_the_answer() {
    let (mut neighbours, config, now) = setup();
    let frame = || (of_bytes(1_500), Demand::Socket);
    let first = neighbours.resolve(now, key(2), frame(), &config);
    assert_eq!(first.err(), Some(Unresolved::Waiting { solicit: true, dropped: 0 }));
    let mut dropped_total = 0;
    for _ in 0..300 {
        match neighbours.resolve(now, key(2), frame(), &config) {
            Err(Unresolved::Waiting { solicit: false, dropped }) => dropped_total += dropped as usize,
            _ => panic!("the packet must wait"),
        }
    }
    let fit = config.neighbour_pending_bytes_max / (1_500 + FRAME_OVERHEAD_BYTES);
    assert_eq!(dropped_total, 301 - fit);
    let pending = neighbours.learn(now, answer(2, 2, ClaimKind::Solicited), &config);
    assert_eq!((pending.len(), neighbours.pending_bytes), (fit, 0));
    let next = neighbours.resolve(now, key(2), frame(), &config);
    assert!(matches!(next, Ok((mac, _)) if mac.0[5] == 2));
}

#[test]
fn one_packet_waits_however_large_it_is() {
    let (mut neighbours, mut config, now) = setup();
    config.neighbour_pending_bytes_max = 100;
    let _ = neighbours.resolve(now, key(2), (of_bytes(60_000), Demand::Socket), &config);
    let second = neighbours.resolve(now, key(2), (of_bytes(50_000), Demand::Socket), &config);
    assert_eq!(second.err(), Some(Unresolved::Waiting { solicit: false, dropped: 1 }));
    let pending = neighbours.learn(now, answer(2, 2, ClaimKind::Solicited), &config);
    assert_eq!(pending.iter().map(Frame::len).collect::<Vec<_>>(), [50_000]);
}

#[test]
fn all_that_waits_is_bounded_and_answers_to_strangers_have_a_part_of_it() {
    let (mut neighbours, mut config, now) = setup();
    config.neighbour_pending_total_bytes_max = 400_000;
    for n in 2..200 {
        let _ = neighbours.resolve(now, key(n), (of_bytes(9_000), Demand::Answer), &config);
    }
    assert_eq!(neighbours.answer_bytes, neighbours.pending_bytes);
    assert!((80_000..=100_000).contains(&neighbours.answer_bytes), "{}", neighbours.answer_bytes);
    // A socket has room all the same, until the whole is full.
    let room_bytes = 400_000 - neighbours.pending_bytes;
    let mut waiting = 0;
    for n in 200..=250 {
        let held = neighbours.resolve(now, key(n), (of_bytes(9_000), Demand::Socket), &config);
        waiting += usize::from(held.err() == Some(Unresolved::Waiting { solicit: true, dropped: 0 }));
    }
    assert_eq!(waiting, room_bytes / (9_000 + FRAME_OVERHEAD_BYTES));
    assert!(neighbours.pending_bytes <= 400_000);
    // What waited for an answer waits for the socket from now on.
    let before = neighbours.answer_bytes;
    let _ = neighbours.resolve(now, key(2), of_socket(), &config);
    assert!(neighbours.answer_bytes < before);
    for n in 2..=250 {
        neighbours.learn(now, answer(n, n, ClaimKind::Solicited), &config);
    }
    assert_eq!((neighbours.pending_bytes, neighbours.answer_bytes), (0, 0));
}

#[test]
fn three_solicitations_then_unreachable() {
    let (mut neighbours, config, mut now) = setup();
    let _ = neighbours.resolve(now, key(2), of_socket(), &config);
    for _ in 0..2 {
        now += Duration::from_secs(1);
        assert!(matches!(neighbours.expire(now, &config), Some(Due::Solicit(_, None))));
        assert!(neighbours.expire(now, &config).is_none());
    }
    now += Duration::from_secs(1);
    assert!(matches!(neighbours.expire(now, &config), Some(Due::Unreachable(pending)) if pending.len() == 1));
    assert_eq!((neighbours.len(), neighbours.next_due()), (0, None));
}

#[test]
fn a_stale_neighbour_is_used_then_doubted_then_forgotten() {
    let (mut neighbours, config, mut now) = setup();
    let _ = neighbours.resolve(now, key(2), of_socket(), &config);
    neighbours.learn(now, answer(2, 2, ClaimKind::Solicited), &config);
    now += config.neighbour_reachable;
    assert!(neighbours.expire(now, &config).is_none(), "a stale neighbour is not solicited");
    assert!(neighbours.resolve(now, key(2), of_socket(), &config).is_ok());
    now += config.neighbour_probe_delay;
    for _ in 0..3 {
        assert!(matches!(neighbours.expire(now, &config), Some(Due::Solicit(_, Some(_)))));
        now += config.neighbour_retransmit;
    }
    assert!(neighbours.expire(now, &config).is_none());
    assert_eq!(neighbours.len(), 0);
}

#[test]
fn a_weak_answer_does_not_replace_an_address() {
    let (mut neighbours, config, now) = setup();
    let _ = neighbours.resolve(now, key(2), of_socket(), &config);
    neighbours.learn(now, answer(2, 2, ClaimKind::Solicited), &config);
    neighbours.learn(now, answer(2, 9, ClaimKind::SolicitedNoOverride), &config);
    let found = |neighbours: &mut Neighbours| match neighbours.resolve(now, key(2), of_socket(), &config) {
        Ok((mac, _)) => mac.0[5],
        Err(_) => panic!("the neighbour is known"),
    };
    assert_eq!(found(&mut neighbours), 2);
    neighbours.learn(now, answer(2, 9, ClaimKind::Unsolicited), &config);
    assert_eq!(found(&mut neighbours), 9);
}

/// A cache of eight with one neighbour that a socket uses and that has answered.
fn one_in_use() -> (Neighbours, Config, Instant) {
    let (mut neighbours, mut config, now) = setup();
    config.neighbours_max = 8;
    let _ = neighbours.resolve(now, key(2), of_socket(), &config);
    neighbours.learn(now, answer(2, 2, ClaimKind::Solicited), &config);
    (neighbours, config, now)
}

fn indices_agree(neighbours: &Neighbours) {
    let lens = (neighbours.entries.len(), neighbours.due.len(), neighbours.worths.len());
    assert_eq!(lens, (lens.0, lens.0, lens.0));
    for (key, entry) in &neighbours.entries {
        assert!(neighbours.due.contains(&(entry.due, *key)));
        assert!(neighbours.worths.contains(&(entry.worth(), entry.created, *key)));
    }
}

#[test]
fn a_scan_of_the_link_does_not_push_out_a_neighbour_that_answers() {
    let (mut neighbours, config, now) = one_in_use();
    for n in 3..200 {
        let _ = neighbours.resolve(now, key(n), of_socket(), &config);
    }
    indices_agree(&neighbours);
    assert_eq!(neighbours.len(), 8);
    assert!(neighbours.resolve(now, key(2), of_socket(), &config).is_ok());
}

#[test]
fn strangers_take_each_others_places_and_no_place_of_ours() {
    let (mut neighbours, config, mut now) = one_in_use();
    let _ = neighbours.resolve(now, key(3), of_socket(), &config);
    for n in 4..200 {
        now += Duration::from_micros(1);
        let claim = answer(n, n, ClaimKind::Unsolicited);
        neighbours.learn(now, Claim { remember: true, ..claim }, &config);
        let _ = neighbours.resolve(now, key(n), (Frame::default(), Demand::Answer), &config);
    }
    indices_agree(&neighbours);
    assert_eq!(neighbours.len(), 8);
    assert!(neighbours.resolve(now, key(2), of_socket(), &config).is_ok());
    assert!(neighbours.entries.contains_key(&key(3)), "we want it, and its answer may be on its way");
    assert!(neighbours.entries.contains_key(&key(199)), "the latest stranger has an oldest one's place");
    assert!(!neighbours.entries.contains_key(&key(4)));
    // What a socket wants takes a stranger's place.
    let new = neighbours.resolve(now, key(200), of_socket(), &config);
    assert_eq!(new.err(), Some(Unresolved::Waiting { solicit: true, dropped: 0 }));
}

#[test]
fn a_stranger_is_refused_where_everything_is_in_use() {
    let (mut neighbours, config, now) = one_in_use();
    for n in 3..10 {
        let _ = neighbours.resolve(now, key(n), of_socket(), &config);
        neighbours.learn(now, answer(n, n, ClaimKind::Solicited), &config);
    }
    let claim = answer(10, 10, ClaimKind::Unsolicited);
    neighbours.learn(now, Claim { remember: true, ..claim }, &config);
    let refused = neighbours.resolve(now, key(11), (Frame::default(), Demand::Answer), &config);
    assert_eq!(refused.err(), Some(Unresolved::TableFull));
    let refused = neighbours.resolve(now, key(12), of_socket(), &config);
    assert_eq!(refused.err(), Some(Unresolved::TableFull), "confirmed and in use: it stays");
    indices_agree(&neighbours);
    assert!((2..10).all(|n| neighbours.entries.contains_key(&key(n))));
}

#[test]
fn what_only_answers_use_is_worth_less_than_what_a_socket_wants() {
    let (mut neighbours, config, mut now) = one_in_use();
    for n in 3..10 {
        let _ = neighbours.resolve(now, key(n), (Frame::default(), Demand::Answer), &config);
        neighbours.learn(now, answer(n, n, ClaimKind::Solicited), &config);
    }
    let asked = neighbours.resolve(now, key(20), of_socket(), &config);
    assert_eq!(asked.err(), Some(Unresolved::Waiting { solicit: true, dropped: 0 }));
    // Ours became stale, and only an answer used it since: it is a stranger's again.
    now += config.neighbour_reachable;
    while neighbours.expire(now, &config).is_some() {}
    assert_eq!(neighbours.entries[&key(2)].worth(), Worth::Wanted);
    let _ = neighbours.resolve(now, key(2), (Frame::default(), Demand::Answer), &config);
    assert_eq!(neighbours.entries[&key(2)].worth(), Worth::Answered);
    indices_agree(&neighbours);
}

#[test]
fn the_table_gives_back_what_a_scan_made_it_take() {
    let (mut neighbours, config, mut now) = setup();
    let scanned = |n: u32| (InterfaceId(0), Address::from(Ipv4Addr::from_bits(0x0a00_0000 + n)));
    for n in 0..1_000 {
        let _ = neighbours.resolve(now, scanned(n), (of_bytes(60), Demand::Answer), &config);
    }
    let most = neighbours.held_bytes();
    while let Some(due) = neighbours.next_due() {
        now = due;
        while neighbours.expire(now, &config).is_some() {}
    }
    assert_eq!(neighbours.len(), 0);
    assert!(neighbours.held_bytes() * 4 < most, "{} of {most}", neighbours.held_bytes());
}
