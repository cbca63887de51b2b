use super::*;
use crate::ladder::Options;
use crate::{Style, page as pages};
use lens::{Config, KeepSegments, Kept, Lens};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::PathBuf;
use wire::Seq;
use wire::tcp::Flags;

const CLIENT_ISN: u32 = 4_225_926_656;
const SERVER_ISN: u32 = 3_022_381_253;

/// One segment of a small HTTP exchange: milliseconds, whether the client sent it, and what it says.
type Line = (u64, bool, Flags, u32, u32, u32);

pub(crate) fn exchange() -> Kept {
    let (syn, ack, psh, fin) = (Flags::SYN, Flags::ACK, Flags::PSH | Flags::ACK, Flags::FIN | Flags::ACK);
    let lines: [Line; 11] = [
        (0, true, syn, 0, 0, 0),
        (10, false, syn | ack, 0, 1, 0),
        (20, true, ack, 1, 1, 0),
        (21, true, psh, 1, 1, 1_187),
        (231, true, psh, 1, 1, 1_187),
        (241, false, ack, 1, 1_188, 0),
        (250, false, psh, 1, 1_188, 537),
        (251, false, fin, 538, 1_188, 0),
        (260, true, ack, 1_188, 539, 0),
        (270, true, fin, 1_188, 539, 0),
        (280, false, ack, 539, 1_189, 0),
    ];
    explain(&lines)
}

fn explain(lines: &[Line]) -> Kept {
    explain_with(lines, |_| {})
}

/// The same of segments that `change` has changed.
fn explain_with(lines: &[Line], change: impl Fn(&mut Segment)) -> Kept {
    let mut lens = Lens::new(Config::default());
    let mut kept = Kept { keep_segments: KeepSegments::All, ..Kept::default() };
    let ends = ["10.0.0.1:49152", "10.0.0.2:80"].map(|end| end.parse().expect("an address and a port"));
    for (index, (ms, is_client, flags, seq, ack, text_bytes)) in lines.iter().copied().enumerate() {
        let isns = if is_client { (CLIENT_ISN, SERVER_ISN) } else { (SERVER_ISN, CLIENT_ISN) };
        let mut segment = Segment {
            frame: index as u32 + 1,
            time: Instant::from_millis(1_700_000_000_000 + ms),
            source: ends[usize::from(!is_client)],
            destination: ends[usize::from(is_client)],
            seq: Seq::new(isns.0.wrapping_add(seq)),
            ack: Seq::new(if flags.ack() { isns.1.wrapping_add(ack) } else { 0 }),
            flags,
            text_bytes,
            frame_bytes: 54 + text_bytes,
            ip_bytes: 40 + text_bytes,
            ip_id: Some(index as u16),
            ..Segment::default()
        };
        change(&mut segment);
        lens.take(&segment, &mut kept);
    }
    lens.finish(&mut kept);
    kept
}

#[test]
fn a_captured_exchange_looks_like_this() {
    let kept = exchange();
    let drawn = ladder(&kept.connections[0], &kept.segments);
    crate::snapshot::check("captured/ladder.txt", &drawn.text(&Options::default(), &Style::PLAIN));
    crate::snapshot::check(
        "captured/connections.txt",
        &connections(&kept.connections, Language::English).text(&Style::PLAIN),
    );
    let zeek = zeek_header() + &zeek_line(&kept.connections[0]) + ZEEK_FOOTER;
    crate::snapshot::check("captured/conn.log", &zeek);
    let origin = kept.connections[0].first_time;
    let csv: String = kept.segments.iter().map(|(s, a)| segment_csv(s, a, origin)).collect();
    crate::snapshot::check("captured/segments.csv", &(SEGMENT_CSV_HEADER.to_owned() + &csv));
    crate::snapshot::check("captured/records.ndjson", &lines(&kept).concat());
}

fn lines(kept: &Kept) -> Vec<String> {
    let records = Records::since(kept.connections[0].first_time);
    let segments = kept.segments.iter().map(|(segment, analysis)| records.segment(segment, analysis));
    let connections = kept.connections.iter().map(|connection| records.connection(connection));
    let findings = kept.findings.iter().map(|finding| records.finding(finding));
    let notices = kept.notices.iter().map(|notice| records.notice(notice));
    let groups = kept.groups.iter().map(|group| records.group(group));
    segments.chain(connections).chain(findings).chain(groups).chain(notices).collect()
}

