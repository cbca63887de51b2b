use super::*;
use capture::{LinkType, decode};
use lens::{Config, FindingId, GroupHost, Kept, Lens, Segment};
use std::net::SocketAddr;
use tcp::Instant;
use wire::Seq;
use wire::tcp::Flags;

/// Names of programs and formats stay as their makers write them.
#[test]
fn files_that_cannot_be_read_are_told_in_chinese() {
    for foreign in capture::Foreign::ALL {
        let said = unreadable(&Error::Foreign(foreign), "", Language::Chinese);
        assert!(said.starts_with('这') && said.contains("请"), "{said}");
        assert!(!said.contains("capture") && !said.contains("packed"), "{said}");
    }
}

#[test]
fn every_kind_is_in_the_document_of_findings() {
    let document = include_str!("../../../../docs/findings.md");
    for id in FindingId::ALL {
        let row = document.lines().find(|line| line.starts_with(&format!("| `{id}` |")));
        let row = row.unwrap_or_else(|| panic!("docs/findings.md has no row for {id}"));
        for need in id.needs().names() {
            assert!(row.contains(need), "{id} needs {need}: {row}");
        }
    }
}

/// A segment at so many milliseconds.
fn segment(frame: u32, ms: u64, [from, to]: [SocketAddr; 2], flags: Flags) -> Segment {
    Segment {
        frame,
        time: Instant::from_millis(1_000 + ms),
        source: from,
        destination: to,
        flags,
        ..Segment::default()
    }
}

fn host(last: u8, port: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, last], port))
}

fn explained(segments: &[Segment]) -> Kept {
    let mut lens = Lens::new(Config::default());
    let mut kept = Kept::default();
    segments.iter().for_each(|segment| _ = lens.take(segment, &mut kept));
    lens.finish(&mut kept);
    kept
}

/// SYNs to these ends without an answer, and the capture goes on for three seconds.
fn scan(ends: impl Iterator<Item = SocketAddr>) -> Vec<Segment> {
    let mut segments: Vec<Segment> = ends
        .enumerate()
        .map(|(n, end)| segment(n as u32 + 1, n as u64 / 100, [host(1, 40_000), end], Flags::SYN))
        .collect();
    let last = segments.len() as u32 + 1;
    segments.push(segment(last, 5_000, [host(200, 1), host(201, 2)], Flags::ACK));
    segments
}

#[test]
fn a_scan_of_ports_is_one_sentence() {
    let kept = explained(&scan((1..=1_986).map(|port| host(7, port))));
    assert_eq!(kept.groups.len(), 1, "{:?}", kept.groups);
    assert_eq!(
        group(&kept.groups[0], Language::English),
        "1,986 ports of 10.0.0.7 did not answer within 4.98 s (1,986 attempts): a filter drops them, or nobody is there"
    );
    assert_eq!(kept.groups[0].examples.len(), 3);
}

#[test]
fn a_scan_of_hosts_is_one_sentence() {
    let kept = explained(&scan((10..=120).map(|last| host(last, 22))));
    assert_eq!((kept.groups.len(), kept.groups[0].host), (1, GroupHost::With(host(1, 0).ip())));
    assert_eq!(
        group(&kept.groups[0], Language::English),
        "port 22 of 111 hosts did not answer 10.0.0.1 within 5.00 s (111 attempts): a filter drops them, or nobody is there"
    );
}

#[test]
fn few_are_told_one_by_one() {
    let kept = explained(&scan((1..=3).map(|port| host(7, port))));
    assert!(kept.groups.iter().all(FindingGroup::is_few));
    assert_eq!(
        finding(&kept.findings[0], Language::English),
        "10.0.0.7:1 did not answer within 5.00 s: 10.0.0.1:40000 sent its SYN once; a filter drops it, or the host is not there"
    );
}

