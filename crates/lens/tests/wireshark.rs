//! Every reference capture gets the verdicts of Wireshark 4.4: streams, completeness, each flag of
//! each frame, and the numbers beside them.

mod shared;

use std::collections::BTreeMap;
use std::path::Path;
use synfin_lens::{Kept, Side, Verdicts, Whole};

const FLAGS: [&str; 18] = [
    "reused_ports",
    "lost_segment",
    "ack_lost_segment",
    "out_of_order",
    "retransmission",
    "fast_retransmission",
    "spurious_retransmission",
    "duplicate_ack",
    "keep_alive",
    "keep_alive_ack",
    "window_update",
    "window_full",
    "zero_window",
    "zero_window_probe",
    "zero_window_probe_ack",
    "tfo_syn",
    "tfo_ack",
    "tfo_ignored",
];

fn check_streams(name: &str, reference: &Path, kept: &Kept, differences: &mut Vec<String>) {
    let streams = shared::table(reference);
    let mut differ = |what: &str, ours: String, theirs: &str| {
        if ours != theirs {
            differences.push(format!("{name}: {what}: ours {ours}, theirs {theirs}"));
        }
    };
    differ("streams", kept.connections.len().to_string(), &streams.len().to_string());
    for row in &streams {
        let number = &row["tcp.stream"];
        let Some(connection) = kept.connections.iter().find(|ours| ours.stream.to_string() == *number) else {
            continue;
        };
        let at = |what: &str| format!("stream {number} {what}");
        let quoted_only = row["a"].is_empty();
        if !quoted_only {
            differ(&at("a"), connection.address(Side::A).to_string(), &row["a"]);
        }
        differ(&at("completeness"), connection.completeness.bits().to_string(), &row["completeness"]);
        differ(&at("packets a"), connection.directions[0].packets.to_string(), &row["pkts_ab"]);
        differ(&at("packets b"), connection.directions[1].packets.to_string(), &row["pkts_ba"]);
        differ(&at("text a"), connection.directions[0].text_bytes.to_string(), &row["payload_ab"]);
        differ(&at("text b"), connection.directions[1].text_bytes.to_string(), &row["payload_ba"]);
        let rtt =
            connection.initial_rtt_ns.map(|ns| format!("{}.{:09}", ns / 1_000_000_000, ns % 1_000_000_000));
        differ(&at("initial rtt"), rtt.unwrap_or_default(), &row["initial_rtt"]);
        for flag in FLAGS.iter().chain(&["dsack"]) {
            let verdict = Verdicts::from_name(flag).expect("a verdict of ours");
            let count: u32 =
                connection.directions.iter().map(|direction| direction.verdict(verdict).count).sum();
            differ(&at(flag), count.to_string(), &row[*flag]);
        }
    }
}

fn check_frames(name: &str, reference: &Path, kept: &Kept, differences: &mut Vec<String>) {
    let mut theirs: BTreeMap<(u32, u32), BTreeMap<String, String>> = BTreeMap::new();
    for row in shared::table(reference) {
        let key = (row["frame"].parse().expect("a number"), row["stream"].parse().expect("a number"));
        theirs.insert(key, row);
    }
    for (segment, said) in kept.segments.iter().filter(|(segment, _)| segment.whole == Whole::Yes) {
        let row = theirs.get(&(segment.frame, said.stream));
        let mut expected: Vec<&str> = row.map(|row| row["flags"].split(',').collect()).unwrap_or_default();
        expected.sort_unstable();
        let mut ours: Vec<&str> = said.verdicts.names().filter(|name| *name != "partial_ack").collect();
        ours.sort_unstable();
        if ours != expected {
            differences.push(format!(
                "{name}: frame {} stream {}: ours {ours:?}, theirs {expected:?}",
                segment.frame, said.stream
            ));
        }
        let rto = said
            .rto
            .map(|rto| format!("{}.{:09}", rto.after_ns / 1_000_000_000, rto.after_ns % 1_000_000_000));
        let number = said.duplicate_ack.map(|(number, _)| number.to_string());
        for (what, ours) in [("rto", rto), ("dupack_num", number)] {
            let (ours, theirs) = (ours.unwrap_or_default(), row.map_or("", |row| row[what].as_str()));
            if ours != theirs {
                differences.push(format!(
                    "{name}: frame {} {what}: ours {ours:?}, theirs {theirs:?}",
                    segment.frame
                ));
            }
        }
    }
}

#[test]
fn every_reference_capture_gets_the_same_verdicts() {
    let Some(folder) = shared::captures("") else { return };
    let mut differences = Vec::new();
    let mut names: Vec<_> =
        std::fs::read_dir(&folder).expect("a folder").flatten().map(|entry| entry.path()).collect();
    names.sort();
    let mut files = 0;
    for reference in names.iter().filter(|path| path.to_string_lossy().ends_with(".ref.tsv")) {
        let path = reference.to_string_lossy().trim_end_matches(".ref.tsv").to_owned();
        let name = Path::new(&path).file_name().expect("a name").to_string_lossy().into_owned();
        let kept = match shared::explain(Path::new(&path)) {
            Ok(kept) => kept,
            Err(error) => {
                println!("{name} is refused: {error}");
                continue;
            }
        };
        files += 1;
        check_streams(&name, reference, &kept, &mut differences);
        check_frames(&name, Path::new(&format!("{path}.frames.tsv")), &kept, &mut differences);
    }
    println!("{files} captures compared");
    assert!(files > 30, "only {files} captures were compared");
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}