#[test]
fn the_ladder_has_the_raw_numbers_and_the_states() {
    let kept = exchange();
    let drawn = ladder(&kept.connections[0], &kept.segments);
    assert_eq!(drawn.ends[0].isn, Some(Seq::new(CLIENT_ISN)));
    assert_eq!(drawn.ends[1].isn, Some(Seq::new(SERVER_ISN)));
    assert_eq!(drawn.story().sent_bytes, [1_187, 537]);
    let text = drawn.text(&Options::default(), &Style::PLAIN);
    assert!(text.contains("● ESTABLISHED") && text.contains("● LAST-ACK"), "{text}");
    assert!(text.contains("10.0.0.1:49152 opened, 10.0.0.2:80 closed first"), "{text}");
}

#[test]
fn comments_are_for_what_is_remarkable() {
    let kept = exchange();
    let comments: Vec<Option<String>> = kept
        .segments
        .iter()
        .map(|(segment, analysis)| comment(segment, analysis, Language::English))
        .collect();
    assert!(comments[4].as_deref().is_some_and(|text| text.contains("tcp.analysis: retransmission")));
    assert!(comments[0].as_deref().is_some_and(|text| text.contains("SYN-SENT -> SYN-RECEIVED")));
    assert_eq!(comments[3], None);
}

/// Checks a value against the part of JSON Schema that ours uses; returns what is wrong.
fn check(schema: &Value, root: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
    if let Some(path) = schema["$ref"].as_str() {
        let name = path.rsplit('/').next().unwrap_or_default();
        return check(&root["$defs"][name], root, value, at, wrong);
    }
    let fits = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_u64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        _ => true,
    };
    let in_list = schema["enum"].as_array().is_none_or(|list| list.contains(value));
    if !fits || !in_list {
        wrong.push(format!("{at} is {value}"));
    }
    if let Some(object) = value.as_object() {
        for (name, part) in object {
            match schema["properties"].get(name) {
                Some(schema) => check(schema, root, part, &format!("{at}.{name}"), wrong),
                None if schema["additionalProperties"].is_object() => {
                    check(&schema["additionalProperties"], root, part, &format!("{at}.{name}"), wrong);
                }
                None => wrong.push(format!("{at}.{name} is not in the schema")),
            }
        }
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !object.contains_key(name) {
                wrong.push(format!("{at} has no {name}"));
            }
        }
    }
    for part in value.as_array().into_iter().flatten() {
        check(&schema["items"], root, part, &format!("{at}[]"), wrong);
    }
}

fn check_lines(kept: &Kept) -> BTreeSet<String> {
    let schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    let mut kinds = BTreeSet::new();
    for line in lines(kept) {
        let value: Value = serde_json::from_str(&line).expect("the line is JSON");
        let kind = value["type"].as_str().expect("the line has a type").to_owned();
        let mut wrong = Vec::new();
        check(&schema["$defs"][&kind], &schema, &value, &kind, &mut wrong);
        assert!(wrong.is_empty(), "{wrong:?} in {line}");
        kinds.insert(kind);
    }
    kinds
}

#[test]
fn the_lines_are_as_the_schema_says() {
    let kinds = check_lines(&exchange());
    assert!(kinds.contains("segment") && kinds.contains("connection"), "{kinds:?}");
}

#[test]
fn an_icmp_error_is_an_event_of_the_router_and_not_an_arrow() {
    let mut kept = exchange();
    let (mut quoted, analysis) = kept.segments[3];
    quoted.frame = 900;
    let error = lens::IcmpError::new("10.0.1.1".parse().expect("an address"), 3, 4, Some(1_400));
    quoted.icmp = Some(error);
    let arrows = ladder(&kept.connections[0], &kept.segments).steps.len();
    kept.segments.insert(4, (quoted, analysis));
    let drawn = ladder(&kept.connections[0], &kept.segments);
    assert_eq!(drawn.steps.len(), arrows + 1);
    let seq = analysis.relative_seq;
    let said = format!("ICMP 10.0.1.1: fragmentation needed, MTU 1400 (seq {seq} of {})", quoted.source);
    let text = drawn.text(&Options::default(), &Style { width: 120, ..Style::PLAIN });
    assert!(text.contains("ICMP 10.0.1.1: fragmentation needed, MTU 1400"), "{text}");
    let data = page(&kept, "icmp.pcap", Language::English);
    assert_eq!(data.connections[0].segments.len(), arrows);
    assert_eq!(data.connections[0].notes[0].text, said);
    assert_eq!(segment_csv(&quoted, &analysis, Instant::ZERO), "");
    let line = Records::since(Instant::ZERO).segment(&quoted, &analysis);
    assert!(line.contains("\"type\":\"icmp\"") && line.contains("\"mtu\":1400"), "{line}");
    let kinds = check_lines(&kept);
    assert!(kinds.contains("icmp"), "{kinds:?}");
    assert_eq!(comment(&quoted, &analysis, Language::English), Some(format!("synfin: {said}")));
}

