//! What a reader counts and reads in the lessons is what happened: duplicates, marks, calls that failed, numbers.

use serde_json::{Value, json};
use synfin_lab::Lab;

fn ask(question: &Value) -> Value {
    serde_json::from_str(&Lab::new().call(&question.to_string())).expect("an answer is JSON")
}

/// The view of an event of a lesson, at most of its last one.
fn view(lesson: &str, at: usize, lang: &str) -> Value {
    ask(&json!({"ask": "view", "lang": lang, "moment": {"lesson": lesson, "at": at}}))
}

fn end(lesson: &str) -> Value {
    view(lesson, 100_000, "en")
}

fn segments(view: &Value) -> &Vec<Value> {
    view["connection"]["segments"].as_array().expect("segments")
}

/// The marks of a lesson that say this.
fn marks(lesson: &str, saying: &str) -> Vec<u64> {
    let marks = ask(&json!({"ask": "lesson", "id": lesson, "lang": "en"}))["marks"].clone();
    let marks = marks.as_array().expect("marks").iter();
    let said = marks.filter(|mark| mark["text"].as_str().is_some_and(|text| text.contains(saying)));
    said.filter_map(|mark| mark["at"].as_u64()).collect()
}

#[test]
fn the_third_duplicate_brings_the_fast_retransmit() {
    let view = end("loss-fast");
    let again = segments(&view).iter().find(|segment| segment["again"] == true).expect("a retransmission");
    let (left, hole) = (again["at"].as_f64(), again["seq"].as_u64());
    let answers = segments(&view).iter().filter(|segment| {
        segment["from"] == 1 && segment["ack"].as_u64() == hole && segment["arrived"].as_f64() <= left
    });
    let windows: Vec<&Value> = answers.map(|answer| &answer["window"]).collect();
    assert_eq!(windows.len(), 4, "the acknowledgment and its three duplicates have arrived");
    assert!(windows.iter().all(|window| *window == windows[0]), "{windows:?}");
}

#[test]
fn slow_start_ends_where_the_window_reaches_the_threshold() {
    let lost = marks("congestion", "hole");
    assert_eq!(marks("congestion", "slow start ends")[..1], lost[..1], "with the loss, not after its repair");
    assert_eq!(marks("loss-timer", "slow start ends"), [0; 0], "a timeout begins it anew");
    assert_eq!(marks("loss-tail", "slow start ends"), [0; 0], "a connection that is over has no window");
}

#[test]
fn a_call_that_failed_has_not_returned_and_those_after_it_were_not_called() {
    let client = &end("reset-refused")["hosts"][0];
    assert_eq!((&client["call"], &client["waits"]), (&json!(0), &json!(false)));
    assert_eq!(client["failed"], "refused: nobody listens there");
    assert_eq!(end("reset-aborted")["hosts"][1]["call"], 2, "recv all");
}

#[test]
fn a_host_that_has_sent_no_syn_has_no_number_to_count_from() {
    let refused = end("reset-refused");
    let reset = &segments(&refused)[1];
    assert_eq!((&reset["flags"], &reset["seq"]), (&json!("RST, ACK"), &json!(0)));
    assert_eq!(refused["connection"]["isn"][1], Value::Null);
    assert_eq!(end("three-steps")["connection"]["isn"][1], 3_022_381_253_u64);
}

#[test]
fn the_loss_of_power_is_said_in_the_language_of_the_page() {
    for (lang, words) in [("en", "the host lost its power"), ("zh", "主机断电")] {
        let moves = view("reset-half-open", 100_000, lang)["connection"]["moves"].clone();
        let says = |moved: &&Value| moved["on"] == words && moved["to"] == "CLOSED";
        assert!(moves.as_array().expect("moves").iter().any(|moved| says(&moved)), "{moves}");
    }
}

/// What lessons 12 are about is not mixed with a probe that another lesson explains.
#[test]
fn lessons_of_resets_send_nothing_twice() {
    for lesson in ["reset-refused", "reset-aborted", "reset-half-open", "reset-forged"] {
        assert!(segments(&end(lesson)).iter().all(|segment| segment["again"] != true), "{lesson}");
    }
}

/// The texts invite to changes, and say what comes of them.
#[test]
fn what_the_texts_promise_of_a_change_happens() {
    let with = |lesson: &str, change: &dyn Fn(&mut Value), deeds: Value| {
        let mut setup = ask(&json!({"ask": "lesson", "id": lesson}))["setup"].clone();
        change(&mut setup);
        ask(
            &json!({"ask": "view", "moment": {"lesson": lesson, "at": 100_000, "setup": setup, "deeds": deeds}}),
        )
    };
    // A wire that swallows every SYN lets connect wait for minutes.
    let waits = with("reset-refused", &|setup| setup["wire"]["loss_permille"] = json!(1_000), json!([]));
    assert!(waits["time"].as_f64().expect("a time") > 120.0, "{}", waits["time"]);
    assert_eq!(waits["hosts"][0]["failed"], "the peer does not answer any more");
    // One that is overtaken by the next is not sent again.
    let reordered = with("slow-start", &|_| {}, json!([{"reorder": {"frame": 5}}]));
    assert!(segments(&reordered).iter().all(|segment| segment["again"] != true));
    // close instead of shutdown: the answer is answered by a RST.
    let closed = with("half-close", &|setup| setup["hosts"][0]["program"][2] = json!("close"), json!([]));
    let resets = segments(&closed).iter().filter(|segment| segment["flags"] == "RST" && segment["from"] == 0);
    assert_eq!(resets.count(), 1);
}
