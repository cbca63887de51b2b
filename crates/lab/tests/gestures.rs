//! What each gesture does: to the wire, to the ladder, to both programs. In the end the data is there all the same, or
//! it is told why not.

use serde_json::{Value, json};
use synfin_lab::Lab;

/// The article's connection: frame 0 SYN, 1 SYN,ACK, 2 ACK, 3 and 4 the request, 5 the answer.
fn ask(deeds: &Value, at: u64) -> Value {
    let question = json!({"ask": "view", "moment": {"lesson": "three-steps", "deeds": deeds, "at": at}});
    let answer = Lab::new().call(&question.to_string());
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    assert_eq!(answer.get("error"), None, "{deeds}");
    answer
}

fn end_after(deeds: &Value) -> Value {
    ask(deeds, 1_000_000)
}

/// The rows of the ladder of a frame, and what was done to them.
fn rows_of(view: &Value, frame: u64) -> Vec<Value> {
    let segments = view["connection"]["segments"].as_array().expect("segments");
    let frames = view["frames"].as_array().expect("frames");
    assert_eq!(segments.len(), frames.len(), "each row has its frame");
    segments.iter().zip(frames).filter(|(_, of)| **of == frame).map(|(row, _)| row.clone()).collect()
}

fn touched(view: &Value) -> Vec<(u64, String)> {
    let touched = view["touched"].as_array().expect("touched");
    touched
        .iter()
        .map(|touched| {
            let kind = touched["kind"].as_str().expect("a kind").to_owned();
            (touched["row"].as_u64().expect("a row"), kind)
        })
        .collect()
}

/// Both programs have got everything.
fn is_well(view: &Value) -> bool {
    view["hosts"][0]["read_bytes"] == 537
        && view["hosts"][1]["read_bytes"] == 2_374
        && view["hosts"].as_array().expect("hosts").iter().all(|host| host["failed"].is_null())
}

#[test]
fn rows_and_frames_belong_together() {
    let view = end_after(&json!([]));
    let frames: Vec<u64> = (0..11).collect();
    assert_eq!(view["frames"], json!(frames));
    assert!(is_well(&view) && touched(&view).is_empty());
}

#[test]
fn what_is_dropped_is_lost_and_comes_again() {
    let view = end_after(&json!([{"drop": {"frame": 3}}]));
    let rows = rows_of(&view, 3);
    assert_eq!((rows.len(), &rows[0]["fate"]), (1, &json!("lost")));
    assert!(rows[0]["remarks"].to_string().contains("killed on its way"), "{rows:?}");
    let again = view["connection"]["segments"].as_array().expect("segments").iter();
    assert!(again.clone().any(|row| row["again"] == true && row["seq"] == rows[0]["seq"]));
    assert!(is_well(&view));
    assert_eq!(touched(&view), [(3, "drop".to_owned())]);
}

#[test]
fn a_dropped_segment_is_seen_on_its_way_and_never_arrives() {
    let deeds = json!([{"drop": {"frame": 0}}]);
    let flights = ask(&deeds, 1)["flights"].clone();
    assert_eq!((&flights[0]["frame"], &flights[0]["arrives"]), (&json!(0), &Value::Null), "{flights}");
}

#[test]
fn what_is_delayed_arrives_that_much_later() {
    let view = end_after(&json!([{"delay": {"frame": 1, "ms": 250}}]));
    let row = &rows_of(&view, 1)[0];
    assert_eq!(
        row["arrived"].as_f64().map(|at| (at * 1e3).round()),
        Some(290.0),
        "20 ms sent, 20 ms on its way, 250 more"
    );
    assert!(row["remarks"].to_string().contains("held back for 250 ms"), "{row}");
    assert!(is_well(&view));
}

#[test]
fn what_is_doubled_arrives_twice_and_is_read_once() {
    let view = end_after(&json!([{"double": {"frame": 4}}]));
    let rows = rows_of(&view, 4);
    assert_eq!((rows.len(), &rows[1]["fate"]), (2, &json!("stray")), "{rows:?}");
    assert!(rows[1]["remarks"].to_string().contains("a second copy"));
    assert!(is_well(&view));
    assert_eq!(touched(&view), [(4, "double".to_owned())], "the copy is not touched");
}

#[test]
fn what_is_corrupted_arrives_and_is_thrown_away() {
    let view = end_after(&json!([{"corrupt": {"frame": 3}}]));
    let row = &rows_of(&view, 3)[0];
    assert!(row["remarks"].to_string().contains("one bit is flipped"), "{row}");
    assert!(row["remarks"].to_string().contains("threw it away"), "{row}");
    assert!(is_well(&view), "it is sent again");
}

#[test]
fn what_is_overtaken_arrives_behind_the_next_one() {
    let view = end_after(&json!([{"reorder": {"frame": 3}}]));
    let [first, second] = [3, 4].map(|frame| rows_of(&view, frame)[0].clone());
    assert!(first["arrived"].as_f64() >= second["arrived"].as_f64(), "{first} {second}");
    assert_eq!(first.get("fate"), None, "it is one row, and not lost: {first}");
    assert!(first["remarks"].to_string().contains("until the next one has passed"), "{first}");
    let acks = view["connection"]["segments"].to_string();
    assert!(acks.contains("duplicate-ack"), "the server tells of the hole: {acks}");
    assert!(is_well(&view));
}

