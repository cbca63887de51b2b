//! Display filters beside tshark: each lets the same frames through.
//!
//! One capture holds what the demo and a simulation write and, where they are there, real captures; tshark
//! and `synfin explain` are asked for the TCP frames of it that a filter lets through.

mod support;

use capture::{Format, Interface, PacketInfo, Reader, Section, Writer};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use support::{Scratch, has, printed};

/// Without tunnels, whose outer headers we do not keep, and without damage.
const REAL: [&str; 9] = [
    "ndpi-bfcp_crossed_fin.pcapng",
    "ndpi-http_asymmetric_2if.pcapng",
    "ndpi-nest_keepalive.pcap",
    "ndpi-tcp_scan.pcapng",
    "sv-urgent-oob.pcap",
    "td-mptcp-v1.pcap",
    "zeek-tcp_missing-syn.pcap",
    "zeek-tcp_reassembly.pcap",
    "zeek-tcp_ssh-dups.pcap",
];

/// Of every kind of field and comparison. Verdicts are few here, because they differ between versions of
/// Wireshark; the lens's own tests hold them against the version that it follows. HTTP is asked for at its
/// port only, because Wireshark decides by the whole connection what else is HTTP.
const FILTERS: &[&str] = &[
    "tcp",
    "not arp",
    "arp or udp.port == 53",
    "!(arp or icmp or dhcp.type)",
    "ip",
    "ipv6",
    "eth",
    "tcp.port == 80",
    "tcp.port != 80",
    "tcp.port === 80",
    "tcp.port !== 80",
    "any tcp.port == 80",
    "all tcp.port > 1024",
    "not any tcp.port == 80",
    "tcp.port in {22, 80, 443}",
    "tcp.port not in {22, 80, 443}",
    "tcp.port in {1..1023}",
    "tcp.srcport < tcp.dstport",
    "tcp.seq == tcp.ack",
    "tcp.len > 0 && tcp.len <= 100",
    "tcp.len == 0144",
    "tcp.hdr_len == 20",
    "tcp.hdr_len > 32",
    "tcp.flags == 0x12",
    "tcp.flags & 0x02",
    "tcp.flags & 0x12 == 0x12",
    "tcp.flags.syn == 1 && tcp.flags.ack == 0",
    "tcp.flags.reset == 1",
    "tcp.flags.ae == 1",
    "tcp.flags.str matches \"s\"",
    "tcp.flags.str == \"·······AP···\"",
    "tcp.flags.str contains \"AP\"",
    "len(tcp.flags.str) > 20",
    "tcp.completeness == 31",
    "tcp.completeness & 32",
    "tcp.completeness < 8",
    "eth.addr == 00:00:00:00:00:00",
    "eth.src[0:3] == 00:0c:29",
    "eth.type == 0x0800",
    "ip.src == 192.168.0.0/16",
    "ip.addr != 192.0.2.80",
    "ip.src in {10.0.0.0/8}",
    "ip.src == ip.dst",
    "ip.ttl < 64",
    "ip.len > 1000",
    "ip.flags.df == 1",
    "ip.dsfield.dscp == 0",
    "ip.dsfield.ecn > 0",
    "ip.id == 0",
    "ipv6.hlim == 64",
    "ipv6.plen > 100",
    "frame.number < 20",
    "frame.len > 200",
    "frame.cap_len < frame.len",
    "frame.time_relative > 1",
    "frame.time_epoch > 1600000000",
    "tcp.stream in {0, 2, 4..6}",
    "tcp.time_relative > 1",
    "tcp.time_delta > 0.2",
    "tcp.window_size_value == 0",
    "tcp.window_size > 65535",
    "tcp.checksum == 0",
    "tcp.urgent_pointer > 0",
    "tcp.options",
    "tcp.options.mss_val >= 1460",
    "tcp.options.wscale.shift",
    "tcp.options.sack_perm",
    "tcp.options.sack.count == 1",
    "tcp.options.timestamp.tsval > 0",
    "tcp.payload",
    "len(tcp.payload) > 100",
    "len(ip.src) == 4",
    "count(tcp.port) == 2",
    "count(http.request.method) == 0",
    "tcp.port == 80 && (http.request or http.response.code == 200)",
    "tcp.payload contains \"HTTP\"",
    "tcp.payload contains \"\\r\\n\"",
    "tcp.payload contains 0d:0a",
    "tcp contains \"SSH\"",
    "frame contains 08:00:45",
    "frame contains \"GET\"",
    "tcp.payload matches \"^get \"",
    "tcp.payload matches r\"http/\\d\\.\\d\"",
    "tcp.payload ~ \"^(get|post|ssh)\"",
    "tcp matches \"user-agent: [a-z]+\"",
    "frame matches \"\\x00\\x00\\x00\"",
    "tcp[0:2] == 00:50",
    "tcp[13] == 02",
    "tcp.payload[0:3] == \"GET\"",
    "tcp.payload[-2:2] == 0d:0a",
    "tcp.payload[0] == 0x47",
    "tcp.payload[0:4] matches \"get\"",
    "tcp.port == 80 && (http.request.method == \"GET\")",
    "tcp.port == 80 && (http.request.method == \"get\")",
    "tcp.port == 80 && (lower(http.request.method) == \"get\")",
    "tcp.port == 80 && (all http.request.method == \"GET\")",
    "tcp.port == 80 && (len(http.request.uri) > 10)",
    "tcp.port == 80 && (http.request.version == \"HTTP/1.1\")",
    "tcp.analysis.retransmission",
    "tcp.analysis.bytes_in_flight > 1000",
    "tcp.analysis.duplicate_ack_frame",
    "tcp.connection.synack",
    "tcp.stream == 0 or tcp.stream == 1 and tcp.len > 0",
];