#[test]
fn the_line_of_contents_is_as_the_schema_says() {
    let mut contents = lens::Contents::default();
    contents.note(Ok(()));
    for number in 0..70 {
        contents.note(Err(capture::NotTcp::Ethertype(0x8000 + number % 69).into()));
    }
    let line = Records::since(Instant::ZERO).contents(&contents);
    let value: Value = serde_json::from_str(&line).expect("the line is JSON");
    let schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    let mut wrong = Vec::new();
    check(&schema["$defs"]["contents"], &schema, &value, "contents", &mut wrong);
    assert!(wrong.is_empty(), "{wrong:?} in {line}");
    assert_eq!((&value["packets"], &value["tcp"], &value["other_kinds"]), (&71.into(), &1.into(), &5.into()));
    assert_eq!(value["not_tcp"][0], serde_json::json!({"what": "Ethertype 0x8000", "packets": 2}));
}

#[test]
fn the_schema_check_can_fail() {
    let schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    let mut wrong = Vec::new();
    let value = serde_json::json!({"type": "finding", "id": 3, "severity": "dire", "colour": "red", "numbers": {"times": "x"}});
    check(&schema["$defs"]["finding"], &schema, &value, "finding", &mut wrong);
    assert_eq!(wrong.len(), 9, "{wrong:?}");
}

#[test]
fn a_page_of_a_capture_has_its_connections() {
    let kept = exchange();
    let data = page(&kept, "exchange.pcap", Language::English);
    let connection = &data.connections[0];
    assert_eq!(connection.isn, [Some(CLIENT_ISN), Some(SERVER_ISN)]);
    assert_eq!(connection.segments.len(), 11);
    assert_eq!(connection.segments[4].why, "rto");
    assert_eq!(connection.first_states, [Some("CLOSED"), Some("LISTEN")]);
    assert!(pages::html(&data).contains("10.0.0.2:80"));
}

#[test]
fn a_page_tells_of_closed_windows_and_icmp_errors() {
    let ack = Flags::ACK;
    let lines: Vec<Line> = vec![
        (0, true, Flags::SYN, 0, 0, 0),
        (10, false, Flags::SYN | ack, 0, 1, 0),
        (20, true, ack, 1, 1, 0),
        (20, true, ack, 1, 1, 1_000),
        (30, false, ack, 1, 1_001, 0),
        (40, false, ack, 1, 1_001, 0),
        (130, false, ack, 1, 1_001, 0),
        (140, true, ack, 1_001, 1, 1_400),
        (150, true, ack, 1_001, 1, 1_400),
    ];
    let kept = explain_with(&lines, |segment| match segment.frame {
        5 | 6 => segment.window = 0,
        9 => {
            segment.whole = lens::Whole::QuotedInIcmp;
            segment.icmp =
                Some(lens::IcmpError::new("10.0.1.1".parse().expect("an address"), 3, 4, Some(1_400)));
        }
        _ => segment.window = 60_000,
    });
    let data = page(&kept, "window.pcap", Language::English);
    let told: Vec<_> = data.connections[0]
        .events
        .iter()
        .map(|event| (event.kind, event.side, event.frame, event.until.map(|until| (until * 1e3).round())))
        .collect();
    assert_eq!(told, [("icmp", 0, 9, None), ("zero-window", 1, 5, Some(130.0))]);
    assert_eq!(data.connections[0].events[0].text, "ICMP 10.0.1.1: fragmentation needed, MTU 1400");
}