#[test]
fn what_nobody_overtakes_arrives_after_a_second() {
    // The client's first SYN: its next frame is the same SYN again, a second later.
    let view = end_after(&json!([{"reorder": {"frame": 1}}]));
    let row = &rows_of(&view, 1)[0];
    let arrived = row["arrived"].as_f64().expect("it arrives");
    assert!((0.9..1.2).contains(&arrived), "{arrived}");
    assert!(is_well(&view));
}

#[test]
fn what_is_changed_arrives_as_another_one() {
    let deeds = json!([{"change": {"frame": 5, "to": {"flags": "RST,ACK"}}}]);
    let view = end_after(&deeds);
    let row = &rows_of(&view, 5)[0];
    assert!(row["remarks"].to_string().contains("changed on its way: flags RST,ACK"), "{row}");
    assert_eq!(view["hosts"][0]["failed"], "the peer has reset the connection");
    let flights = (0..12).map(|at| ask(&deeds, at)["flights"].clone());
    let changed = flights.flat_map(|flights| flights.as_array().expect("flights").clone());
    let changed = changed.into_iter().find(|flight| flight["frame"] == 5).expect("it is seen");
    assert!(changed["flags"].as_str().expect("flags").contains("RST"), "{changed}");
}

#[test]
fn numbers_and_windows_can_be_changed() {
    let to = json!({"seq": 3_022_381_300_u32, "window": 0});
    let view = end_after(&json!([{"change": {"frame": 5, "to": to}}]));
    let row = &rows_of(&view, 5)[0];
    assert!(row["remarks"].to_string().contains("Seq=3022381300 Win=0"), "{row}");
    assert_eq!(view["hosts"][0]["read_bytes"], 537, "the true one comes again");
}

#[test]
fn an_old_syn_is_answered_and_opens_nothing() {
    let view = end_after(&json!([{"forge": {"after": 1, "host": 1, "what": "old-syn"}}]));
    assert!(is_well(&view));
    assert_eq!(touched(&view).len(), 1);
    let row = touched(&view)[0].0 as usize;
    assert_eq!(view["frames"][row], Value::Null, "no host has sent it");
    assert!(view["connection"]["segments"][row]["remarks"].to_string().contains("old SYN"));
}

#[test]
fn an_exact_rst_ends_the_connection() {
    let view = end_after(&json!([{"forge": {"after": 5, "host": 0, "what": "exact-rst"}}]));
    assert_eq!(view["hosts"][0]["failed"], "the peer has reset the connection");
    assert_eq!(view["hosts"][0]["connections"][0]["state"], "CLOSED");
}

#[test]
fn a_guessed_rst_is_challenged() {
    let view = end_after(&json!([{"forge": {"after": 5, "host": 0, "what": "blind-rst"}}]));
    assert!(view["connection"]["segments"].to_string().contains("challenge-ack"));
    assert!(is_well(&view), "and the connection goes on");
}

#[test]
fn a_forged_segment_is_seen_before_it_arrives() {
    let deeds = json!([{"forge": {"after": 5, "host": 0, "what": {"segment": {"flags": "ACK", "ack": 1}}}}]);
    let view = ask(&deeds, 5);
    let forged = view["flights"].as_array().expect("flights").iter().find(|flight| flight["frame"].is_null());
    let forged = forged.expect("it is on its way");
    assert_eq!((&forged["from"], &forged["ack"]), (&json!(1), &json!(1)), "it seems to come from the server");
    assert!(forged["sent"].as_f64() < forged["arrives"].as_f64());
    assert!(is_well(&end_after(&deeds)), "a strange acknowledgment does no harm");
}

#[test]
fn a_host_without_power_has_forgotten_everything() {
    let view = end_after(&json!([{"crash": {"after": 5, "host": 1}}]));
    assert_eq!(view["hosts"][1]["failed"], "the host lost its power");
    assert_eq!(view["hosts"][1]["connections"], json!([]));
    assert_eq!(view["hosts"][0]["failed"], "the peer has reset the connection");
    let moves = view["connection"]["moves"].to_string();
    assert!(moves.contains(r#""on":"the host lost its power""#), "{moves}");
    assert_eq!(view["connection"]["last_states"][1], "CLOSED");
}

#[test]
fn deeds_on_one_frame_are_done_together() {
    let view = end_after(&json!([
        {"delay": {"frame": 5, "ms": 100}},
        {"change": {"frame": 5, "to": {"window": 1000}}},
    ]));
    let row = &rows_of(&view, 5)[0];
    assert_eq!(row["arrived"].as_f64().map(|at| (at * 1e3).round()), Some(180.0), "{row}");
    assert_eq!(touched(&view).len(), 2);
    assert!(is_well(&view));
}