#[test]
fn a_flood_of_attempts_keeps_a_few_examples() {
    let segments = scan((0..60_000u32).map(|n| SocketAddr::from(([10, 9, (n >> 8) as u8, n as u8], 80))));
    let kept = explained(&segments);
    let count: u64 = kept.groups.iter().map(|group| group.count).sum();
    let examples: usize = kept.groups.iter().map(|group| group.examples.len()).sum();
    assert_eq!(count, 60_000);
    assert!(kept.groups.len() <= 2 && examples <= 6, "{} groups, {examples} examples", kept.groups.len());
}

#[test]
fn what_limited_a_transfer_comes_with_its_shares() {
    let (client, server) = (host(1, 50_000), host(2, 80));
    let mut segments = vec![
        segment(1, 0, [client, server], Flags::SYN),
        Segment { ack: Seq::new(1), ..segment(2, 20, [server, client], Flags::SYN | Flags::ACK) },
    ];
    let numbers = |seq, ack| (Seq::new(seq), Seq::new(ack));
    for (frame, ms, is_client, (seq, ack), text_bytes) in [
        (3, 40, true, numbers(1, 1), 0),
        (4, 41, true, numbers(1, 1), 100),
        (5, 561, false, numbers(1, 101), 1_000),
        (6, 581, true, numbers(101, 1_001), 0),
        (7, 1_581, true, numbers(101, 1_001), 100),
        (8, 1_701, false, numbers(1_001, 201), 1_000),
    ] {
        let ends = if is_client { [client, server] } else { [server, client] };
        segments.push(Segment { seq, ack, text_bytes, ..segment(frame, ms, ends, Flags::ACK) });
    }
    let kept = explained(&segments);
    assert_eq!(
        limits(&kept.connections[0], Language::English),
        [
            "10.0.0.2:80 sent 1.95 KiB in 1.14 s, held back by its application 96.5 %, the network or its congestion window 3.5 %",
            "10.0.0.1:50000 sent 200 B in 1.54 s, held back by its application 64.9 %, the network or its congestion window 35.1 %",
            "10.0.0.2:80 thought 100 ms before an answer, 500 ms at most (2 answers); 10.0.0.1:50000 took 1.00 s to go on, 1.00 s at most",
        ]
    );
}

#[test]
fn what_is_there_instead_of_tcp_is_told() {
    let mut contents = Contents::default();
    assert!(left_out(&contents, Language::English).is_empty());
    assert!(no_tcp(&contents, Language::English).ends_with("it has no packets"));
    for (link_type, packet) in
        [(LinkType(147), &[0; 40][..]), (LinkType::RAW, &[0x45]), (LinkType(147), &[0; 40])]
    {
        contents.note(decode(link_type, packet, 40).map(|_| ()).map_err(Into::into));
    }
    let kinds = "2 link type 147, 1 IPv4 header cut by the capture";
    assert_eq!(
        no_tcp(&contents, Language::English),
        format!("there is no TCP connection in this capture, but 3 packets: {kinds}")
    );
    assert!(left_out(&contents, Language::English).is_empty());
    contents.note(Ok(()));
    assert_eq!(left_out(&contents, Language::English), [format!("3 of 4 packets are not TCP: {kinds}")]);
}

/// A Chinese text has Chinese characters, and no English words.
fn check_chinese(text: &str) {
    assert!(text.contains(|c: char| ('\u{4e00}'..='\u{9fff}').contains(&c)), "not Chinese: {text:?}");
    assert_eq!(latin::english_in(text), Vec::<String>::new(), "{text}");
}

