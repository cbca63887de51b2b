//! A hundred thousand connections, most of them up to no good, and a budget of 256 MiB: what is held at most, and whether
//! honest transfers finish.
//!
//! `cargo bench -p synfin-benches --bench crowd [-- CONNECTIONS]`; takes about two minutes.
//!
//! Every tenth of a second of virtual time each attacker does its worst once more: peers that leave out their first byte,
//! that ask and never read, that take one byte of each probe, that repeat acknowledgments, that send crumbs or
//! super-segments of which nearly nothing is new; strangers that forge SYNs, datagrams and fragments. The program behind
//! the host reads what arrives, answers, and closes some connections with text unsent.

use stack::{Config, Event, MemoryBudget, MemoryLevel, SocketId};
use std::net::Ipv4Addr;
use std::time::Duration;
use synfin_benches::counting::{Counting, live_bytes};
use synfin_benches::raw::{Alone, Peer};
use wire::tcp::{Flags, Header};
use wire::{Seq, ipv4};

#[global_allocator]
static COUNTING: Counting = Counting;

const BUDGET_BYTES: usize = 256 << 20;
/// Rounds of a tenth of a second.
const ROUNDS: u32 = 200;
/// Honest transfers each way.
const HONEST: usize = 16;
const TRANSFER_BYTES: u32 = 1_000_000;
const MSS: u32 = 1_460;

/// What a peer is up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Idle,
    LeavesOutTheFirstByte,
    SendsCrumbs,
    SendsOldTextWithALittleNew,
    NeverReads,
    TakesAByteOfEachProbe,
    RepeatsAcknowledgments,
    /// Never reads either, and the program leaves it.
    IsLeft,
}

const ROLES: [Role; 8] = [
    Role::Idle,
    Role::LeavesOutTheFirstByte,
    Role::SendsCrumbs,
    Role::SendsOldTextWithALittleNew,
    Role::NeverReads,
    Role::TakesAByteOfEachProbe,
    Role::RepeatsAcknowledgments,
    Role::IsLeft,
];

struct Crowd {
    alone: Alone,
    before: usize,
    own_bytes: usize,
    peak_real: usize,
    peak_said: usize,
    peak_level: MemoryLevel,
    into: Vec<u8>,
}

impl Crowd {
    /// Looks at what is held.
    fn look(&mut self) {
        let usage = self.alone.host.usage();
        self.peak_real = self.peak_real.max(live_bytes() - self.before - self.own_bytes);
        self.peak_said = self.peak_said.max(usage.held_bytes);
        self.peak_level = self.peak_level.max(usage.memory);
    }

    /// The program reads what has arrived, wherever.
    fn read_everything(&mut self) {
        let now = self.alone.now;
        let mut readable = Vec::new();
        while let Some((id, event)) = self.alone.host.poll_event() {
            if event == Event::Readable {
                readable.push(id);
            }
        }
        for id in readable {
            while self.alone.host.tcp_read(now, id, &mut self.into).is_ok_and(|count| count > 0) {}
        }
        while self.alone.host.poll_transmit(now).is_some() {}
    }

    fn attack(&mut self, role: Role, peer: &mut Peer, id: SocketId, round: u32) {
        let now = self.alone.now;
        match role {
            Role::Idle => {}
            Role::LeavesOutTheFirstByte => {
                for n in 0..8 {
                    let seq = peer.nxt + 1 + (round * 8 + n) * MSS % 60_000;
                    self.alone.say(peer, seq, 512, &[7; MSS as usize]);
                }
            }
            Role::SendsCrumbs => {
                for n in 0..8 {
                    self.alone.say(peer, peer.nxt + 1 + 2 * (round * 8 + n), 512, &[7; 1]);
                }
            }
            Role::SendsOldTextWithALittleNew => {
                let text_bytes = (600 * (round + 1)).min(30_000);
                self.alone.say(peer, peer.nxt, 512, &vec![7; text_bytes as usize]);
            }
            Role::NeverReads | Role::IsLeft => {
                let _ = self.alone.host.tcp_write(now, id, &self.into[..32_768]);
                if role == Role::IsLeft && round == 2 {
                    let _ = self.alone.host.tcp_close(now, id);
                }
                self.alone.say(peer, peer.nxt, 0, &[]);
            }
            Role::TakesAByteOfEachProbe => {
                let _ = self.alone.host.tcp_write(now, id, &self.into[..32_768]);
                peer.ack += 1;
                self.alone.say(peer, peer.nxt, 0, &[]);
            }
            Role::RepeatsAcknowledgments => {
                let _ = self.alone.host.tcp_write(now, id, &self.into[..8_192]);
                for _ in 0..8 {
                    self.alone.say(peer, peer.nxt, 512, &[]);
                }
            }
        }
    }

