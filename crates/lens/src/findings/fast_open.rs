//! Text on a SYN that was not taken: Fast Open saved nothing.

use super::{Draft, FindingId, Severity};
use crate::{Connection, FastOpen};

pub(super) fn look(connection: &Connection) -> Vec<Draft> {
    let Some(fast) = connection.handshake.fast_open.filter(|fast| fast.answer_frame != 0) else {
        return Vec::new();
    };
    if fast.taken_bytes >= fast.text_bytes {
        return Vec::new();
    }
    let side = connection.originator().other();
    vec![
        Draft::of_end(FindingId::FastOpenNotTaken, Severity::Warning, connection, side)
            .number("text_bytes", fast.text_bytes)
            .number("taken_bytes", fast.taken_bytes)
            .sign_if(fast.had_cookie, "had-cookie")
            .sign(reason(&fast))
            .by([fast.syn_frame, fast.answer_frame])
            .see("7413#4.2.2"),
    ]
}

fn reason(fast: &FastOpen) -> &'static str {
    if fast.went_again_without {
        "only-bare-syn-answered"
    } else if fast.grants_cookie {
        "new-cookie-granted"
    } else if fast.taken_bytes > 0 {
        "no-room"
    } else if fast.had_cookie {
        "not-now"
    } else {
        "wants-cookie"
    }
}