#[test]
fn every_value_has_chinese_words() {
    let zh = Language::Chinese;
    let resets = tcp::ResetReason::ALL.iter().map(|why| SendReason::Reset(*why));
    for of in SendReason::ALL_BUT_RESETS.into_iter().chain(resets) {
        check_chinese(reason(of, zh));
        assert_eq!(reason(of, Language::English), of.sentence());
        if matches!(of, SendReason::Reset(_)) {
            assert_ne!(reason(of, zh), "复位", "{of:?} has no words of its own");
        }
    }
    Refusal::ALL.iter().for_each(|why| check_chinese(refusal(*why, zh)));
    for row in tcp::state::ROWS {
        check_chinese(cause(row.on, zh));
    }
    Timer::ALL.iter().for_each(|of| check_chinese(timer(*of, zh)));
    tcp::UndoSign::ALL.iter().for_each(|sign| check_chinese(&note(&NoteText::Undone(*sign), zh)));
    for why in tcp::ProbeReason::ALL {
        check_chinese(&note(&NoteText::Probing { growth: Growth::ProbeBwUp, why: *why }, zh));
    }
    for error in tcp::Error::ALL {
        check_chinese(&note(&format!("gives up: {error}").into(), zh));
    }
    lens::Notes::all().for_each(|note| check_chinese(&remark(&Remark::Note(note), zh)));
    Verdicts::all().for_each(|verdict| check_chinese(&verdicts(verdict, zh).concat()));
    FindingId::ALL.iter().for_each(|id| check_chinese(kind(*id, zh)));
    Family::ALL.into_iter().for_each(|of| check_chinese(family(of, zh)));
    for of in [Severity::Info, Severity::Warning, Severity::Problem] {
        check_chinese(severity(of, zh));
    }
    Label::ALL.iter().filter(|of| **of != Label::Rtt).for_each(|of| check_chinese(label(*of, zh)));
    (0..64).for_each(|bits| check_chinese(completeness(Completeness::from_bits(bits), zh)));
}

#[test]
fn every_icmp_error_has_chinese_words() {
    for from in ["10.0.0.1", "2001:db8::1"] {
        let from = from.parse().expect("an address");
        for (kind, code) in (0..=u8::MAX).flat_map(|kind| (0..=20).map(move |code| (kind, code))) {
            let error = IcmpError::new(from, kind, code, Some(1_400));
            check_chinese(&icmp(&error, Language::Chinese));
            let is_known = error.name() != "error";
            assert_eq!(is_known, !icmp(&error, Language::Chinese).contains("：差错"), "{kind} {code}");
        }
    }
}

#[test]
fn every_kind_of_packet_without_tcp_has_chinese_words() {
    use capture::{Layer, NotTcp};
    let layer = Layer::Ipv4;
    for why in [
        NotTcp::Protocol(17),
        NotTcp::Protocol(200),
        NotTcp::Ethertype(0x0806),
        NotTcp::Fragment,
        NotTcp::LaterFragment(layer),
        NotTcp::Encrypted(layer),
        NotTcp::LinkManagement(layer),
        NotTcp::Damaged(layer),
        NotTcp::Cut(layer),
        NotTcp::Cut(Layer::Tcp),
        NotTcp::Malformed(Layer::Tcp),
        NotTcp::TooDeep,
    ] {
        let mut of = Contents::default();
        of.note(Err(why.into()));
        check_chinese(&no_tcp(&of, Language::Chinese));
        of.note(Ok(()));
        left_out(&of, Language::Chinese).iter().for_each(|sentence| check_chinese(sentence));
        check_chinese(&contents(&of, Language::Chinese));
    }
}

