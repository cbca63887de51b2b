//! Every figure of the article that the lessons' numbers come from: the handshake and its numbers, when connect and
//! accept return, why three steps, the four steps of closing with the server first, what sequence numbers grow by.

use serde_json::{Value, json};
use synfin_lab::Lab;

const CLIENT: u64 = 0;
const SERVER: u64 = 1;

fn ask(question: &Value) -> Value {
    let answer = Lab::new().call(&question.to_string());
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    assert_eq!(answer.get("error"), None, "{question}");
    answer
}

/// The end of a lesson's own run.
fn end_of(lesson: &str) -> Value {
    ask(&json!({"ask": "view", "moment": {"lesson": lesson, "at": 1_000_000}}))
}

fn view(lesson: &str, at: u64) -> Value {
    ask(&json!({"ask": "view", "moment": {"lesson": lesson, "at": at}}))
}

/// Who sends it, its flags, its numbers, its bytes.
type Row = (u64, String, u64, u64, u64);

fn rows(view: &Value) -> Vec<Row> {
    let segments = view["connection"]["segments"].as_array().expect("segments");
    let number = |segment: &Value, name: &str| segment[name].as_u64().unwrap_or_default();
    segments
        .iter()
        .map(|segment| {
            let flags = segment["flags"].as_str().expect("flags").to_owned();
            let [from, seq, ack, len] = ["from", "seq", "ack", "len"].map(|name| number(segment, name));
            (from, flags, seq, ack, len)
        })
        .collect()
}

/// The states that a host goes through.
fn states(view: &Value, side: u64) -> Vec<String> {
    let moves = view["connection"]["moves"].as_array().expect("moves");
    let of_side = moves.iter().filter(|moved| moved["side"] == side);
    of_side.map(|moved| moved["to"].as_str().expect("a state").to_owned()).collect()
}

fn row(from: u64, flags: &str, seq: u64, ack: u64) -> Row {
    (from, flags.to_owned(), seq, ack, 0)
}

#[test]
fn the_three_steps_have_the_articles_numbers() {
    let end = end_of("three-steps");
    let rows = rows(&end);
    assert_eq!(rows[0], row(CLIENT, "SYN", 4_225_926_656, 0));
    assert_eq!(rows[1], row(SERVER, "SYN, ACK", 3_022_381_253, 4_225_926_657));
    assert_eq!(rows[2], row(CLIENT, "ACK", 4_225_926_657, 3_022_381_254));
    assert!(rows[1..].iter().all(|(_, flags, ..)| flags.contains("ACK")), "once open, ACK is always set");
    assert_eq!(states(&end, CLIENT)[..2], ["SYN-SENT", "ESTABLISHED"]);
    assert_eq!(states(&end, SERVER)[..2], ["SYN-RECEIVED", "ESTABLISHED"]);
    assert_eq!(end["connection"]["first_states"], json!(["CLOSED", "LISTEN"]));
}

#[test]
fn connect_returns_on_the_second_step_and_accept_on_the_third() {
    let events = end_of("calls-return")["events"].as_u64().expect("a number");
    // What had arrived when each call returned: event by event.
    let mut returned = [None, None];
    for at in 0..=events {
        let view = view("calls-return", at);
        for (host, call) in [(0, 0), (1, 1)] {
            let is_over = view["hosts"][host]["call"].as_u64().expect("a call") > call;
            if is_over && returned[host].is_none() {
                let segments = view["connection"]["segments"].as_array().expect("segments").clone();
                let arrived = segments.iter().filter(|segment| segment.get("arrived").is_some());
                let flags: Vec<String> =
                    arrived.map(|segment| segment["flags"].as_str().expect("flags").to_owned()).collect();
                returned[host] = Some(flags);
            }
        }
    }
    assert_eq!(returned[0], Some(vec!["SYN".to_owned(), "SYN, ACK".to_owned()]));
    assert_eq!(returned[1], Some(["SYN", "SYN, ACK", "ACK"].map(str::to_owned).to_vec()));
    let notes = end_of("calls-return")["connection"]["notes"].to_string();
    assert!(notes.contains("connect returns: second step"), "{notes}");
    assert!(notes.contains("accept returns: third step"), "{notes}");
}

