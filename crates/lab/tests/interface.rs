//! The interface: every question has an answer, in both languages, of a bounded size; whatever is asked, nothing panics.

use proptest::prelude::*;
use report::words::Language;
use serde_json::{Value, json};
use synfin_lab::{Lab, Lesson, Moment, Run};

fn ask(question: &Value) -> Value {
    serde_json::from_str(&Lab::new().call(&question.to_string())).expect("an answer is JSON")
}

fn error(question: &Value) -> String {
    ask(question)["error"].as_str().unwrap_or_else(|| panic!("no error: {question}")).to_owned()
}

#[test]
fn the_list_of_lessons_has_titles_in_both_languages() {
    let [english, chinese] = ["en", "zh"].map(|lang| ask(&json!({"ask": "lessons", "lang": lang})));
    let lessons = english["lessons"].as_array().expect("lessons");
    assert_eq!(lessons.len(), Lesson::all().len());
    assert_eq!((&lessons[0]["number"], &lessons[0]["title"]), (&json!(1), &json!("Three steps")));
    assert_eq!(chinese["lessons"][0]["title"], "三次握手");
}

#[test]
fn an_answer_is_judged_by_the_run_as_it_was_changed() {
    let question = |deeds: Value, choice: u64| {
        json!({"ask": "answer", "question": "accept", "choice": choice,
               "moment": {"lesson": "calls-return", "deeds": deeds}})
    };
    let right = ask(&question(json!([]), 2));
    assert_eq!(right["right"], true);
    assert!(right["why"].as_str().expect("why").starts_with("Only the third step"), "{right}");
    assert_eq!(ask(&question(json!([]), 1))["right"], false);
    // A server that does not get as far has no answer.
    let deeds = json!([{"crash": {"after": 2, "host": 1}}]);
    assert!(error(&question(deeds, 2)).starts_with("in this run"), "nothing decides it");
}

#[test]
fn an_answer_that_a_change_has_changed_says_so() {
    let moment = json!({"lesson": "close-server", "deeds": [{"drop": {"frame": 0}}]});
    let judged = ask(&json!({"ask": "answer", "question": "first", "choice": 1, "moment": moment}));
    assert_eq!(judged["right"], true, "the server still closes first");
    let client = ["connect", "write 2374", "recv 537", "close"];
    let server = ["listen", "accept", "recv 2374", "write 537", "recv all", "close"];
    let setup = json!({"hosts": [{"program": client}, {"program": server}]});
    let moment = json!({"lesson": "close-server", "setup": setup});
    let judged =
        ask(&json!({"ask": "answer", "question": "first", "choice": 0, "moment": moment, "lang": "zh"}));
    assert_eq!(judged, json!({"right": true, "why": "这次运行被改动过，结果不同：客户端。"}));
}

#[test]
fn the_diagram_explains_every_state_and_arrow() {
    for lang in ["en", "zh"] {
        let diagram = ask(&json!({"ask": "diagram", "lang": lang}));
        let states = diagram["states"].as_array().expect("states");
        let rows = diagram["rows"].as_array().expect("rows");
        assert_eq!((states.len(), rows.len()), (11, synfin_lab_rows()));
        for row in rows {
            let about = row["about"].as_str().expect("a sentence");
            let to = row["to"].as_str().expect("a state");
            assert!(about.contains(to) && about.chars().count() > 10 && !about.contains('{'), "{row}");
        }
        assert!(states.iter().all(|state| state["about"].as_str().is_some_and(|about| about.len() > 60)));
    }
    let zh = ask(&json!({"ask": "diagram", "lang": "zh"})).to_string();
    assert!(zh.contains("收到对本端 FIN 的确认。进入 FIN-WAIT-2 状态。"), "{zh}");
}

fn synfin_lab_rows() -> usize {
    tcp::state::ROWS.len()
}

#[test]
fn the_words_of_the_surface_are_the_same_keys_in_both_languages() {
    let [english, chinese] = ["en", "zh"].map(|lang| ask(&json!({"ask": "words", "lang": lang})));
    let keys = |words: &Value| words.as_object().expect("words").keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&english), keys(&chinese));
    assert_eq!((&english["step"], &chinese["step"]), (&json!("step"), &json!("下一步")));
}

#[test]
fn a_capture_holds_what_has_passed_by_then() {
    let saved = |at: u64, host: u64| {
        let moment = json!({"lesson": "three-steps", "at": at});
        let saved = ask(&json!({"ask": "pcap", "moment": moment, "host": host}));
        assert_eq!(saved["name"], "synfin-three-steps.pcapng");
        base64_decoded(saved["base64"].as_str().expect("text"))
    };
    // Each packet has one enhanced packet block, of type 6.
    let packets = |file: &[u8]| {
        let mut count = 0;
        let mut at = 0;
        while at + 8 <= file.len() {
            let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().expect("four bytes"));
            count += usize::from(word(at) == 6);
            at += word(at + 4) as usize;
        }
        assert_eq!(at, file.len(), "whole blocks");
        count
    };
    assert_eq!(packets(&saved(0, 0)), 0);
    assert_eq!(packets(&saved(1, 0)), 1, "the SYN has left");
    assert_eq!(packets(&saved(1, 1)), 0, "and has not arrived");
    assert_eq!(packets(&saved(1_000, 0)), 11);
    assert_eq!(packets(&saved(1_000, 1)), 11);
    assert!(error(&json!({"ask": "pcap", "moment": {}, "host": 2})).contains("there is no host 2"));
}

