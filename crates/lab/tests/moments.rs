//! What is shown at a moment is what the engine did: states, the wire, programs; and a question is judged by that.

use serde_json::{Value, json};
use synfin_lab::Lab;

fn ask(question: &Value) -> Value {
    serde_json::from_str(&Lab::new().call(&question.to_string())).expect("an answer is JSON")
}

fn view(moment: &Value) -> Value {
    let view = ask(&json!({"ask": "view", "moment": moment}));
    assert_eq!(view.get("error"), None, "{moment}");
    view
}

fn end_of(lesson: &str, deeds: &Value) -> Value {
    view(&json!({"lesson": lesson, "deeds": deeds, "at": 1_000_000}))
}

/// The rows of a frame: when it left and arrived, in milliseconds, and all of it.
fn rows_of(view: &Value, frame: u64) -> Vec<(f64, Option<f64>, Value)> {
    let segments = view["connection"]["segments"].as_array().expect("segments");
    let frames = view["frames"].as_array().expect("frames");
    let ms = |at: &Value| at.as_f64().map(|at| (at * 1e6).round() / 1e3);
    let rows = segments.iter().zip(frames).filter(|(_, of)| **of == frame);
    rows.map(|(row, _)| (ms(&row["at"]).expect("it left"), ms(&row["arrived"]), row.clone())).collect()
}

fn programs(client: &[&str], server: &[&str]) -> Value {
    json!({"hosts": [{"program": client}, {"program": server}]})
}

/// What is said of each choice that is right; or why there is none.
fn judged(lesson: &str, question: &str, deeds: &Value) -> Result<Vec<usize>, String> {
    let judge = |choice: usize| {
        ask(&json!({"ask": "answer", "question": question, "choice": choice,
                    "moment": {"lesson": lesson, "deeds": deeds}}))
    };
    let answers = [0, 1].map(judge).into_iter().chain((2..4).map(judge).take_while(|answer| {
        !answer["error"].as_str().is_some_and(|error| error.contains("no such choice"))
    }));
    let mut right = Vec::new();
    for (choice, answer) in answers.enumerate() {
        if let Some(error) = answer["error"].as_str() {
            return Err(error.to_owned());
        }
        if answer["right"] == true {
            right.push(choice);
        }
    }
    Ok(right)
}

fn is_undecided(judged: Result<Vec<usize>, String>) -> bool {
    judged.is_err_and(|why| why.starts_with("in this run"))
}

#[test]
fn nothing_is_faster_than_the_wire() {
    for deeds in [
        json!([{"reorder": {"frame": 3}}, {"reorder": {"frame": 4}}]),
        json!([{"reorder": {"frame": 3}}, {"drop": {"frame": 4}}]),
        json!([{"reorder": {"frame": 3}}, {"change": {"frame": 4, "to": {"window": 9}}}]),
    ] {
        let view = end_of("three-steps", &deeds);
        for frame in [3, 4] {
            let (left, arrived, row) = rows_of(&view, frame)[0].clone();
            assert!(arrived.is_none_or(|arrived| arrived >= left + 20.0), "{deeds}: {row}");
        }
        assert_eq!(view["hosts"][0]["read_bytes"], 537, "{deeds}");
    }
}

#[test]
fn all_deeds_on_a_frame_are_done() {
    let rows = |deeds: Value| rows_of(&end_of("three-steps", &deeds), 3);
    let (delay, double, corrupt) = (
        json!({"delay": {"frame": 3, "ms": 200}}),
        json!({"double": {"frame": 3}}),
        json!({"corrupt": {"frame": 3}}),
    );
    let threw = |row: &Value| row["remarks"].to_string().contains("threw it away");
    let twice = rows(json!([delay, double]));
    assert_eq!((twice.len(), twice[0].1, twice[1].0), (2, Some(260.0), 260.0), "{twice:?}");
    assert_eq!(rows(json!([delay, delay]))[0].1, Some(460.0), "delays add up");
    let late = rows(json!([delay, corrupt]));
    assert!(late[0].1 == Some(260.0) && threw(&late[0].2), "{late:?}");
    let copies = rows(json!([corrupt, double]));
    assert!(copies.len() == 2 && copies.iter().all(|(_, _, row)| threw(row)), "{copies:?}");
    let held = rows(json!([corrupt, {"reorder": {"frame": 3}}]));
    assert!(threw(&held[0].2), "{held:?}");
    let [first, second] = [json!({"window": 1000}), json!({"flags": "RST,ACK"})];
    let both = json!([{"change": {"frame": 3, "to": first}}, {"change": {"frame": 3, "to": second}}, double]);
    let flight = &view(&json!({"lesson": "three-steps", "deeds": both, "at": 3}))["flights"];
    let flight = flight.as_array().expect("flights").iter().find(|flight| flight["frame"] == 3);
    let flight = flight.expect("it is on its way");
    assert_eq!((&flight["flags"], &flight["window"]), (&json!("RST, ACK"), &json!(128_000)), "scaled by 7");
    assert_eq!(rows(both).len(), 2);
}

