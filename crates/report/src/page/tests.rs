use super::*;
use crate::ladder::{self, Arrival, Ladder, NoteKind, Side, Step};
use std::io::Write as _;
use tcp::state::State;
use tcp::{Instant, SegmentFacts, SendReason, Trace};
use wire::Seq;
use wire::tcp::Flags;

/// A page with a lossy transfer, a handshake alone, and texts that try to be markup.
pub(super) fn sample() -> Data {
    let mut connections = vec![lossy(0), lossy(1)];
    connections[1].stream = 1;
    connections[1].ends[1].address = "[2001:db8::2]:443".into();
    connections[1].segments.truncate(3);
    connections[1].moves.truncate(3);
    connections[1].notes.clear();
    connections[1].bytes = [0, 0];
    connections[1].story = vec!["</script><script>alert(1)</script>".into()];
    connections[1].ending = connections[1].story[0].clone();
    let finding = |stream, severity, text: &str, frames: Vec<u64>, section: &str| Finding {
        stream: Some(stream),
        severity,
        text: text.into(),
        frames,
        section: section.into(),
        group: None,
    };
    Data {
        language: Language::English,
        title: "A <lossy> transfer".into(),
        source: "lossy.pcapng".into(),
        notices: vec!["The file is cut short: its last packet is not whole.".into()],
        groups: vec![FindingGroup {
            severity: Severity::Warning,
            kind: "loss",
            host: "10.0.0.1".into(),
            text: "4 segments from client were lost and sent again.".into(),
            count: 1,
            section: "RFC 5681 §3.2".into(),
        }],
        findings: vec![
            finding(0, Severity::Info, "client closed first.", vec![], ""),
            finding(
                0,
                Severity::Warning,
                "4 segments from client were lost and sent again.",
                vec![60, 61],
                "RFC 5681 §3.2",
            )
            .in_group(0),
            finding(1, Severity::Error, "server never answered.", vec![1], "RFC 9293 §3.8.3"),
        ],
        connections,
    }
}

impl Finding {
    fn in_group(self, group: usize) -> Finding {
        Finding { group: Some(group), ..self }
    }
}

/// Slow start into a loss, recovery, close.
fn lossy(stream: u64) -> Connection {
    let mut builder = Builder::new();
    let mut next = 1u32;
    builder.segment(
        0,
        Side::Left,
        (0, None),
        Flags::SYN,
        0,
        [Some(State::SynSent), Some(State::SynReceived)],
    );
    let both = [Some(State::Established), None];
    builder.segment(20_000, Side::Right, (0, Some(1)), Flags::SYN, 0, both);
    builder.note(40_000, Side::Left, "connect returns");
    builder.segment(40_000, Side::Left, (1, Some(1)), Flags::NONE, 0, [None, Some(State::Established)]);
    builder.note(60_000, Side::Right, "accept returns");
    let mut at = 41_000;
    for round in 0..9u32 {
        let burst = if round < 5 { 4 << round } else { 20 + 2 * round };
        for n in 0..burst {
            let is_lost = round == 4 && (30..34).contains(&n);
            builder.data(at + u64::from(n) * 120, next, is_lost, false);
            next += 1_448;
        }
        if round == 5 {
            for n in 0..4u32 {
                builder.data(at + 9_000 + u64::from(n) * 200, 1 + (60 + 30 + n) * 1_448, false, true);
            }
        }
        let hole = 1 + 90 * 1_448;
        let acked = if round == 4 { hole } else { next };
        builder.ack(at + 20_000, acked, if round == 4 { Some((hole + 4 * 1_448, next)) } else { None });
        at += 41_000;
    }
    let fin = [Some(State::FinWait1), Some(State::CloseWait)];
    builder.segment(at, Side::Left, (next, Some(1)), Flags::FIN, 0, fin);
    builder.segment(
        at + 20_000,
        Side::Right,
        (1, Some(next + 1)),
        Flags::NONE,
        0,
        [Some(State::FinWait2), None],
    );
    let last = [Some(State::TimeWait), Some(State::LastAck)];
    builder.segment(at + 40_000, Side::Right, (1, Some(next + 1)), Flags::FIN, 0, last);
    builder.segment(
        at + 60_000,
        Side::Left,
        (next + 1, Some(2)),
        Flags::NONE,
        0,
        [None, Some(State::Closed)],
    );
    let mut connection = Connection::of_ladder(stream, &builder.ladder, Language::English);
    for segment in &mut connection.segments {
        if let Some(block) = builder.sacks.iter().find(|(at, _)| *at == segment.at) {
            segment.sack.push(block.1);
        }
        if segment.again {
            segment
                .remarks
                .push("after 41.0 ms; or a tail loss probe, or one that SACK blocks asked for ".repeat(4));
            segment.analysis.push("fast_retransmission".into());
        }
    }
    let traces: Vec<(Instant, Trace)> = (0..40u32)
        .map(|n| {
            let rtt_us = 40_000 + n * 977 % 9_000;
            let at = Instant::from_micros(40_000 + u64::from(n) * 10_000);
            (at, Trace::RttSample { rtt_us, srtt_us: rtt_us, rto_us: 240_000 })
        })
        .collect();
    connection.measure(Side::Left, Instant::ZERO, &traces);
    connection
}

