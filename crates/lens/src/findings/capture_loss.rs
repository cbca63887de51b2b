//! Segments that the ends exchanged and the capture missed.

use super::{Finding, Severity, counted, frames_of};
use crate::Connection;

pub(super) fn look(connection: &Connection) -> Vec<Finding> {
    let missing = connection.faults.missing;
    if missing.count == 0 || connection.faults.only.is_some() {
        return Vec::new();
    }
    let sentence = format!(
        "the capture missed packets: {} not in it; counts of loss are not to be trusted",
        counted(missing.count, "acknowledgment is of what is", "acknowledgments are of what is")
    );
    vec![Finding::new("capture-loss", Severity::Warning, connection, sentence).by(frames_of(missing))]
}
