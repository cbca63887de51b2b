//! The documents that are made from code.

/// Every generated document: where it stands, and what it says.
pub(crate) fn all() -> Vec<(&'static str, String)> {
    vec![
        ("docs/state-diagram.svg", report::diagram::svg()),
        ("docs/state-diagram.md", state_diagram()),
        ("docs/explain.schema.json", report::captured::SCHEMA.to_owned()),
    ]
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