struct Builder {
    ladder: Ladder,
    sacks: Vec<(f64, (u32, u32))>,
}

impl Builder {
    fn new() -> Builder {
        let end = |name: &str, address: &str, state| ladder::End {
            name: name.into(),
            address: address.into(),
            state: Some(state),
            isn: Some(Seq::new(0)),
        };
        let left = end("client", "10.0.0.1:49152", State::Closed);
        let right = end("server", "10.0.0.2:80", State::Listen);
        Builder { ladder: Ladder::between(left, right), sacks: Vec::new() }
    }

    fn segment(
        &mut self,
        at_us: u64,
        from: Side,
        (seq, ack): (u32, Option<u32>),
        flags: Flags,
        len_bytes: u32,
        states: [Option<State>; 2],
    ) -> &mut ladder::Segment {
        let flags = if ack.is_some() { flags | Flags::ACK } else { flags };
        let frame = self.ladder.steps.len() as u64 + 1;
        self.ladder.steps.push(Step::Segment(ladder::Segment {
            at: Instant::from_micros(at_us),
            from,
            facts: SegmentFacts {
                seq: Seq::new(seq),
                ack: Seq::new(ack.unwrap_or(0)),
                flags,
                len_bytes,
                window_bytes: 262_144,
            },
            ace: None,
            options: None,
            arrival: Arrival::Delivered { at: Instant::from_micros(at_us + 20_000) },
            arrives_before: None,
            why: None,
            remarks: Vec::new(),
            states,
            frame: Some(frame),
        }));
        match self.ladder.steps.last_mut() {
            Some(Step::Segment(segment)) => segment,
            other => panic!("a segment was pushed, not {other:?}"),
        }
    }

    fn data(&mut self, at_us: u64, seq: u32, is_lost: bool, is_again: bool) {
        let segment = self.segment(at_us, Side::Left, (seq, Some(1)), Flags::NONE, 1_448, [None; 2]);
        segment.why = Some(if is_again { SendReason::FastRetransmit } else { SendReason::NewData });
        if is_lost {
            segment.arrival = Arrival::Lost;
        }
    }

    fn ack(&mut self, at_us: u64, ack: u32, sack: Option<(u32, u32)>) {
        let segment = self.segment(at_us, Side::Right, (1, Some(ack)), Flags::NONE, 0, [None; 2]);
        segment.why =
            Some(if sack.is_some() { SendReason::DuplicateAck } else { SendReason::SecondSegmentAck });
        self.sacks.extend(sack.map(|block| (at_us as f64 / 1e6, block)));
    }

    fn note(&mut self, at_us: u64, side: Side, text: &str) {
        let at = Instant::from_micros(at_us);
        self.ladder.steps.push(Step::Note { at, side, kind: NoteKind::Call, text: text.into(), cause: None });
    }
}

