//! Text on a SYN that was not taken: Fast Open saved nothing.

use super::{Finding, Severity, name};
use crate::{Connection, FastOpen};

pub(super) fn look(connection: &Connection) -> Vec<Finding> {
    let Some(fast) = connection.handshake.fast_open.filter(|fast| fast.answer_frame != 0) else {
        return Vec::new();
    };
    if fast.taken_bytes >= fast.text_bytes {
        return Vec::new();
    }
    let from = connection.originator();
    let (who, whom) = (name(connection, from), name(connection, from.other()));
    let sentence = format!(
        "{whom} did not take {} of {who} on the SYN{}: {}; it goes again after the handshake, a round trip later",
        text(&fast),
        if fast.had_cookie { ", which had a cookie" } else { "" },
        reason(&fast)
    );
    let frames = [fast.syn_frame, fast.answer_frame];
    vec![
        Finding::new("fast-open-not-taken", Severity::Warning, connection, sentence)
            .by(frames)
            .see("7413#4.2.2"),
    ]
}

fn text(fast: &FastOpen) -> String {
    match fast.taken_bytes {
        0 => format!("the {} bytes", fast.text_bytes),
        taken => format!("{} of the {} bytes", fast.text_bytes - taken, fast.text_bytes),
    }
}

fn reason(fast: &FastOpen) -> &'static str {
    if fast.went_again_without {
        "only the SYN without text was answered; somebody on the path may drop SYNs with text or with the option"
    } else if fast.grants_cookie {
        "the cookie is not valid any more, and a new one is granted"
    } else if fast.taken_bytes > 0 {
        "it had no room for more"
    } else if fast.had_cookie {
        "it does not do Fast Open, or not now"
    } else {
        "it wants a cookie, or does not do Fast Open"
    }
}
