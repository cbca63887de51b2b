//! Every file of the collection of real captures is read as tshark reads it: the same number of packets,
//! the same number with TCP, and an error where tshark reports one.

mod common;

use std::fs::File;
use std::path::Path;
use synfin_capture::{Decoded, Decoder, Error, Foreign, Layer, NotTcp, Reader};

/// How many packets a file holds.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    packets: u64,
    tcp: u64,
}

/// Counts as `tshark -Y tcp` does: segments, segments quoted by ICMP errors, and broken TCP headers.
fn count(path: &Path) -> (Counts, Option<Error>) {
    let mut reader = match Reader::new(File::open(path).expect("the file can be opened")) {
        Ok(reader) => reader,
        Err(error) => return (Counts::default(), Some(error)),
    };
    let mut counts = Counts::default();
    let mut decoder = Decoder::new();
    while let Some(record) = reader.next() {
        let record = match record {
            Ok(record) => record,
            Err(error) => return (counts, Some(error)),
        };
        counts.packets += 1;
        assert_eq!(record.number, counts.packets);
        match decoder.decode(&record) {
            Ok(Decoded::Tcp(segment) | Decoded::Quoted { segment, .. }) => {
                assert!(segment.tcp_wire_bytes as usize >= segment.tcp.len());
                counts.tcp += 1;
            }
            Err(NotTcp::Malformed(Layer::Tcp) | NotTcp::Cut(Layer::Tcp)) => counts.tcp += 1,
            Err(_) => {}
        }
    }
    (counts, None)
}

#[test]
fn every_file_has_the_packets_that_tshark_finds() {
    let Some(captures) = common::shared("captures") else { return };
    let index = std::fs::read_to_string(captures.join("INDEX.tsv")).unwrap();
    let mut wrong = Vec::new();
    for line in index.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let name = fields[0];
        let packets = fields[4];
        let tcp = fields[5];
        let note = fields[9];
        let (counts, error) = count(&captures.join(name));
        println!("{name}: {counts:?} {}", error.as_ref().map(Error::to_string).unwrap_or_default());
        if name.ends_with(".snoop") {
            assert!(matches!(error, Some(Error::Foreign(Foreign::Snoop))), "{error:?}");
            continue;
        }
        let expected = Counts {
            packets: packets.parse().unwrap_or(counts.packets), // "?" where tshark's tools could not count
            tcp: tcp.parse().unwrap(),
        };
        let damaged = matches!(error, Some(Error::Damaged(_)));
        if counts != expected || damaged == note.is_empty() {
            wrong.push(format!("{name}: {counts:?}, tshark {expected:?}, {error:?}, tshark: {note}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_damage_is_where_tshark_sees_it() {
    let Some(captures) = common::shared("captures") else { return };
    let (counts, error) = count(&captures.join("sv-corrupt-1450-04.pcap"));
    assert_eq!(counts.packets, 6);
    let error = error.unwrap().to_string();
    assert!(error.contains("at packet 7") && error.contains("4325376 bytes"), "{error}");
    let (_, error) = count(&captures.join("sv-http-mime-truncated.pcap"));
    let error = error.unwrap().to_string();
    assert!(error.starts_with("the capture is cut short in packet 2697"), "{error}");
}