fn base64_decoded(text: &str) -> Vec<u8> {
    use base64::Engine;
    base64::prelude::BASE64_STANDARD.decode(text).expect("base64")
}

#[test]
fn what_cannot_be_answered_says_why_in_the_language_of_the_question() {
    for (question, english, chinese) in [
        (
            json!({"ask": "lesson", "id": "four-steps"}),
            "there is no lesson “four-steps”",
            "没有名为“four-steps”的课程",
        ),
        (json!({"ask": "weather"}), "this is no question", "实验室听不懂这个请求"),
        (json!({"ask": "view", "moment": {"lesson": "x"}}), "there is no lesson", "没有名为"),
        (
            json!({"ask": "view", "moment": {"setup": {"hosts": [{"program": ["conect"]}, {}]}}}),
            "client, line 1: “conect” is no call",
            "客户端，第 1 行：“conect”不是可用的调用",
        ),
        (
            json!({"ask": "view", "moment": {"setup": {"wire": {"delay_ms": 99_999}}}}),
            "“delay each way, ms” is a number from 0 to 10000",
            "“单向时延（毫秒）”应为 0 到 10000 之间的整数",
        ),
        (
            json!({"ask": "view", "moment": {"deeds": [{"crash": {"after": 1, "host": 7}}]}}),
            "there is no host 7",
            "没有编号为 7 的主机",
        ),
        (
            json!({"ask": "answer", "moment": {"lesson": "bytes"}, "question": "fin", "choice": 3}),
            "question “fin” has no such choice",
            "问题“fin”没有这个选项",
        ),
        (
            json!({"ask": "answer", "moment": {"lesson": "bytes"}, "question": "why", "choice": 0}),
            "the lesson has no question “why”",
            "本课没有名为“why”的问题",
        ),
    ] {
        for (lang, said) in [("en", english), ("zh", chinese)] {
            let mut question = question.clone();
            question["lang"] = json!(lang);
            assert!(error(&question).contains(said), "{}", error(&question));
        }
    }
    let long = format!(r#"{{"ask":"lesson","id":"{}"}}"#, "x".repeat(300_000));
    assert!(Lab::new().call(&long).contains("too long"), "a question has a bound");
}

#[test]
fn a_view_of_the_largest_lesson_has_a_bounded_size() {
    for lesson in Lesson::all() {
        let run = Run::new(&lesson.setup(), &lesson.deeds()).expect("a run");
        let bytes = serde_json::to_string(&run.view(usize::MAX, Language::English)).expect("values").len();
        assert!(bytes < 200_000, "{}: {bytes} bytes", lesson.id());
    }
}

#[test]
fn series_are_there_for_the_graphs() {
    let moment = json!({"lesson": "congestion", "at": 1_000_000});
    let view = ask(&json!({"ask": "view", "moment": moment}));
    for line in ["cwnd", "ssthresh", "flight", "send_window", "rtt_ms", "rto_ms"] {
        let line = view["series"][0][line].as_array().unwrap_or_else(|| panic!("{line}"));
        assert!(line.len() > 1 || view["series"][0]["send_window"] == json!(line), "{line:?}");
        assert!(line.is_sorted_by(|a, b| a[0].as_f64() <= b[0].as_f64()));
    }
    assert!(view["connection"]["cwnd"][0].as_array().expect("cwnd").len() > 10);
    // Without timestamps there is one sample a round trip, and none while retransmissions are under way.
    let samples = view["connection"]["rtt"][0].as_array().expect("rtt");
    assert!(samples.len() >= 5, "{samples:?}");
}

#[test]
fn stepping_back_gives_the_same_bytes() {
    let mut lab = Lab::new();
    let mut view = |at: usize| {
        lab.call(&json!({"ask": "view", "moment": {"lesson": "time-wait", "at": at}}).to_string())
    };
    let forth: Vec<String> = (0..20).map(&mut view).collect();
    let back: Vec<String> = (0..20).rev().map(&mut view).collect();
    assert!(forth.iter().eq(back.iter().rev()));
}

#[test]
fn a_call_that_the_host_refuses_fails() {
    for program in [["listen", "listen"], ["connect", "connect"]] {
        let setup = json!({"hosts": [{"program": program}, {"program": ["listen"]}]});
        let view = ask(&json!({"ask": "view", "moment": {"setup": setup, "at": 100}, "lang": "en"}));
        let failed = view["hosts"][0]["failed"].as_str().expect("it fails");
        assert!(failed.starts_with("the port is taken"), "{program:?}: {failed}");
    }
}

/// A setup that may be anything, within or without what is possible.
fn any_setup() -> impl Strategy<Value = Value> {
    let call = prop_oneof![
        Just("connect".to_owned()),
        Just("listen".to_owned()),
        Just("accept".to_owned()),
        Just("recv all".to_owned()),
        Just("shutdown".to_owned()),
        Just("close".to_owned()),
        Just("abort".to_owned()),
        Just("crash".to_owned()),
        (1_u32..5_000).prop_map(|bytes| format!("write {bytes}")),
        (1_u32..5_000).prop_map(|bytes| format!("recv {bytes}")),
        (1_u32..3_000, 1_u32..500).prop_map(|(bytes, piece)| format!("write {bytes} by {piece} every 30ms")),
        (1_u32..3_000, 1_u32..500).prop_map(|(bytes, piece)| format!("recv {bytes} by {piece} every 30ms")),
        (0_u32..2_000).prop_map(|ms| format!("wait {ms}ms")),
        "[a-z ]{0,12}",
    ];
    let host = (proptest::collection::vec(call, 0..8), any::<u32>(), any::<[bool; 4]>()).prop_map(
        |(program, isn, [sack, timestamps, nagle, quick_acks])| {
            json!({"program": program, "isn": isn, "sack": sack, "timestamps": timestamps, "nagle": nagle,
                   "quick_acks": quick_acks})
        },
    );
    let wire = (0_u32..200, proptest::option::of(100_u32..100_000), 1_u32..50, 0_u32..300).prop_map(
        |(delay_ms, rate_kbit, queue_packets, loss_permille)| {
            json!({"delay_ms": delay_ms, "rate_kbit": rate_kbit, "queue_packets": queue_packets,
                   "loss_permille": loss_permille})
        },
    );
    (any::<u64>(), host.clone(), host, wire).prop_map(
        |(seed, client, server, wire)| json!({"seed": seed, "hosts": [client, server], "wire": wire}),
    )
}

fn any_deed() -> impl Strategy<Value = Value> {
    let frame = 0_u32..20;
    let change = (proptest::option::of("(SYN|ACK|FIN|RST)"), any::<Option<u32>>(), any::<Option<u16>>());
    let change =
        change.prop_map(|(flags, seq, window)| json!({"flags": flags, "seq": seq, "window": window}));
    prop_oneof![
        frame.clone().prop_map(|frame| json!({"drop": {"frame": frame}})),
        frame.clone().prop_map(|frame| json!({"double": {"frame": frame}})),
        frame.clone().prop_map(|frame| json!({"corrupt": {"frame": frame}})),
        frame.clone().prop_map(|frame| json!({"reorder": {"frame": frame}})),
        (frame.clone(), 0_u32..3_000).prop_map(|(frame, ms)| json!({"delay": {"frame": frame, "ms": ms}})),
        (frame, change.clone()).prop_map(|(frame, to)| json!({"change": {"frame": frame, "to": to}})),
        (0_u32..20, 0_u8..3).prop_map(|(after, host)| json!({"crash": {"after": after, "host": host}})),
        (0_u32..20, 0_u8..2, 0_usize..3, change).prop_map(|(after, host, which, to)| {
            let named = ["old-syn", "exact-rst", "blind-rst"];
            let what = named.get(which).map_or(json!({"segment": to}), |name| json!(name));
            json!({"forge": {"after": after, "host": host, "what": what}})
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn no_text_panics(text in "\\PC{0,200}") {
        let answer: Value = serde_json::from_str(&Lab::new().call(&text)).expect("an answer is JSON");
        prop_assert!(answer.is_object());
    }

    #[test]
    fn no_moment_panics_and_each_row_has_its_frame(
        setup in any_setup(),
        deeds in proptest::collection::vec(any_deed(), 0..6),
        at in 0_usize..200,
    ) {
        let moment = json!({"setup": setup, "deeds": deeds, "at": at});
        let mut lab = Lab::new();
        for ask in ["view", "marks", "pcap"] {
            let question = json!({"ask": ask, "moment": moment, "lang": "zh"}).to_string();
            let answer: Value = serde_json::from_str(&lab.call(&question)).expect("an answer is JSON");
            prop_assert!(answer.is_object());
            if ask != "view" || answer.get("error").is_some() {
                continue;
            }
            let (frames, segments) = (&answer["frames"], &answer["connection"]["segments"]);
            prop_assert_eq!(frames.as_array().map(Vec::len), segments.as_array().map(Vec::len));
        }
        for lesson in Lesson::all().iter().take(3) {
            let mut moment: Moment = serde_json::from_value(moment.clone()).expect("a moment");
            moment.lesson = Some(lesson.id().to_owned());
            let question = json!({"ask": "answer", "moment": moment, "question": "ack", "choice": 0});
            lab.call(&question.to_string());
        }
    }
}
