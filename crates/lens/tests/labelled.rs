//! Causes of retransmissions, compared with those that a research tool (TCPRS, 2010 to 2016) gave.
//!
//! Its labels are a tool's verdict, not the kernel's truth, and know neither tail-loss probes nor RACK.

mod shared;

use std::collections::BTreeMap;
use std::path::Path;
use synfin_lens::{Analysis, Kept, Order, Segment};
use tcp::SendReason;

/// What a label says, coarsely enough for both vocabularies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Timeout,
    /// The first of a recovery, by duplicate ACKs or SACK.
    ByAcks,
    /// The next ones, also after a timeout.
    FollowUp,
}

fn label_class(label: &str) -> Option<Class> {
    Some(match label {
        "RTO" | "RTO_NO_DUPACK" | "BRUTE_FORCE_RTO" => Class::Timeout,
        "FAST_TRIPDUP" | "SACK_BASED_RECOVERY" | "FACK_BASED" | "SACK_BYTE_EARLY_REXMIT" => Class::ByAcks,
        "REXMIT(recovery follow-up)" => Class::FollowUp,
        _ => return None, // "unknown", "TESTING"
    })
}

/// Whether our reason says what the label says. A hole that SACK shows can be the first or a later one.
fn agrees(label: Class, said: &Analysis) -> bool {
    match (label, said.why.reason) {
        (Class::Timeout, reason) => reason == SendReason::Timeout,
        (Class::ByAcks, reason) => matches!(reason, SendReason::FastRetransmit | SendReason::SackRecovery),
        (Class::FollowUp, reason) => {
            matches!(
                reason,
                SendReason::RecoveryRetransmit | SendReason::SackRecovery | SendReason::AfterTimeout
            )
        }
    }
}

fn find<'a>(kept: &'a Kept, row: &BTreeMap<String, String>) -> Option<&'a (Segment, Analysis)> {
    let (seconds, micros) = row["ts"].split_once('.')?;
    let us: u64 = seconds.parse::<u64>().ok()? * 1_000_000 + micros.parse::<u64>().ok()?;
    let seq: u32 = row["seq_abs"].parse().ok()?;
    let from = if row["from_orig"] == "T" { &row["orig"] } else { &row["resp"] };
    kept.segments.iter().find(|(segment, _)| {
        segment.time.as_micros().abs_diff(us) <= 1
            && segment.seq.number() == seq
            && segment.source.to_string() == *from
    })
}

#[test]
fn causes_agree_with_the_labels() {
    let Some(folder) = shared::captures("labelled") else { return };
    let mut names: Vec<_> =
        std::fs::read_dir(&folder).expect("a folder").flatten().map(|entry| entry.path()).collect();
    names.sort();
    let (mut agreed, mut total, mut missing) = (0, 0, 0);
    let mut matrix: BTreeMap<(String, String), u32> = BTreeMap::new();
    let mut differences = Vec::new();
    for labels in names.iter().filter(|path| path.to_string_lossy().ends_with(".labels.tsv")) {
        let path = labels.to_string_lossy().replace(".labels.tsv", ".pcap");
        let kept = shared::explain(Path::new(&path)).expect("the capture is readable");
        for row in shared::table(labels).iter().filter(|row| row["log"] == "tcpretransmissions") {
            let Some(label) = label_class(&row["type"]) else { continue };
            let Some((segment, said)) = find(&kept, row) else {
                missing += 1;
                continue;
            };
            total += 1;
            let ours = match said.why.order {
                Order::Reordered => "reordered".to_owned(),
                _ => said.why.reason.name().to_owned(),
            };
            *matrix.entry((row["type"].clone(), ours.clone())).or_default() += 1;
            if agrees(label, said) && said.why.order != Order::Reordered {
                agreed += 1;
            } else {
                differences.push(format!(
                    "{path} frame {}: label {} ({}), ours {ours} {:?}",
                    segment.frame, row["type"], row["reason"], said.why.evidence
                ));
            }
        }
    }
    for ((label, ours), count) in &matrix {
        println!("{label:30} {ours:20} {count}");
    }
    println!("{agreed} of {total} agree, {missing} labels without a segment");
    println!("{}", differences.join("\n"));
    assert!(total > 300, "only {total} labels were compared");
    assert!(agreed * 100 >= total * 95, "{agreed} of {total} agree");
}