/// Connections between long addresses, and what was found, at every width: addresses are never cut, and rows fit.
#[test]
fn tables_fit_into_eighty_columns_with_legible_addresses() {
    let mut kept = exchange();
    let hosts = ["2001:db8:85a3:1:2:3:370:7334", "2001:db8:85a3:1:2:3:371:7334", "192.168.100.200"];
    let host = |at: usize| hosts[at].parse::<std::net::IpAddr>().expect("an address");
    for (client, server) in [(0, 1), (1, 0), (2, 2)] {
        let mut other = kept.connections[0].clone();
        other.addresses = [(host(client), 65_535).into(), (host(server), 49_152).into()];
        kept.connections.push(other);
    }
    for charset in [crate::Charset::Unicode, crate::Charset::Ascii] {
        for width in [60, 80, 100, 160, 200] {
            let style = Style { width, charset, ..Style::PLAIN };
            let text = connections(&kept.connections, Language::English).text(&style);
            let found = findings(&kept.findings, Language::English).text(&style)
                + &groups(&kept.groups, 9, Language::English).0.text(&style);
            for line in text.lines().chain(found.lines()) {
                assert!(line.chars().count() <= width, "{width}: {line}\n{text}");
            }
            assert!(!text.contains(if charset == crate::Charset::Ascii { "~  " } else { "…  " }), "{text}");
            let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(words.contains("192.168.100.200:65535 192.168.100.200:49152"), "{text}");
            for long in &hosts[..2] {
                assert!(text.contains(long), "{width}: {long} is not told\n{text}");
            }
            let is_short = text.contains(if charset == crate::Charset::Ascii { ":~:" } else { ":…:" });
            assert_eq!(is_short, width < 150, "{width}\n{text}");
        }
    }
    let text = connections(&kept.connections, Language::English).text(&Style { width: 80, ..Style::PLAIN });
    assert!(text.contains("[2001:…:370:7334]:65535") && text.contains("[2001:…:371:7334]:49152"), "{text}");
    assert!(text.contains("a wider terminal also shows: packets"), "{text}");
}

/// The spans of a page's strips are as long as the lens's totals, but for what the lens remembers beyond the page: which
/// segments sent twice are in flight.
fn check_strips(kept: &Kept, data: &pages::Data, name: &str) {
    for connection in data.connections.iter().filter(|connection| connection.segments_left_out == 0) {
        for (spans, limited) in connection.limits.iter().zip(connection.limited) {
            assert!(spans.is_sorted_by(|a, b| a.to <= b.from), "{name}: {spans:?}");
            for (by, total) in limited.into_iter().enumerate() {
                let waited: f64 = spans.iter().map(|span| span.waited[by]).sum();
                let wrong = (waited - total).abs() > 1e-6 + 0.02 * limited.iter().sum::<f64>();
                assert!(!wrong, "{name}, stream {}: {by} {waited} of {total}", connection.stream);
            }
        }
    }
    assert_eq!(data.connections.len(), kept.connections.len());
}

#[test]
fn a_page_tells_what_limited_a_sender_when() {
    let ack = Flags::ACK;
    let lines: Vec<Line> = vec![
        (0, true, Flags::SYN, 0, 0, 0),
        (10, false, Flags::SYN | ack, 0, 1, 0),
        (20, true, ack, 1, 1, 0),
        (20, true, ack, 1, 1, 1_000),
        (30, false, ack, 1, 1_001, 0),
        (130, true, ack, 1_001, 1, 1_000),
        (131, true, ack, 2_001, 1, 1_000),
        (140, false, ack, 1, 3_001, 0),
    ];
    let kept = explain(&lines);
    let data = page(&kept, "limits.pcap", Language::English);
    check_strips(&kept, &data, "limits");
    let waited: Vec<[u32; 4]> = data.connections[0].limits[0]
        .iter()
        .map(|span| span.waited.map(|seconds| (seconds * 1e3).round() as u32))
        .collect();
    assert_eq!(waited, [[0, 20, 0, 0], [90, 0, 0, 0], [0, 1, 0, 0]], "{:?}", data.connections[0].limits);
}

#[test]
fn a_page_tells_what_a_sender_kept_back_itself() {
    let ack = Flags::ACK;
    let mut lines: Vec<Line> = vec![
        (0, true, Flags::SYN, 0, 0, 0),
        (10, false, Flags::SYN | ack, 0, 1, 0),
        (10, true, ack, 1, 1, 0),
        (10, true, ack, 1, 1, 100),
    ];
    for number in 1..4 {
        let ms = 10 + u64::from(number) * 40;
        lines.push((ms, false, ack, 1, 1 + 100 * number, 0));
        lines.push((ms, true, ack, 1 + 100 * number, 1, 100));
    }
    let kept = explain(&lines);
    let data = page(&kept, "nagle.pcap", Language::English);
    check_strips(&kept, &data, "nagle");
    let own: f64 = data.connections[0].limits[0].iter().map(|span| span.waited[3]).sum();
    assert_eq!((own * 1e3).round() as u32, 120, "{:?}", data.connections[0].limits);
    let story = data.connections[0].story.join(" ");
    assert!(
        story.contains("held back by itself 100.0 %; it held 3 small segments back until the one"),
        "{story}"
    );
}