/// All packets of these captures one after the other, in one.
fn joined(files: &[impl AsRef<Path>]) -> Vec<u8> {
    let mut writer =
        Writer::new(Vec::new(), Format::Pcapng, &Section::default()).expect("memory takes everything");
    for file in files {
        let mut interfaces = BTreeMap::new();
        let mut reader = Reader::new(File::open(file).expect("a readable file")).expect("a capture");
        while let Some(record) = reader.next() {
            let record = record.expect("an undamaged record");
            let id = *interfaces.entry(record.interface.0).or_insert_with(|| {
                writer.add_interface(&Interface::new(record.link_type)).expect("memory takes everything")
            });
            let info =
                PacketInfo { wire_bytes: Some(record.wire_bytes), ..PacketInfo::new(id, record.time_ns) };
            writer.write_slices(&info, &[record.bytes]).expect("memory takes everything");
        }
    }
    writer.into_inner()
}

/// The frames that `synfin explain` shows.
fn ours(file: &str, filter: &str) -> Vec<u64> {
    let csv = printed(&["explain", file, "--csv", "-Y", filter]);
    let mut lines = csv.lines();
    let column = lines.next().expect("a header").split(',').position(|name| name == "frame").expect("frame");
    lines
        .map(|line| line.split(',').nth(column).and_then(|cell| cell.parse().ok()).expect("a number"))
        .collect()
}

/// How many frames, and the sum of their numbers: what tshark can tell of many filters at once.
type Told = (u64, u64);

/// tshark over the file: twice, so that it knows how connections end; of messages as far as one segment
/// tells.
fn tshark(file: &str) -> Command {
    let mut command = Command::new("tshark");
    command.args(["-n", "-2", "-o", "tcp.desegment_tcp_streams:FALSE", "-r", file]);
    command
}

/// A filter for the frames that we show.
fn of_tcp(filter: &str) -> String {
    format!("tcp && !icmp && !icmpv6 && ({filter})")
}

/// What tshark says of each of these filters; `None` if it does not take one of them.
fn told_at_once(file: &str, filters: &[&str]) -> Option<Vec<Told>> {
    let columns = filters.iter().map(|filter| {
        let filter = of_tcp(filter);
        format!(",{filter},SUM(frame.number)frame.number && {filter}")
    });
    let wanted = format!("io,stat,0{}", columns.collect::<String>());
    let output = tshark(file).args(["-q", "-z", &wanted]).output().expect("tshark runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let row = text.lines().find(|line| line.contains("<>"))?;
    // the interval, then frames, bytes and the sum of each filter
    let cells: Vec<Option<u64>> =
        row.trim_matches('|').split('|').map(|cell| cell.trim().parse().ok()).collect();
    let of_filters = cells.get(1..).filter(|cells| cells.len() == 3 * filters.len())?;
    of_filters.chunks_exact(3).map(|cells| Some((cells[0]?, cells[2]?))).collect()
}

/// What tshark says of one filter, or why it does not take it.
fn told(file: &str, filter: &str) -> Result<Told, String> {
    let fields = ["-T", "fields", "-e", "frame.number", "-Y", &of_tcp(filter)];
    let output = tshark(file).args(fields).output().expect("tshark runs");
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let frames: Vec<u64> = text.lines().map(|line| line.parse().expect("a frame number")).collect();
    Ok((frames.len() as u64, frames.iter().sum()))
}

/// What tshark says of each filter. A comma would end a filter among many.
fn theirs<'a>(file: &str, filters: &[&'a str]) -> Vec<(&'a str, Result<Told, String>)> {
    let (single, many): (Vec<_>, Vec<_>) = filters.iter().copied().partition(|filter| filter.contains(','));
    let mut all: Vec<_> = single.into_iter().map(|filter| (filter, told(file, filter))).collect();
    for batch in many.chunks(16) {
        match told_at_once(file, batch) {
            Some(told) => all.extend(batch.iter().copied().zip(told.into_iter().map(Ok))),
            None => all.extend(batch.iter().map(|filter| (*filter, told(file, filter)))),
        }
    }
    all
}

#[test]
fn every_filter_lets_the_same_frames_through_as_in_tshark() {
    if !has("tshark") {
        return;
    }
    let (demo, sim) = (Scratch::new("f-demo.pcapng"), Scratch::new("f-sim.pcapng"));
    printed(&["demo", "--pcap", demo.path()]);
    printed(&["sim", "--bytes", "200k", "--loss", "1%", "--ipv6", "--pcap", sim.path()]);
    let mut files: Vec<_> = [&demo, &sim].map(|file| Path::new(file.path()).to_owned()).into();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/captures");
    match folder.is_dir() {
        true => files.extend(REAL.map(|name| folder.join(name))),
        false => drop(writeln!(std::io::stderr(), "without real captures: none are at {}", folder.display())),
    }
    let all = Scratch::new("f-all.pcapng");
    std::fs::write(all.path(), joined(&files)).expect("a place for it");
    let (mut differences, mut compared) = (Vec::new(), 0);
    for (filter, theirs) in theirs(all.path(), FILTERS) {
        let ours = ours(all.path(), filter);
        let ours: Told = (ours.len() as u64, ours.iter().sum());
        match theirs {
            Ok(theirs) => {
                compared += 1;
                if ours != theirs {
                    differences.push(format!(
                        "{filter}: {} frames, of tshark {}; the sums of their numbers {} and {}",
                        ours.0, theirs.0, ours.1, theirs.1
                    ));
                }
            }
            // other versions have other fields
            Err(why) => drop(writeln!(std::io::stderr(), "not compared: {filter}: {why}")),
        }
    }
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
    assert!(compared > 90, "tshark took only {compared} of these filters");
}