/// Every kind of finding, with no sign, with each sign that a sentence asks for, and in groups.
#[test]
fn every_kind_of_finding_is_told_in_chinese() {
    let signs = [
        "accurate-ecn",
        "across-router",
        "answer-was-sent",
        "at-end",
        "at-least",
        "bare",
        "cleared",
        "client-left",
        "closed",
        "had-asked",
        "had-cookie",
        "host-answers",
        "in-use",
        "instead-of-fin",
        "keep-alive-unanswered",
        "mss-without-syn",
        "never-acknowledged",
        "never-closed",
        "new-cookie-granted",
        "no-data",
        "no-room",
        "no-sack",
        "not-agreed",
        "not-counted",
        "not-exact",
        "not-now",
        "on-syn",
        "only-bare-syn-answered",
        "outside",
        "sack",
        "sack-of-unsent",
        "scale-too-large",
        "slow-reader",
        "timestamps",
        "unacceptable-ack",
        "window-scale",
    ];
    let numbers = [
        "answered_requests",
        "answers",
        "arrived_probes",
        "arrived_max_bytes",
        "challenges",
        "in_flight_after_bytes",
        "in_flight_before_bytes",
        "keep_alives",
        "lost_probes",
        "marked_here_packets",
        "needless_segments",
        "since_us",
        "slowed_times",
        "syns",
        "taken_bytes",
        "text_bytes",
        "times",
        "told_bytes",
        "told_round_trips",
        "unacknowledged_bytes",
        "unanswered_keep_alives",
        "watched_times",
        "watched_us",
        "window_reduced_times",
    ];
    let mut of = explained(&scan((1..=3).map(|port| host(7, port)))).findings[0].clone();
    for id in FindingId::ALL {
        for sign in std::iter::once(None).chain(signs.map(Some)) {
            of.signs = sign.into_iter().collect();
            for amount in [None, Some(1), Some(3)] {
                let known = numbers.iter().flat_map(|name| Some((*name, amount?)));
                (of.id, of.numbers) = (*id, known.collect());
                check_chinese(&finding(&of, Language::Chinese));
            }
        }
    }
}

#[test]
fn groups_and_limits_are_told_in_chinese() {
    let scans = [scan((1..=1_986).map(|port| host(7, port))), scan((10..=120).map(|last| host(last, 22)))];
    let told: Vec<String> = scans
        .iter()
        .flat_map(|segments| explained(segments).groups)
        .map(|of| group(&of, Language::Chinese))
        .collect();
    assert_eq!(
        told,
        [
            "10.0.0.7 的 1,986 个端口在 4.98 s 内没有应答连接请求（共 1,986 次尝试）：SYN 被过滤设备丢弃，或者主机不存在",
            "111 台主机的端口 22 在 5.00 s 内没有应答 10.0.0.1 的连接请求（共 111 次尝试）：SYN 被过滤设备丢弃，或者主机不存在",
        ]
    );
}

#[test]
fn the_surface_of_the_page_has_the_same_keys_in_every_language() {
    let keys = |language| page(language).iter().map(|(key, _)| *key).collect::<Vec<_>>();
    assert_eq!(keys(Language::English), keys(Language::Chinese));
    for ((key, english), (_, chinese)) in page(Language::English).iter().zip(page(Language::Chinese)) {
        for place in ["{0}", "{1}"] {
            assert_eq!(english.contains(place), chinese.contains(place), "{key}");
        }
        assert_eq!(latin::english_in(chinese), Vec::<String>::new(), "{key}: {chinese}");
    }
    let scripts = [
        include_str!("../assets/page/model.js"),
        include_str!("../assets/page/graphs.js"),
        include_str!("../assets/page/ladder.js"),
        include_str!("../assets/page/lists.js"),
        include_str!("../assets/page/main.js"),
    ];
    let all = scripts.concat();
    for (at, _) in all.match_indices("word(\"") {
        let key = all[at + 6..].split('"').next().unwrap_or_default();
        assert!(keys(Language::English).contains(&key), "the scripts ask for {key:?}");
    }
}

#[test]
fn what_programs_say_is_known() {
    let told = |said: &str| note(&said.into(), Language::Chinese);
    assert_eq!(told("connect returns: second step"), "connect 返回：第二次握手");
    assert_eq!(told("accept returns: third step"), "accept 返回：第三次握手");
    assert_eq!(told("shutdown(Write) is called"), "调用 shutdown(Write)");
    assert_eq!(told("gives up: the peer reset the connection"), "放弃：对方复位了连接");
    assert_eq!(told("GET /index.html"), "GET /index.html");
}
