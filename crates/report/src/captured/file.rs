//! From a capture file to its page: the one way that the command, the laboratory's server and a browser take.

use super::page::{PAGE_CONNECTIONS_MAX, PAGE_SEGMENTS_MAX, page};
use crate::page::Data;
use crate::words::{self, Language};
use lens::capture::{Error, Reader};
use lens::{Intake, KeepSegments, Kept};
use std::io::Read;

/// What a page keeps of a capture: the connections and the segments that fit into it.
pub fn kept_for_page() -> Kept {
    Kept {
        keep_segments: KeepSegments::All,
        // One more, so that the page can say that there are more.
        segments_max: PAGE_SEGMENTS_MAX + 1,
        connections_max: PAGE_CONNECTIONS_MAX,
        ..Kept::default()
    }
}

/// The page of what the lens kept of a file, with what is to be said of the file itself: its damage, its order, the
/// packets that are not explained.
pub fn page_of_file(kept: &Kept, intake: &Intake, source: &str, language: Language) -> Data {
    let mut data = page(kept, source, language);
    let notices = &mut data.notices;
    notices.extend(intake.damage().map(|damage| words::damage(damage, language)));
    notices.extend(words::put_in_order(intake.order(), language));
    notices.extend(words::left_out(intake.contents(), language));
    if kept.connections.is_empty() {
        notices.push(words::no_tcp(intake.contents(), language));
    }
    data
}

/// Reads a whole capture, explains it, and gives its page. `source` is the name of the file.
///
/// # Errors
/// The file is not a capture, or it cannot be read. A damaged one is explained up to its damage, and the page says so.
///
/// ```
/// use synfin_report::{captured, words::Language};
/// let refused = captured::explain(&b"PK\x03\x04 and more"[..], "captures.zip", Language::English).unwrap_err();
/// assert!(refused.to_string().contains("unpack it first"), "{refused}");
/// ```
pub fn explain(file: impl Read, source: &str, language: Language) -> Result<Data, Error> {
    let mut reader = Reader::new(file)?;
    let mut kept = kept_for_page();
    let intake = Intake::read_all(&mut reader, &mut kept).map_err(Error::Io)?;
    Ok(page_of_file(&kept, &intake, source, language))
}