#[test]
fn a_page_has_the_events_and_the_groups() {
    let data = page(&exchange(), "exchange.pcap", Language::English);
    let connection = &data.connections[0];
    let events: Vec<_> =
        connection.events.iter().map(|event| (event.kind, event.frame, event.side)).collect();
    assert!(events.contains(&("timeout", 5, 0)), "{events:?}");
    assert_eq!(connection.ending, "server closed first");
    assert_eq!(connection.last_states, [Some("CLOSED"), Some("TIME-WAIT")]);
    assert_eq!(connection.again, [1, 0]);
    for finding in &data.findings {
        let group = &data.groups[finding.group.expect("the lens groups all findings")];
        assert_eq!(group.severity, finding.severity);
        assert!(group.count > 1 || group.text == finding.text);
    }
    let mut counts = vec![0u64; data.groups.len()];
    data.findings.iter().filter_map(|finding| finding.group).for_each(|group| counts[group] += 1);
    assert_eq!(counts, data.groups.iter().map(|group| group.count).collect::<Vec<_>>());
}

/// Reads a file of the shared captures; `None` when they are not here.
fn read(path: &std::path::Path) -> Option<Kept> {
    let mut reader = capture::Reader::new(std::fs::File::open(path).ok()?).ok()?;
    let mut decoder = capture::Decoder::new();
    let mut lens = Lens::new(Config::default());
    let mut kept = Kept { keep_segments: KeepSegments::All, ..Kept::default() };
    while let Some(record) = reader.next() {
        let Ok(record) = record else { break };
        if let Ok(decoded) = decoder.decode(&record)
            && let Some(segment) = Segment::of_packet(&record, &decoded)
        {
            lens.take(&segment, &mut kept);
        }
    }
    lens.finish(&mut kept);
    Some(kept)
}

#[test]
fn every_shared_capture_becomes_ladders_lines_and_a_page() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/captures");
    let Ok(files) = std::fs::read_dir(&folder) else {
        drop(writeln!(
            std::io::stderr(),
            "skipped: the folder {} with captures is not here",
            folder.display()
        ));
        return;
    };
    let mut read_files = 0;
    for file in files.filter_map(Result::ok).map(|entry| entry.path()) {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !name.ends_with(".pcap") && !name.ends_with(".pcapng") {
            continue;
        }
        let Some(kept) = read(&file).filter(|kept| !kept.connections.is_empty()) else { continue };
        read_files += 1;
        check_lines(&kept);
        for connection in kept.connections.iter().take(20) {
            let drawn = ladder(connection, &kept.segments);
            let options = Options { fold_over: Some(10), ..Options::default() };
            let text = drawn.text(&options, &Style { width: 100, ..Style::PLAIN });
            assert!(!text.contains('\x1b'), "{name}: {text}");
        }
        let data = page(&kept, &name, Language::English);
        check_strips(&kept, &data, &name);
        let html = pages::html(&data);
        if let Some(out) = std::env::var_os("SYNFIN_SAMPLE_PAGES") {
            std::fs::write(PathBuf::from(out).join(format!("{name}.html")), html)
                .expect("a page can be written");
        }
    }
    assert!(read_files > 10, "only {read_files} captures could be read");
}

#[test]
fn a_split_handshake_has_one_opener() {
    let (syn, ack) = (Flags::SYN, Flags::ACK);
    let lines: [Line; 4] = [
        (0, true, syn, 0, 0, 0),
        (1, false, syn, 0, 0, 0),
        (2, true, syn | ack, 0, 1, 0),
        (3, false, ack, 1, 1, 0),
    ];
    let kept = explain(&lines);
    let story = ladder(&kept.connections[0], &kept.segments).story_lines(Language::English);
    assert!(story[0].starts_with("10.0.0.1:49152 opened"), "{story:?}");
}