#[test]
fn what_is_changed_waits_in_the_queue_like_any_other() {
    let unchanged = end_of("congestion", &json!([]));
    let lost = |view: &Value, frame| rows_of(view, frame)[0].2["fate"] == "lost";
    let frames = (0..400).filter(|frame| rows_of(&unchanged, *frame)[0].2["len"] == 1_460).take(60);
    let (mut arrive, mut are_lost) = (0, 0);
    for frame in frames.step_by(7).chain((60..120).filter(|frame| lost(&unchanged, *frame)).take(1)) {
        // without PSH: nobody minds it
        let deeds = json!([{"change": {"frame": frame, "to": {"flags": "ACK"}}}]);
        let changed = end_of("congestion", &deeds);
        let (before, after) = (&rows_of(&unchanged, frame)[0], &rows_of(&changed, frame)[0]);
        assert_eq!((before.0, before.1), (after.0, after.1), "frame {frame}");
        assert_eq!(lost(&unchanged, frame), lost(&changed, frame), "frame {frame}");
        (arrive, are_lost) = (arrive + u32::from(after.1.is_some()), are_lost + u32::from(after.1.is_none()));
    }
    assert!(arrive > 5 && are_lost > 0, "{arrive} arrive, {are_lost} are lost");
}

#[test]
fn a_run_that_would_go_on_says_so() {
    let waits = ["connect", "wait 3600s", "wait 3600s", "wait 3600s", "write 10"];
    let end = view(&json!({"setup": programs(&waits, &["listen", "accept", "recv all"]), "at": 1_000}));
    assert_eq!((&end["is_cut"], &end["hosts"][0]["waits"]), (&json!(true), &json!(true)));
    // one that has nothing more to do is at its end, though it waits
    let end = view(&json!({"setup": programs(&["connect"], &["listen", "accept", "recv all"]), "at": 1_000}));
    assert_eq!((&end["is_cut"], &end["hosts"][1]["waits"]), (&json!(false), &json!(true)));
}

#[test]
fn a_program_that_fails_has_not_made_the_calls_behind() {
    let end = end_of("reset-refused", &json!([]));
    assert_eq!((&end["hosts"][0]["call"], &end["hosts"][0]["waits"]), (&json!(0), &json!(false)), "connect");
    let end = end_of("three-steps", &json!([{"crash": {"after": 5, "host": 1}}]));
    assert_eq!(
        (&end["hosts"][1]["call"], &end["hosts"][1]["waits"]),
        (&json!(2), &json!(false)),
        "recv 2374"
    );
}

#[test]
fn who_listens_is_shown_from_when_it_does() {
    let states = |moment: &Value| {
        let connection = view(moment)["connection"].clone();
        (connection["first_states"].clone(), connection["last_states"].clone())
    };
    let late = programs(&["connect"], &["wait 1s", "listen", "accept"]);
    let (first, last) = states(&json!({"setup": late, "at": 2}));
    assert_eq!((first, last), (json!(["CLOSED", "CLOSED"]), json!(["SYN-SENT", "CLOSED"])), "it refuses");
    let (_, last) = states(&json!({"setup": late, "at": 100}));
    assert_eq!(last, json!(["CLOSED", "LISTEN"]));
    let client = programs(&["listen", "accept"], &["connect"]);
    assert_eq!(states(&json!({"setup": client, "at": 1})).0, json!(["LISTEN", "CLOSED"]));
    let twice = programs(&["connect", "listen"], &["listen", "listen", "accept"]);
    assert_eq!(states(&json!({"setup": twice, "at": 1})).0, json!(["CLOSED", "LISTEN"]));
    let mut at_once = programs(&["connect"], &["listen", "accept", "abort"]);
    at_once["wire"] = json!({"delay_ms": 0});
    assert_eq!(states(&json!({"setup": at_once, "at": 100})).1, json!(["CLOSED", "CLOSED"]), "in no time");
    let (_, last) = states(&json!({"lesson": "reset-half-open", "at": 1_000}));
    assert_eq!(last, json!(["CLOSED", "LISTEN"]), "after the crash it listens again");
}

#[test]
fn the_states_of_segments_that_cross_are_the_last_in_time() {
    let lesson = json!({"lesson": "both-open", "at": 2});
    let view = view(&lesson);
    for host in [0, 1] {
        let state = &view["hosts"][host]["connections"][0]["state"];
        assert_eq!(&view["connection"]["last_states"][host], state, "host {host}");
    }
}

