//! What the lens says of retransmissions beside the truth: a tiny case made here, and three seconds of the rig where it can run.

use std::net::{IpAddr, SocketAddr};
use synfin_verify::causes::{Case, Class, Congestion, Said, Trigger, Truth, Vantage, explain};

const CLIENT: [u8; 4] = [10, 0, 0, 1];
const SERVER: [u8; 4] = [10, 0, 0, 2];

/// A capture of raw IPv4 packets, made by hand.
struct Capture(Vec<u8>);

impl Capture {
    fn new() -> Capture {
        let mut bytes = Vec::new();
        // Nanoseconds, version 2.4, link type 101 (raw IP).
        for word in [0xa1b2_3c4d_u32, 0x0004_0002, 0, 0, 65_535, 101] {
            bytes.extend(word.to_le_bytes());
        }
        Capture(bytes)
    }

    /// A segment at this time (in microseconds), from the client or to it.
    fn segment(
        mut self,
        micros: u32,
        from_client: bool,
        [seq, ack]: [u32; 2],
        flags: u8,
        text: usize,
    ) -> Capture {
        let ([from, to], ports) =
            if from_client { ([CLIENT, SERVER], [1_000_u16, 80]) } else { ([SERVER, CLIENT], [80, 1_000]) };
        // SACK permitted, on a SYN.
        let options: &[u8] = if flags & 2 != 0 { &[4, 2, 1, 1] } else { &[] };
        let total = 40 + options.len() + text;
        let mut packet = vec![
            0x45,
            0,
            (total >> 8) as u8,
            total as u8,
            (micros >> 16) as u8,
            micros as u8,
            0x40,
            0,
            64,
            6,
            0,
            0,
        ];
        packet.extend(from.iter().chain(&to));
        ports.iter().for_each(|port| packet.extend(port.to_be_bytes()));
        [seq, ack].iter().for_each(|number| packet.extend(number.to_be_bytes()));
        packet.extend([((20 + options.len()) << 2) as u8, flags, 0xff, 0xff, 0, 0, 0, 0]);
        packet.extend(options);
        packet.resize(total, 0);
        for word in [1, micros * 1_000, total as u32, total as u32] {
            self.0.extend(word.to_le_bytes());
        }
        self.0.extend(packet);
        self
    }

    /// The handshake, with the delay from the client to this end.
    fn open(self, there: u32) -> Capture {
        let back = 10_000 - there;
        self.segment(there, true, [99, 0], 2, 0)
            .segment(10_000 + back - 5_000, false, [499, 100], 0x12, 0)
            .segment(10_001 + there, true, [100, 500], 0x10, 0)
    }
}

fn truth(micros: u64, class: Class) -> Truth {
    Truth {
        time_ns: 1_000_000_000 + micros * 1_000,
        from: SocketAddr::from((CLIENT, 1_000)),
        to: SocketAddr::from((SERVER, 80)),
        class,
        trigger: Trigger::Timer,
        congestion: Congestion::Loss,
    }
}

#[test]
fn answers_at_both_ends_are_counted_for_what_they_are() {
    // A request is lost, and the timer sends it again; the next one arrives at once.
    let client = Capture::new()
        .open(0)
        .segment(20_000, true, [100, 500], 0x18, 200)
        .segment(400_000, true, [100, 500], 0x18, 200)
        .segment(410_000, false, [500, 300], 0x10, 0)
        .segment(420_000, true, [300, 500], 0x18, 50);
    let server = Capture::new()
        .open(5_000)
        .segment(405_000, true, [100, 500], 0x18, 200)
        .segment(405_001, false, [500, 300], 0x10, 0)
        .segment(425_000, true, [300, 500], 0x18, 50);
    // The identifications made here are not those that a packet keeps on its way.
    let [mut at_client, mut at_server] =
        [client, server].map(|capture| explain(&capture.0[..]).expect("it is a capture"));
    at_client.iter_mut().chain(&mut at_server).for_each(|seen| seen.ip_id = None);
    let truths = [truth(400_020, Class::Timeout)];
    let case = Case {
        hosts: [IpAddr::from(CLIENT), IpAddr::from(SERVER)],
        seen: [&at_client, &at_server],
        truths: &truths,
    };
    let compared = case.compare();
    assert_eq!(compared.rows.len(), 1);
    let row = &compared.rows[0];
    assert_eq!((row.at_sender.frame, row.at_sender.time_ns), (5, 1_400_000_000));
    assert_eq!(row.at_receiver.iter().map(|seen| seen.frame).collect::<Vec<_>>(), [4]);
    assert!(compared.without_frame.is_empty() && compared.without_event.is_empty(), "{compared:?}");
    assert_eq!(compared.late_ns_max, 20_000);
    for vantage in Vantage::ALL {
        assert_eq!(compared.tally.share(vantage, None).of, 1);
        assert_eq!(compared.tally.share(vantage, Some(Class::Probe)).of, 0);
        assert_eq!(compared.tally.false_claims(vantage), 0);
    }
    let table = compared.table();
    assert_eq!(table.lines().count(), 2);
    assert!(table.contains("\ttimeout\tTimer\tLoss\t0\t5\t100\t200\t"), "{table}");
}

#[test]
fn what_the_kernel_did_not_send_again_is_a_false_claim() {
    let client = Capture::new().open(0).segment(20_000, true, [100, 500], 0x18, 200);
    let mut seen = explain(&client.0[..]).expect("it is a capture");
    seen[3].said = Said::Recovery;
    let case = Case { hosts: [IpAddr::from(CLIENT), IpAddr::from(SERVER)], seen: [&seen, &[]], truths: &[] };
    let compared = case.compare();
    assert_eq!(compared.tally.false_claims(Vantage::Sender), 1);
    assert_eq!(compared.false_claims.len(), 1);
    assert!(
        compared.false_claims_table().ends_with("\t100\trecovery\t90\n"),
        "{}",
        compared.false_claims_table()
    );
}

#[cfg(target_os = "linux")]
#[test]
fn the_rig_matches_every_event_with_its_frame() {
    use std::io::Write as _;
    use std::time::Duration;
    use synfin_verify::causes::{read, rig};

    let folder = std::env::temp_dir().join(format!("synfin-causes-test-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for captures");
    let all = rig::all();
    let short = all.iter().find(|known| known.name == "short-flights").expect("it is there");
    let short = rig::Scenario { lasts: Duration::from_secs(3), ..short.clone() };
    let outcome = rig::run(&short, 5, &folder);
    if let Err(missing) = &outcome {
        drop(writeln!(std::io::stderr(), "skipped: the rig cannot run here: {missing}"));
        return;
    }
    let record = outcome.expect("it ran");
    let seen = record.captures.clone().map(|path| read(&path).expect("tcpdump has written it"));
    std::fs::remove_dir_all(&folder).expect("the folder can be removed");
    let case =
        Case { hosts: record.circumstances.hosts, seen: [&seen[0], &seen[1]], truths: &record.told.truths };
    let compared = case.compare();
    // A machine that was busy may have kept an event or a packet to itself.
    let few = record.told.truths.len() / 10 + 2;
    assert!(compared.rows.len() >= 5, "nothing was lost: {record:?}");
    assert!(compared.without_frame.len() <= few, "{:?}", compared.without_frame);
    assert!(compared.without_event.len() <= few + record.told.unclear.len(), "{:?}", compared.without_event);
}