/// An exchange of ends that have agreed on AccECN; the server tells of a mark, by number and option.
fn accurate_ecn() -> Kept {
    let with = |flags: Flags, number: u16| flags | Flags::from_bits(number << 6);
    let (syn, ack) = (Flags::SYN, Flags::ACK);
    let lines: [Line; 5] = [
        (0, true, with(syn, 0b111), 0, 0, 0),
        (10, false, with(syn | ack, 0b010), 0, 1, 0),
        (20, true, with(ack, 0b010), 1, 1, 0),
        (21, true, with(ack, 5), 1, 1, 1_000),
        (31, false, with(ack, 6), 1, 1_001, 0),
    ];
    let mut kept = explain(&lines);
    kept.segments[4].0.options.accurate_ecn = Some(wire::tcp::AccurateEcn::with_e0b_first(&[1, 1_000]));
    kept
}

#[test]
fn where_accurate_ecn_is_agreed_on_its_number_is_shown_everywhere() {
    let kept = accurate_ecn();
    let text = ladder(&kept.connections[0], &kept.segments).text(&Options::default(), &Style::PLAIN);
    for words in ["SYN,ECE,CWR,AE", "asks for AccECN", "ACK,ACE=5", "ACK,ACE=6", "r.ceb=1000"] {
        assert!(text.contains(words), "no {words} in\n{text}");
    }
    let csv: Vec<String> =
        kept.segments.iter().map(|(s, a)| segment_csv(s, a, kept.connections[0].first_time)).collect();
    assert!(csv[1].contains(",SYN ACK CWR,") && csv[3].contains(",ACK ACE=5,"), "{csv:?}");
    let page = page(&kept, "marks.pcap", Language::English);
    let segments = &page.connections[0].segments;
    assert_eq!(
        (segments[4].flags.as_str(), segments[4].options.as_str()),
        ("ACK, ACE=6", "r.e0b=1 r.ceb=1000")
    );
    check_lines(&kept);
    let lines: Vec<Value> =
        lines(&kept).iter().map(|line| serde_json::from_str(line).expect("the line is JSON")).collect();
    assert_eq!((&lines[1]["flags"], &lines[1]["ace"]), (&"SYN, ACK, CWR".into(), &Value::Null));
    assert_eq!((&lines[4]["flags"], &lines[4]["ace"]), (&"ACK, ACE=6".into(), &6.into()));
    assert_eq!(lines[4]["accurate_ecn"], serde_json::json!({"e0b": 1, "ceb": 1_000}));
    let connection = &lines[5];
    assert_eq!(connection["ecn"], "accurate");
    assert_eq!(connection["sent_src"]["marked"]["told_packets"], 1);
}

#[test]
fn without_a_handshake_the_flags_stay_flags() {
    let number = Flags::ACK | Flags::AE | Flags::ECE;
    let kept = explain(&[(0, true, number, 1, 1, 900), (10, false, number, 1, 901, 0)]);
    let text = ladder(&kept.connections[0], &kept.segments).text(&Options::default(), &Style::PLAIN);
    assert!(text.contains("ACK,ECE,AE") && !text.contains("ACE="), "{text}");
}

#[test]
fn a_page_holds_so_many_connections_and_says_how_many_there_are() {
    let kept_of = |keep_segments| {
        let mut lens = Lens::new(Config::default());
        let mut kept = Kept { keep_segments, connections_max: 3, ..Kept::default() };
        for port in 0..10 {
            let segment = Segment {
                frame: u32::from(port) + 1,
                time: Instant::from_millis(u64::from(port)),
                source: std::net::SocketAddr::from(([10, 0, 0, 1], 40_000 + port)),
                destination: std::net::SocketAddr::from(([10, 0, 0, 2], 80)),
                flags: Flags::SYN,
                ..Segment::default()
            };
            lens.take(&segment, &mut kept);
        }
        lens.finish(&mut kept);
        kept
    };
    let kept = kept_of(KeepSegments::All);
    let data = page(&kept, "scan.pcap", Language::English);
    assert_eq!((data.connections.len(), kept.connections_left_out), (3, 7));
    let told =
        "The page holds 3 of 10 connections, those that ended first; filter the capture to see others.";
    assert!(data.notices.contains(&told.to_owned()), "{:?}", data.notices);
    let chosen = kept_of(KeepSegments::Stream(9));
    assert!(chosen.connections.iter().any(|connection| connection.stream == 9), "that one was asked for");
    assert_eq!(chosen.connections.len() as u64 + chosen.connections_left_out, 10);
}
