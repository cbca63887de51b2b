//! A reset that was not obeyed.

use super::{Finding, Severity, name};
use crate::{Connection, Notes, Side};

pub(super) fn look(connection: &Connection) -> Vec<Finding> {
    let ignored = |side: Side| {
        let seen = connection.sent_by(side).note(Notes::RESET_IGNORED);
        let reset = connection.close.reset.filter(|reset| reset.by != side)?;
        if seen.count == 0 {
            return None;
        }
        let sentence = format!(
            "{} went on after the RST of frame {}: it did not accept it, or never got it; the RST may be forged",
            name(connection, side),
            reset.at.frame
        );
        let finding = Finding::new("reset-ignored", Severity::Warning, connection, sentence);
        Some(finding.by([reset.at.frame, seen.first_frame]).see("5961#3"))
    };
    Side::BOTH.into_iter().filter_map(ignored).collect()
}
