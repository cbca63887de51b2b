use super::*;
use lens::FindingId;

#[test]
fn every_kind_is_in_the_document_of_findings() {
    let document = include_str!("../../../../docs/findings.md");
    for id in FindingId::ALL {
        assert!(document.contains(&format!("| `{id}` |")), "docs/findings.md has no row for {id}");
    }
}
