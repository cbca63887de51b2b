use super::*;

const PAUSE: Duration = Duration::from_secs(3_600);
const START: Instant = Instant::from_millis(5);

fn flow(remote: u8, port: u16) -> FlowKey {
    let remote = SocketAddr::new(std::net::Ipv4Addr::new(192, 0, 2, remote).into(), port);
    FlowKey::new("198.51.100.1:50000".parse().unwrap(), remote)
}

fn peers() -> FastOpenPeers {
    FastOpenPeers::new(&Secret::new([4; 32]))
}

fn lesson(flow: &FlowKey, habits: Habits) -> Lesson<'_> {
    Lesson { now: START, flow, habits, pause: PAUSE, entries_max: 3 }
}

fn reply(outcome: FastOpenOutcome, cookie: Option<u8>) -> FastOpenReply {
    let cookie = cookie.and_then(|byte| FastOpenCookie::new(&[byte; 8]));
    let mut reply = FastOpenReply::default();
    (reply.cookie, reply.outcome, reply.peer_mss_bytes) = (cookie, outcome, Some(1_400));
    reply
}

fn shown(way: Option<FastOpen>) -> Option<Vec<u8>> {
    way.map(|fast| fast.cookie.map(|cookie| cookie.as_slice().to_vec()).unwrap_or_default())
}

#[test]
fn a_cookie_and_the_segment_size_are_kept_and_replaced() {
    let (mut peers, flow) = (peers(), flow(1, 80));
    assert_eq!(shown(peers.way(START, &flow, CookiePolicy::Required)), Some(vec![]), "asks");
    peers.learn(&lesson(&flow, Habits::Rfc), &reply(FastOpenOutcome::NoCookie, Some(7)));
    let way = peers.way(START, &flow, CookiePolicy::Required).unwrap();
    assert_eq!((shown(Some(way)), way.peer_mss_bytes), (Some(vec![7; 8]), Some(1_400)));
    assert!(peers.way(START, &flow, CookiePolicy::NotRequired).unwrap().cookie.is_none());
    peers.learn(&lesson(&flow, Habits::Rfc), &reply(FastOpenOutcome::NotTaken, Some(8)));
    assert_eq!(
        shown(peers.way(START, &flow, CookiePolicy::Required)),
        Some(vec![8; 8]),
        "no pause: it has a new one"
    );
    let another_port = FlowKey { remote_port: 443, ..flow };
    assert_eq!(shown(peers.way(START, &another_port, CookiePolicy::Required)), Some(vec![8; 8]));
}

#[test]
fn what_was_refused_is_left_alone_for_twice_as_long_each_time_and_at_that_port_only() {
    let (mut peers, flow) = (peers(), flow(1, 80));
    peers.learn(&lesson(&flow, Habits::Rfc), &reply(FastOpenOutcome::NoCookie, Some(7)));
    let mut now = START;
    for factor in [1, 2, 4, 8, 16, 32, 64, 64, 64] {
        peers.learn(&Lesson { now, ..lesson(&flow, Habits::Rfc) }, &reply(FastOpenOutcome::NotTaken, None));
        let just_before = now + PAUSE * factor - Duration::from_millis(1);
        assert_eq!(peers.way(just_before, &flow, CookiePolicy::Required), None, "{factor}");
        now += PAUSE * factor;
        assert!(peers.way(now, &flow, CookiePolicy::Required).is_some(), "{factor}");
    }
    peers.learn(&Lesson { now, ..lesson(&flow, Habits::Rfc) }, &reply(FastOpenOutcome::SynRepeated, None));
    assert!(peers.way(now, &FlowKey { remote_port: 443, ..flow }, CookiePolicy::Required).is_some());
    peers.trust(&flow);
    peers.pause(&Lesson { now, ..lesson(&flow, Habits::Rfc) });
    assert!(peers.way(now + PAUSE, &flow, CookiePolicy::Required).is_some(), "the row has ended");
}

#[test]
fn linux_forgets_refusals_and_nobody_pauses_for_no_time() {
    let (mut peers, flow) = (peers(), flow(1, 80));
    peers.learn(&lesson(&flow, Habits::Linux), &reply(FastOpenOutcome::NoCookie, Some(7)));
    peers.learn(&lesson(&flow, Habits::Linux), &reply(FastOpenOutcome::NotTaken, None));
    assert_eq!(shown(peers.way(START, &flow, CookiePolicy::Required)), Some(vec![7; 8]));
    peers.pause(&Lesson { pause: Duration::ZERO, ..lesson(&flow, Habits::Linux) });
    assert!(peers.way(START, &flow, CookiePolicy::Required).is_some());
    peers.pause(&lesson(&flow, Habits::Linux));
    assert_eq!(peers.way(START, &flow, CookiePolicy::NotRequired), None);
}

#[test]
fn a_server_that_gives_no_cookie_is_asked_in_the_other_form_or_not_for_a_while() {
    let (mut peers, flow) = (peers(), flow(1, 80));
    let asks = |peers: &FastOpenPeers, now| {
        let cookie = peers.way(now, &flow, CookiePolicy::Required)?.cookie?;
        Some(cookie.experimental)
    };
    peers.learn(&lesson(&flow, Habits::Rfc), &reply(FastOpenOutcome::NoCookie, None));
    assert_eq!((asks(&peers, START), asks(&peers, START + PAUSE)), (None, Some(false)));
    let mut peers = self::peers();
    for experimental in [true, false, false] {
        peers.learn(&lesson(&flow, Habits::Linux), &reply(FastOpenOutcome::NoCookie, None));
        assert_eq!(asks(&peers, START), Some(experimental));
    }
}

#[test]
fn tables_are_bounded() {
    let mut peers = peers();
    for remote in 0..200 {
        let flow = flow(remote, 80);
        peers.learn(&lesson(&flow, Habits::Rfc), &reply(FastOpenOutcome::NoCookie, Some(7)));
        peers.pause(&lesson(&flow, Habits::Rfc));
    }
    assert_eq!((peers.len(), peers.known.order.len(), peers.pauses.order.len()), (6, 3, 3));
    let newest = flow(199, 80);
    assert!(peers.is_paused(START, &newest) && peers.known.entries.contains_key(&ends(&newest)));
}
