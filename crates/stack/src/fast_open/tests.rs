use super::*;

fn flow(local: &str, remote: &str) -> FlowKey {
    FlowKey::new(format!("{local}:80").parse().unwrap(), format!("{remote}:999").parse().unwrap())
}

/// As `sysctl net.ipv4.tcp_fastopen_key` writes it: four numbers, each with its lowest byte first.
fn key(words: [u32; 4]) -> [u8; 16] {
    let mut key = [0; 16];
    for (word, into) in words.iter().zip(key.chunks_exact_mut(4)) {
        into.copy_from_slice(&word.to_le_bytes());
    }
    key
}

fn hex(cookie: FastOpenCookie) -> String {
    cookie.as_slice().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What Linux makes of the same keys and addresses, read off the wire.
#[test]
fn cookies_are_those_of_linux() {
    let v4 = flow("192.168.0.1", "192.0.2.1");
    let keyed = key([0xa1a1_a1a1, 0xb2b2_b2b2, 0xc3c3_c3c3, 0xd4d4_d4d4]);
    assert_eq!(hex(cookie(&keyed, &v4, false)), "3021b9d889017eeb");
    assert_eq!(hex(cookie(&[0; 16], &v4, false)), "b7c12350a90dc8f5");
}

#[test]
fn a_cookie_is_for_one_client_at_one_server_and_under_one_key() {
    let ours = flow("192.0.2.1", "198.51.100.7");
    let one = cookie(&[7; 16], &ours, false);
    assert_eq!(one, cookie(&[7; 16], &ours, false));
    assert_ne!(one, cookie(&[8; 16], &ours, false));
    assert_ne!(one, cookie(&[7; 16], &flow("192.0.2.1", "198.51.100.8"), false));
    assert_ne!(one, cookie(&[7; 16], &flow("192.0.2.2", "198.51.100.7"), false));
    let elsewhere = flow("192.0.2.2", "198.51.100.7");
    assert_eq!(
        cookie(&[7; 16], &ours, true),
        cookie(&[7; 16], &elsewhere, true),
        "FreeBSD's has the client alone"
    );
    let v6 = |local: &str| flow(local, "[2001:db8::7]");
    assert_ne!(cookie(&[7; 16], &v6("[2001:db8::1]"), false), cookie(&[7; 16], &v6("[2001:db8::2]"), false));
}

#[test]
fn the_old_keys_cookie_is_taken_and_replaced_and_any_other_only_replaced() {
    let flow = flow("192.0.2.1", "198.51.100.7");
    let keys = FastOpenKeys { primary: [1; 16], backup: None }.rotated([2; 16]);
    let of = |key: u8| cookie(&[key; 16], &flow, false);
    let taken = |cookie| FastOpenAnswer { text: SynText::Taken, cookie };
    assert_eq!(judge(&keys, &flow, of(2), false), taken(None));
    assert_eq!(judge(&keys, &flow, of(1), false), taken(Some(of(2))));
    let waits = FastOpenAnswer { text: SynText::Waits, cookie: Some(of(2)) };
    assert_eq!(judge(&keys, &flow, of(3), false), waits);
    for wrong in [&[][..], &of(2).as_slice()[..4], &[9; 16]] {
        assert_eq!(judge(&keys, &flow, FastOpenCookie::new(wrong).unwrap(), false), waits);
    }
    let asked = of(3).as_experiment();
    assert!(judge(&keys, &flow, asked, false).cookie.is_some_and(|cookie| cookie.experimental));
}

#[test]
fn those_that_were_reset_count_for_a_minute() {
    let start = Instant::from_millis(5);
    let mut queue = FastOpenQueue::new(FastOpenOptions::new(2));
    assert!(queue.has_room(start));
    queue.pending = 2;
    assert!(!queue.has_room(start));
    queue.leave(start, End::Reset);
    assert!(!queue.has_room(start), "it counts on");
    queue.leave(start, End::Proven);
    assert!(queue.has_room(start));
    assert!(!FastOpenQueue::new(FastOpenOptions::new(0)).has_room(start));
    queue.pending = 1;
    assert!(!queue.has_room(start + Duration::from_millis(59_999)));
    assert!(queue.has_room(start + RESET_COUNTS_FOR));
    for _ in 0..1_000 {
        queue.pending = 1;
        queue.leave(start, End::Reset);
    }
    assert_eq!(queue.reset.len(), 2, "bounded by the option");
}

#[test]
fn keys_do_not_get_into_logs() {
    let keys = FastOpenKeys { primary: [0xab; 16], backup: Some([0xcd; 16]) };
    assert_eq!(format!("{keys:?}"), "FastOpenKeys { has_backup: true, .. }");
}