#[test]
fn a_question_about_the_timer_drops_what_the_timer_sends() {
    // the SYN is lost as well: all numbers of frames are others
    let deeds = json!([{"drop": {"frame": 0}}, {"drop": {"frame": 6}}]);
    assert_eq!(judged("loss-timer", "double", &deeds), Ok(vec![1]));
}

#[test]
fn a_fin_that_a_reset_answers_is_not_acknowledged() {
    let crash = json!([{"crash": {"after": 13, "host": 1}}]);
    assert!(is_undecided(judged("time-wait", "again", &crash)), "a RST is the answer");
    let syn = json!([{"forge": {"after": 13, "host": 1, "what": "old-syn"}}]);
    assert!(is_undecided(judged("time-wait", "again", &syn)), "a SYN is answered, and no FIN came");
}

#[test]
fn what_never_arrived_is_not_answered() {
    let deeds = json!([{"drop": {"frame": 0}}]);
    assert!(is_undecided(judged("old-syn", "client", &deeds)), "the SYN,ACK is lost");
}

#[test]
fn a_handshake_that_is_sent_again_is_not_the_segment_that_was_lost() {
    let deeds = json!([{"drop": {"frame": 1}}]);
    assert_eq!(judged("congestion", "why", &deeds), Ok(vec![1]), "the first loss of data");
}

#[test]
fn what_was_changed_or_damaged_on_its_way_is_judged_by_what_arrives() {
    let changed = json!([{"change": {"frame": 5, "to": {"window": 9_000}}}]);
    assert_eq!(judged("loss-timer", "arrives", &changed), Ok(vec![2]));
    // the probe arrives damaged, the one after it whole
    let setup = ask(&json!({"ask": "lesson", "id": "loss-timer"}))["setup"].clone();
    let deeds = json!([{"drop": {"frame": 3}}, {"corrupt": {"frame": 4}}]);
    let question = json!({"ask": "answer", "question": "arrives", "choice": 2,
                          "moment": {"lesson": "loss-timer", "setup": setup, "deeds": deeds}});
    assert_eq!(ask(&question)["right"], true);
}

#[test]
fn what_is_forged_before_anything_has_happened_is_not_taken_for_the_first_segment() {
    let deeds =
        json!([{"forge": {"after": 0, "host": 1, "what": "blind-rst"}}, {"delay": {"frame": 0, "ms": 500}}]);
    let view = end_of("three-steps", &deeds);
    assert_eq!(rows_of(&view, 0)[0].1, Some(520.0));
    let forged = view["frames"].as_array().expect("frames").iter().position(|frame| frame.is_null());
    let forged = &view["connection"]["segments"][forged.expect("a row without a frame")];
    assert_eq!((&forged["flags"], &forged["fate"]), (&json!("RST"), &json!("stray")), "{forged}");
}

#[test]
fn a_crash_forgets_what_the_calls_before_it_have_begun() {
    let setup = programs(&["connect", "shutdown", "crash"], &["listen", "accept", "wait 1s"]);
    let end = view(&json!({"setup": setup, "at": 1_000}));
    assert_eq!(end["hosts"][0]["connections"], json!([]));
    assert_eq!(end["connection"]["last_states"][0], "CLOSED");
}

#[test]
fn a_fin_that_is_refused_does_not_make_time_wait_longer() {
    // the client's FIN comes again, damaged
    let deeds = json!([{"corrupt": {"frame": 11}}]);
    let lesson = |at: u64| view(&json!({"lesson": "time-wait", "deeds": deeds, "at": at}));
    let events = lesson(1_000_000)["events"].as_u64().expect("events");
    let untils: Vec<Value> =
        (0..=events).map(|at| lesson(at)["hosts"][1]["connections"][0]["until"].clone()).collect();
    let mut known: Vec<f64> = untils.iter().filter_map(Value::as_f64).collect();
    known.dedup();
    let ends = lesson(events)["hosts"][1]["connections"][0]["since"].as_f64().expect("it is over");
    assert_eq!(known.last(), Some(&ends), "{known:?}");
    assert_eq!(known.len(), 2, "the first FIN, and the one that arrived whole: {known:?}");
}

#[test]
fn the_second_step_is_that_of_the_end_that_asked_and_was_answered() {
    let returns = |deeds: &Value| {
        let end = end_of("both-open", deeds);
        let notes = end["connection"]["notes"].as_array().expect("notes").iter();
        let texts = notes.filter_map(|note| note["text"].as_str().map(str::to_owned));
        texts.filter(|text| text.contains("connect returns")).collect::<Vec<_>>()
    };
    assert_eq!(returns(&json!([])), ["connect returns"; 2], "the SYNs have crossed");
    let one_is_lost = json!([{"drop": {"frame": 0}}]);
    assert_eq!(returns(&one_is_lost), ["connect returns: second step", "connect returns"]);
}