#[test]
fn a_page_is_one_file_that_loads_nothing() {
    let page = html(&sample());
    assert!(page.contains("default-src 'none'"));
    for request in ["http://", "https://", "src=", "@import", "url(", "fetch(", "XMLHttpRequest", "import("] {
        assert!(!page.contains(request), "the page has {request}");
    }
    assert!(!page.contains("{{"), "a placeholder was left");
}

#[test]
fn what_a_peer_sent_is_never_markup() {
    let page = html(&sample());
    assert_eq!(page.matches("</script>").count(), 4, "the data ended a script");
    assert!(page.contains("<title>A &lt;lossy&gt; transfer</title>"));
    for script in SCRIPTS {
        for sink in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
            assert!(!script.contains(sink), "a script uses {sink}");
        }
    }
}

#[test]
fn the_data_of_a_page_is_the_ladders() {
    let connection = lossy(7);
    assert_eq!(connection.isn, [Some(0), Some(0)]);
    assert_eq!(connection.segments.iter().filter(|segment| segment.fate == "lost").count(), 4);
    assert_eq!(connection.segments.iter().filter(|segment| segment.again).count(), 4);
    let states: Vec<(u8, &str)> = connection.moves.iter().map(|moved| (moved.side, moved.to)).collect();
    assert_eq!(
        states,
        [
            (0, "SYN-SENT"),
            (1, "SYN-RECEIVED"),
            (0, "ESTABLISHED"),
            (1, "ESTABLISHED"),
            (0, "FIN-WAIT-1"),
            (1, "CLOSE-WAIT"),
            (0, "FIN-WAIT-2"),
            (1, "LAST-ACK"),
            (0, "TIME-WAIT"),
            (1, "CLOSED"),
        ]
    );
    assert_eq!(connection.rtt[0].len(), 40);
}

#[test]
fn the_json_of_the_page_looks_like_this() {
    let mut data = sample();
    data.connections.truncate(1);
    data.connections[0].segments.truncate(4);
    data.connections[0].rtt[0].truncate(2);
    let json = serde_json::to_string_pretty(&data).expect("page data is JSON");
    crate::snapshot::check("page/data.json", &json);
}

/// Each reason has a family, and each family its colour in both themes and its place in the legend.
#[test]
fn families_have_colours_and_words() {
    for family in Family::ALL {
        let name = family.name();
        assert_eq!(
            STYLE.matches(&format!("--r-{name}: #")).count(),
            3,
            "light, dark, and dark by the system"
        );
        assert!(STYLE.contains(&format!(".f-{name} {{ --f: var(--r-{name}); }}")), "{name}");
        for language in Language::ALL {
            let legend = [format!("family-{name}"), format!("family-about-{name}")];
            assert!(legend.iter().all(|key| !word(key, language).is_empty()), "{name}");
            assert_eq!(word(&legend[0], language), words::family(family, language));
        }
    }
    let of = [
        (SendReason::NewData, Family::New),
        (SendReason::DelayedAck, Family::Acknowledgment),
        (SendReason::Timeout, Family::Timer),
        (SendReason::SackRecovery, Family::Recovery),
        (SendReason::KeepAlive, Family::Probe),
        (SendReason::WindowUpdate, Family::Window),
        (SendReason::Reset(tcp::ResetReason::Aborted), Family::Reset),
    ];
    assert!(of.into_iter().all(|(reason, family)| Family::of(reason) == family));
}

/// Writes the sample page to the path in `SYNFIN_SAMPLE_PAGE`, so that it can be looked at.
#[test]
fn the_sample_page_can_be_written() {
    if let Some(path) = std::env::var_os("SYNFIN_SAMPLE_PAGE") {
        std::fs::write(&path, html(&sample())).expect("the sample page can be written");
    }
}

/// A browser, if one is installed.
fn browser() -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .flat_map(|folder| ["chromium", "chromium-browser", "google-chrome"].map(|name| folder.join(name)))
        .find(|program| program.is_file())
}