    /// Strangers that are nobody's peers.
    fn forge(&mut self, round: u32) {
        for n in 0..2_000 {
            let number = 10_000_000 + round * 2_000 + n;
            let end = Alone::end(number);
            let syn = Header { seq: Seq::new(number), flags: Flags::SYN, window: 9_999, ..Header::default() };
            self.alone.segment(end, &syn, &[7; 1_000]);
            self.alone.datagram(end, 53, 1, &[7; 1_400]);
            let mut fragment = vec![7; 20 + 64];
            ipv4::Header {
                source: end.0,
                destination: Ipv4Addr::new(10, 0, 0, 2),
                protocol: wire::ip::protocol::UDP,
                ttl: 64,
                identification: number as u16,
                more_fragments: true,
                fragment_offset_bytes: 640,
                total_bytes: 84,
                ..ipv4::Header::default()
            }
            .emit(&mut fragment[..20]);
            self.alone.frame(fragment);
        }
    }
}

/// An honest peer that uploads: it sends within the window that it is told, and again what is not acknowledged.
struct Upload {
    peer: Peer,
    id: SocketId,
    read_bytes: u32,
    finished_at: Option<u32>,
}

fn main() {
    let count: u32 = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(100_000);
    println!("{}", synfin_benches::profile());
    let before = live_bytes();
    let config = Config { memory: MemoryBudget::of(BUDGET_BYTES), ..Config::default() };
    let alone = Alone::new(config, 4_096);
    let mut crowd = Crowd {
        alone,
        before,
        own_bytes: 0,
        peak_real: 0,
        peak_said: 0,
        peak_level: MemoryLevel::Calm,
        into: vec![7; 65_536],
    };
    crowd.own_bytes += 65_536;
    let _socket = crowd.alone.host.udp_bind("10.0.0.2:53".parse().expect("an address")).expect("free");
    let mut peers: Vec<(Role, Peer, SocketId)> = Vec::with_capacity(count as usize);
    let mut uploads: Vec<Upload> = Vec::with_capacity(HONEST);
    crowd.own_bytes += count as usize * size_of::<(Role, Peer, SocketId)>() + HONEST * size_of::<Upload>();
    for number in 0..count {
        let peer = crowd.alone.connect(number, 512);
        let id = crowd.alone.accept().expect("three steps were made");
        peers.push((ROLES[number as usize % ROLES.len()], peer, id));
    }
    for number in 0..HONEST as u32 {
        let peer = crowd.alone.connect(9_000_000 + number, 512);
        let id = crowd.alone.accept().expect("three steps were made");
        uploads.push(Upload { peer, id, read_bytes: 0, finished_at: None });
    }
    crowd.look();
    let usage = crowd.alone.host.usage();
    println!("{} connections before the attack: {} MB held", usage.connections, usage.held_bytes >> 20);
    for round in 0..ROUNDS {
        for (role, peer, id) in &mut peers {
            crowd.attack(*role, peer, *id, round);
            if id.kind() == stack::SocketKind::Connection && peer.nxt.number().is_multiple_of(1_000) {
                crowd.read_everything();
                crowd.look();
            }
        }
        crowd.forge(round);
        crowd.look();
        for upload in &mut uploads {
            // A window of segments from what is read on; the program reads each time.
            let left = TRANSFER_BYTES - upload.read_bytes;
            for n in 0..(left.div_ceil(MSS)).min(10) {
                let text_bytes = (left - n * MSS).min(MSS);
                let seq = upload.peer.nxt + upload.read_bytes + n * MSS;
                crowd.alone.say(&upload.peer, seq, 512, &vec![7; text_bytes as usize]);
            }
            let now = crowd.alone.now;
            while let Ok(read) = crowd.alone.host.tcp_read(now, upload.id, &mut crowd.into) {
                upload.read_bytes += read as u32;
                if read == 0 {
                    break;
                }
            }
            if upload.read_bytes >= TRANSFER_BYTES {
                upload.finished_at.get_or_insert(round);
            }
        }
        crowd.read_everything();
        crowd.alone.now += Duration::from_millis(100);
        let now = crowd.alone.now;
        crowd.alone.host.handle_timeout(now);
        crowd.read_everything();
        crowd.look();
    }
    let percent = |bytes: usize| 100.0 * bytes as f64 / BUDGET_BYTES as f64;
    println!("at most allocated {:>6.1} % of the budget", percent(crowd.peak_real));
    println!(
        "at most said      {:>6.1} % of the budget, level {:?}",
        percent(crowd.peak_said),
        crowd.peak_level
    );
    let finished = uploads.iter().filter(|upload| upload.finished_at.is_some()).count();
    let least = uploads.iter().map(|upload| upload.read_bytes).min().unwrap_or(0);
    println!("honest uploads have delivered at least {least} bytes each");
    let slowest = uploads.iter().filter_map(|upload| upload.finished_at).max().unwrap_or(ROUNDS);
    let slowest_s = f64::from(slowest) / 10.0;
    println!("honest uploads of 1 MB: {finished} of {HONEST} finished, the last after {slowest_s:.1} s");
    println!("{:?}", crowd.alone.host.usage());
    println!("{:?}", crowd.alone.host.counters());
}
