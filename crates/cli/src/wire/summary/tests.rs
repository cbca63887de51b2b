use super::*;
use netem::wire::{Frame, Instant, Medium};
use netem::{Chance, Lane, Loss, Pipe};
use report::Style;

/// A direction on which ten frames of 1,000 bytes were sent, and none, or each, was lost.
fn state(loss: Loss) -> State {
    let mut pipe = Pipe::new(Lane { loss, ..Lane::default() }, 1, Medium::Ip);
    (0..10).for_each(|_| pipe.push(Instant::ZERO, Frame::from_bytes(vec![0x45; 1_000].into())));
    let mut state = State { at: Duration::from_secs(1), queue_bytes_max: 9_000, ..State::default() };
    while pipe.pop_due(Instant::ZERO).is_some() {
        state.left_frames += 1;
        state.left_bytes += 1_000;
        state.lateness.record(Duration::from_micros(40));
    }
    state.counts = pipe.counts();
    state
}

fn names() -> [String; 2] {
    ["left".to_owned(), "right".to_owned()]
}

#[test]
fn the_sums_are_one_object_for_programs() {
    let states = [state(Loss::Nothing), state(Loss::Random(Chance::ALWAYS))];
    let summary = Summary { names: &names(), seed: 7, elapsed: Duration::from_secs(2), states: &states };
    let said: Value = serde_json::from_str(&summary.json()).expect("JSON");
    assert_eq!((&said["event"], &said["seed"]), (&"summary".into(), &7.into()));
    let [there, back] = [&said["directions"][0], &said["directions"][1]];
    assert_eq!((&there["from"], &there["to"]), (&"left".into(), &"right".into()));
    assert_eq!(
        (&there["in_frames"], &there["out_frames"], &there["out_bytes"]),
        (&10.into(), &10.into(), &10_000.into())
    );
    assert_eq!(there["out_bits_per_s"].as_f64(), Some(40_000.0));
    assert_eq!((&there["lost"]["wire"], &back["lost"]["wire"]), (&0.into(), &10.into()));
    assert_eq!(back["out_frames"], 0);
    assert!((40.0..45.0).contains(&there["late_us"]["p99"].as_f64().expect("a number")));
    for why in Lost::ALL {
        assert!(there["lost"][key(why)].is_u64() && key(why) != "other", "{why:?}");
    }
}

#[test]
fn the_sums_are_sentences_for_people() {
    let mut broken = state(Loss::Random(Chance::ALWAYS));
    broken.refused_frames = 3;
    let states = [state(Loss::Nothing), broken];
    let summary = Summary { names: &names(), seed: 7, elapsed: Duration::from_secs(1), states: &states };
    let text = summary.text(&Style::PLAIN);
    for line in ["left -> right", "10 lost: lost on the wire", "3 lost: refused by the device", "99 % "] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(!text.contains("       0 "), "what did not happen is not said: {text}");
}

#[test]
fn the_live_line_shows_the_rate_since_the_last_one_and_fits_the_terminal() {
    let (now, before) = (state(Loss::Random(Chance::ALWAYS)), State::default());
    let style = Style { width: 200, ..Style::PLAIN };
    let shown = line(&names(), 1, &State { left_bytes: 125_000, ..now.clone() }, &before, &style);
    assert!(shown.starts_with("right -> left") && shown.contains("1.00 Mbit/s"), "{shown}");
    assert!(shown.contains("lost: 10 wire"), "{shown}");
    let narrow = line(&names(), 1, &now, &before, &Style { width: 30, ..Style::PLAIN });
    assert_eq!(narrow.chars().count(), 30);
}

#[test]
fn a_program_is_told_where_the_ends_are() {
    let said = ready(&names(), 3, &[vec!["10.77.0.1".to_owned()], vec!["10.77.0.2".to_owned()]]);
    assert_eq!((&said["event"], &said["ends"][1]["addresses"][0]), (&"ready".into(), &"10.77.0.2".into()));
    assert_eq!(ready(&names(), 3, &[])["ends"][0]["addresses"], json!([]));
}