/// The driver's results for the sample page in headless Chromium, with a window of this size.
fn results_in_browser(browser: &std::path::Path, size: &str) -> String {
    results_of(browser, size, (&sample(), include_str!("in_browser.js")))
}

/// What a driver says of a page.
fn results_of(browser: &std::path::Path, size: &str, (data, driver): (&Data, &str)) -> String {
    let name = format!("synfin-page-{}-{size}-{}", std::process::id(), data.language.tag());
    let folder = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&folder).expect("a folder for the page can be made");
    let driver = format!("<body><script>{driver}</script>");
    let file = folder.join("page.html");
    std::fs::write(&file, html(data).replacen("<body>", &driver, 1)).expect("the page can be written");
    let output = std::process::Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--virtual-time-budget=8000", "--dump-dom"])
        .arg(format!("--window-size={size}"))
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .arg(format!("file://{}", file.display()))
        .output()
        .expect("the browser can be started");
    let dom = String::from_utf8_lossy(&output.stdout);
    let result = dom.split_once("<pre id=\"result\">").and_then(|(_, rest)| rest.split_once("</pre>"));
    let text = result.map_or_else(
        || panic!("the page did not finish: {}", String::from_utf8_lossy(&output.stderr)),
        |(text, _)| text.to_owned(),
    );
    // Not removed after a failure, so that the page can be looked at.
    std::fs::remove_dir_all(&folder).expect("the folder can be removed");
    text
}

/// Click, zoom, filter and keys in headless Chromium.
#[test]
fn the_page_works_in_a_browser() {
    let Some(browser) = browser() else {
        assert!(std::env::var_os("CI").is_none(), "there is no chromium here: install the package chromium");
        drop(writeln!(std::io::stderr(), "skipped: there is no chromium here; the package chromium has it"));
        return;
    };
    let expected = "connections=2\nfindings=3\ndrawn=true\nwhole=0 s – 470 ms\nzoomed=true\n\
                    unzoomed=0 s – 470 ms\nhover=client: ESTABLISHED\nfiltered=4 of 278 rows\ninspected=true\n\
                    jumped=61\nraw=raw\ntheme=dark\nhostile=1\nnext=true\nscripts=5";
    assert_eq!(
        results_in_browser(&browser, "1440,900").replace("few=true\n", "").replace("cut=0\n", ""),
        expected
    );
    for size in ["1280,900", "1920,1000", "500,800"] {
        let said = results_in_browser(&browser, size);
        assert!(said.contains("cut=0\n"), "{size}: {said}");
    }
    // On a phone the page is one long column; the ladder must not become as long as the connection.
    let narrow = results_in_browser(&browser, "500,800");
    assert!(narrow.contains("few=true\n") && narrow.contains("jumped=61\n"), "{narrow}");
}

/// Everything that a page shows, its buttons and hints, in Chinese.
#[test]
fn a_chinese_page_has_no_english_left() {
    let kept = crate::captured::tests::exchange();
    let data = crate::captured::page(&kept, "1.pcap", Language::Chinese);
    assert!(html(&data).contains("<html lang=\"zh-CN\">"));
    let Some(browser) = browser() else {
        assert!(std::env::var_os("CI").is_none(), "there is no chromium here: install the package chromium");
        drop(writeln!(std::io::stderr(), "skipped: there is no chromium here; the package chromium has it"));
        return;
    };
    let said = results_of(&browser, "1440,900", (&data, include_str!("in_chinese.js")));
    let english = words::latin::english_in(&said.replace("1.pcap", "").replace("cut=0", ""));
    assert!(english.is_empty(), "{english:?} in\n{said}");
    for words in ["时序图", "往返时间", "快捷键", "连接 0", "下一行", "服务器先关闭", "接收窗口", "第 1 帧"]
    {
        assert!(said.contains(words), "no {words} in\n{said}");
    }
    assert!(said.contains("cut=0"), "a reason is cut\n{said}");
}