#[test]
fn an_old_request_is_answered_and_opens_nothing() {
    let end = end_of("old-syn");
    let rows = rows(&end);
    let old = 4_225_926_656 - 81_340_000;
    assert_eq!(rows[0], row(CLIENT, "SYN", old, 0));
    assert_eq!(rows[1], row(SERVER, "SYN, ACK", 3_022_381_253, old + 1), "the server cannot know better");
    assert_eq!((rows[2].0, &rows[2].1[..]), (CLIENT, "RST"), "and the client takes no third step");
    let accepts = end["connection"]["notes"].to_string().matches("accept returns").count();
    assert_eq!(accepts, 1, "for the client's own SYN alone");
    assert_eq!(
        (end["hosts"][0]["read_bytes"].clone(), end["hosts"][1]["read_bytes"].clone()),
        (json!(537), json!(2_374))
    );
}

#[test]
fn sequence_numbers_grow_by_the_bytes_that_are_sent() {
    for lesson in ["bytes", "three-steps"] {
        let end = end_of(lesson);
        for (side, isn, bytes) in [(CLIENT, 4_225_926_656_u64, 2_374), (SERVER, 3_022_381_253, 537)] {
            let mut next = isn;
            let mut sent = 0;
            for (from, flags, seq, _, len) in rows(&end).into_iter().filter(|row| row.0 == side) {
                assert_eq!((from, seq), (side, next), "{lesson}: {flags}");
                sent += len;
                next += len + u64::from(flags.contains("SYN")) + u64::from(flags.contains("FIN"));
            }
            assert_eq!((sent, next), (bytes, isn + 1 + bytes + 1), "{lesson}");
        }
    }
}

#[test]
fn the_four_steps_of_closing_have_the_articles_numbers() {
    let end = end_of("close-server");
    let rows = rows(&end);
    let first = rows.iter().position(|(_, flags, ..)| flags.contains("FIN")).expect("a FIN");
    let four = [
        row(SERVER, "FIN, ACK", 3_022_381_791, 4_225_929_031),
        row(CLIENT, "ACK", 4_225_929_031, 3_022_381_792),
        row(CLIENT, "FIN, ACK", 4_225_929_031, 3_022_381_792),
        row(SERVER, "ACK", 3_022_381_792, 4_225_929_032),
    ];
    assert_eq!(rows[first..], four);
    assert_eq!(states(&end, SERVER)[2..], ["FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "CLOSED"]);
    assert_eq!(states(&end, CLIENT)[2..], ["CLOSE-WAIT", "LAST-ACK", "CLOSED"]);
}

#[test]
fn a_client_that_closes_first_exchanges_the_parts() {
    let end = end_of("close-client");
    let rows = rows(&end);
    let first = rows.iter().position(|(_, flags, ..)| flags.contains("FIN")).expect("a FIN");
    let (m, n) = (4_225_929_031, 3_022_381_791);
    let four = [
        row(CLIENT, "FIN, ACK", m, n),
        row(SERVER, "ACK", n, m + 1),
        row(SERVER, "FIN, ACK", n, m + 1),
        row(CLIENT, "ACK", m + 1, n + 1),
    ];
    assert_eq!(rows[first..], four);
    assert_eq!(states(&end, CLIENT)[2..], ["FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "CLOSED"]);
    assert_eq!(states(&end, SERVER)[2..], ["CLOSE-WAIT", "LAST-ACK", "CLOSED"]);
}

#[test]
fn after_a_fin_the_other_direction_still_carries_data() {
    let end = end_of("half-close");
    let rows = rows(&end);
    let fin =
        rows.iter().position(|(from, flags, ..)| *from == CLIENT && flags.contains("FIN")).expect("a FIN");
    let later: u64 = rows[fin..].iter().filter(|row| row.0 == SERVER).map(|row| row.4).sum();
    assert_eq!((later, &end["hosts"][0]["read_bytes"]), (537, &json!(537)));
}

#[test]
fn lessons_1_to_6_name_the_figures_that_they_reproduce() {
    for lang in ["en", "zh"] {
        for id in
            ["three-steps", "old-syn", "calls-return", "bytes", "close-server", "close-client", "half-close"]
        {
            let lesson = ask(&json!({"ask": "lesson", "id": id, "lang": lang}));
            assert!(!lesson["figures"].as_array().expect("figures").is_empty(), "{id}");
            // Numbers that a figure names are those of the run.
            let run = end_of(id).to_string();
            for figure in lesson["figures"].as_array().expect("figures") {
                let figure = figure.as_str().expect("text");
                for number in
                    figure.split(|sign: char| !sign.is_ascii_digit()).filter(|number| number.len() > 6)
                {
                    assert!(run.contains(number), "{id}: {number} of {figure}");
                }
            }
        }
    }
}
