//! The documents that are made from code, and the parts of documents.

use crate::{rooms, root};
use std::fs;

/// Every generated document: where it stands, and what it says.
///
/// # Errors
/// A sentence, when the manifests cannot be read, or a document has no place for its generated part.
pub(crate) fn all() -> Result<Vec<(&'static str, String)>, String> {
    let arrows = format!("```text\n{}```", rooms::picture(&rooms::read()?));
    Ok(vec![
        ("docs/state-diagram.svg", report::diagram::svg()),
        ("docs/state-diagram.md", state_diagram()),
        ("docs/explain.schema.json", report::captured::SCHEMA.to_owned()),
        ("ARCHITECTURE.md", with_part("ARCHITECTURE.md", "arrows", &arrows)?),
    ])
}

fn state_diagram() -> String {
    format!(
        "# The state diagram\n\n\
         Made by `cargo xtask gen` from `crates/tcp/src/state.rs`, the rows that the engine, the lens and the\n\
         tests share. The picture is [state-diagram.svg](state-diagram.svg).\n\n\
         ```mermaid\n{}\n```\n\n## Every row\n\n{}",
        report::diagram::mermaid().trim_end(),
        report::diagram::markdown()
    )
}

/// The document at `path` as it is, with `text` between the two comments that mark its part `name`.
fn with_part(path: &str, name: &str, text: &str) -> Result<String, String> {
    let document =
        fs::read_to_string(root().join(path)).map_err(|error| format!("cannot read {path}: {error}"))?;
    replaced(&document, name, text).ok_or_else(|| {
        format!("{path} has no lines <!-- gen: {name} --> and <!-- end: {name} --> to write between")
    })
}

fn replaced(document: &str, name: &str, text: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- gen: {name} -->\n"), format!("<!-- end: {name} -->"));
    let (before, rest) = document.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}{text}\n{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::replaced;

    #[test]
    fn a_part_is_replaced_between_its_marks_and_nothing_else_is() {
        let document = "one\n<!-- gen: x -->\nold\n<!-- end: x -->\ntwo\n";
        let expected = "one\n<!-- gen: x -->\nnew\n<!-- end: x -->\ntwo\n";
        assert_eq!(replaced(document, "x", "new").as_deref(), Some(expected));
        assert_eq!(replaced(document, "y", "new"), None);
        assert_eq!(replaced("<!-- end: x --> <!-- gen: x -->\n", "x", "new"), None, "the end comes first");
    }
}
