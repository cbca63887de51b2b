//! Text on a SYN: what the words are, and when it was not taken.

use super::found;
use crate::Severity;
use crate::story::{ACK, SYN, Story};
use wire::tcp::FastOpenCookie;

fn cookie(bytes: &[u8]) -> Option<FastOpenCookie> {
    FastOpenCookie::new(bytes)
}

/// A SYN with this option and text, and a SYN,ACK with that option that takes so much of the text.
fn opening(syn: (Option<FastOpenCookie>, u32), answer: (Option<FastOpenCookie>, u32)) -> Story {
    let mut story = Story::new();
    story.send(0, SYN, syn.1).options.fast_open = syn.0;
    story.received[1] = 1_001 + answer.1;
    story.wait_ms(20).send(1, SYN | ACK, 0).options.fast_open = answer.0;
    story
}

fn words(story: &Story) -> Vec<Option<String>> {
    story.told().kept.segments.iter().map(|(_, said)| said.fast_open.sentence()).collect()
}

const COOKIE: [u8; 8] = [1; 8];

#[test]
fn the_handshake_in_words() {
    let rows = [
        (
            (cookie(&[]), 0),
            (cookie(&COOKIE), 0),
            "asks for a Fast Open cookie",
            Some("a Fast Open cookie is granted"),
        ),
        ((cookie(&[]), 0), (None, 0), "asks for a Fast Open cookie", None),
        (
            (cookie(&COOKIE), 500),
            (None, 500),
            "text on the SYN with a cookie (Fast Open)",
            Some("acknowledges the text of the SYN"),
        ),
        (
            (cookie(&COOKIE), 500),
            (cookie(&[2; 8]), 0),
            "text on the SYN with a cookie (Fast Open)",
            Some("does not acknowledge the text of the SYN; a Fast Open cookie is granted"),
        ),
        (
            (cookie(&COOKIE), 500),
            (None, 200),
            "text on the SYN with a cookie (Fast Open)",
            Some("acknowledges 200 of the 500 bytes of the SYN"),
        ),
        (
            (None, 500),
            (None, 0),
            "text on the SYN without a cookie",
            Some("does not acknowledge the text of the SYN"),
        ),
    ];
    for (syn, answer, asked, answered) in rows {
        let told = words(&opening(syn, answer));
        assert_eq!(told, [Some(asked.to_owned()), answered.map(str::to_owned)], "{syn:?} {answer:?}");
    }
    assert_eq!(words(&Story::open()), [None, None, None]);
}

#[test]
fn text_that_was_not_taken() {
    let rows = [
        ((cookie(&COOKIE), 500), (cookie(&[2; 8]), 0), "new-cookie-granted"),
        ((cookie(&COOKIE), 500), (None, 0), "not-now"),
        ((None, 500), (None, 0), "wants-cookie"),
        ((cookie(&COOKIE), 500), (None, 200), "no-room"),
    ];
    for (syn, answer, sign) in rows {
        let finding = found(&opening(syn, answer), "fast-open-not-taken");
        assert!(finding.has(sign), "{finding:?}");
        assert_eq!((finding.severity, finding.frames), (Severity::Warning, vec![1, 2]));
    }
}

#[test]
fn a_syn_that_had_to_go_again_without_text() {
    let mut story = Story::new();
    let isn = story.next[0];
    story.lose(0, SYN, 500).options.fast_open = cookie(&COOKIE);
    story.wait_ms(1_000).again(0, isn, SYN, 0);
    story.received[1] = isn + 1;
    story.wait_ms(20).send(1, SYN | ACK, 0);
    let finding = found(&story, "fast-open-not-taken");
    assert!(finding.has("only-bare-syn-answered"), "{finding:?}");
    assert_eq!(finding.frames, [1, 3]);
}

#[test]
fn text_that_was_taken_and_syns_without() {
    for (syn, answer) in [
        ((cookie(&COOKIE), 500), (None, 500)),
        ((cookie(&[]), 0), (cookie(&COOKIE), 0)),
        ((cookie(&COOKIE), 0), (None, 0)),
        ((None, 0), (None, 0)),
    ] {
        assert_eq!(opening(syn, answer).told().finding("fast-open-not-taken"), None, "{syn:?}");
    }
    // nobody has answered yet
    let mut story = Story::new();
    story.send(0, SYN, 500).options.fast_open = cookie(&COOKIE);
    assert_eq!(story.told().finding("fast-open-not-taken"), None);
}
