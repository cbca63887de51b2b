//! A million spoofed SYNs while a thousand honest clients connect, ask for something and read it, over a path that
//! loses one packet of a hundred.

use crate::network::{CLIENT, Network, SERVER, segment};
use crate::{Effort, Peak, megabytes, resident};
use sim::Dice;
use stack::{Event, SocketId};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tcp::Instant;
use wire::Seq;
use wire::tcp::{Flags, Header, Options};

/// Two segments, so that the second may arrive first.
const REQUEST: [u8; 2_000] = [b'q'; 2_000];
const ANSWER: [u8; 10_000] = [b'a'; 10_000];
const PORT: u16 = 80;
/// Time between two spoofed SYNs, and between two honest clients: both take ten seconds.
const BETWEEN_SYNS: Duration = Duration::from_micros(10);
const BETWEEN_CLIENTS: Duration = Duration::from_millis(10);
/// No honest client takes longer, however unlucky.
const PATIENCE: Duration = Duration::from_secs(120);

/// What became of the honest clients.
#[derive(Default)]
struct Clients {
    /// Bytes of the answer that came.
    reading: BTreeMap<SocketId, usize>,
    begun: usize,
    served: usize,
    lost: Vec<String>,
}

pub(crate) fn run(effort: Effort) {
    let (syns, clients_max) = if effort == Effort::Quick { (100_000, 100) } else { (1_000_000, 1_000) };
    let mut peak = Peak::new();
    let mut network = Network::new(Duration::from_millis(10), 1);
    let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT));
    let listener = network.server.tcp_listen(any, 4_096).expect("the port is free");
    let (mut clients, mut asked) = (Clients::default(), BTreeMap::new());
    let mut dice = Dice::new(2);
    let (begin, mut sent) = (network.now, 0);
    let began = std::time::Instant::now();
    loop {
        let next_syn = (sent < syns).then(|| begin + BETWEEN_SYNS * sent);
        let next_client =
            (clients.begun < clients_max).then(|| begin + BETWEEN_CLIENTS * clients.begun as u32);
        let next = [next_syn, next_client, network.next()].into_iter().flatten().min();
        let all_done = next_syn.is_none() && clients.served + clients.lost.len() == clients_max;
        let Some(next) = next.filter(|next| !all_done && *next < begin + PATIENCE) else { break };
        network.now = network.now.max(next);
        if next_syn.is_some_and(|due| due <= network.now) {
            sent += 1;
            network.arrive(spoofed(&mut dice));
        }
        if next_client.is_some_and(|due| due <= network.now) {
            clients.begin(&mut network);
        }
        network.turn();
        network.to_strangers.clear();
        serve(&mut network, listener, &mut asked);
        clients.go_on(&mut network);
        network.turn();
        if sent % 1_000 == 0 {
            peak.look();
        }
    }
    let lost = clients_max - clients.served;
    println!(
        "flood: {sent} spoofed SYNs, {clients_max} honest clients at 1 % loss: {lost} lost (bar: 0); \
         held at most {} (bar: the budget, 268.4 MB), RSS {}; {:.1} µs a SYN",
        megabytes(peak.highest()),
        resident(),
        began.elapsed().as_secs_f64() * 1e6 / f64::from(sent)
    );
    clients.lost.iter().for_each(|why| println!("  {why}"));
}

/// A SYN from anywhere but here.
fn spoofed(dice: &mut Dice) -> wire::Frame {
    let source = Ipv4Addr::from(0x0b00_0000 | dice.roll() as u32 & 0x00ff_ffff);
    let header = Header {
        source_port: dice.roll() as u16 | 1_024,
        destination_port: PORT,
        seq: Seq::new(dice.roll() as u32),
        flags: Flags::SYN,
        window: u16::MAX,
        options: Options { mss: Some(1_460), ..Options::default() },
        ..Header::default()
    };
    segment(source, &header, &[])
}

/// The server's application: the whole request, then the answer and the end.
fn serve(network: &mut Network, listener: SocketId, asked: &mut BTreeMap<SocketId, usize>) {
    let now: Instant = network.now;
    while let Some(accepted) = network.server.tcp_accept(listener) {
        asked.insert(accepted.id, 0);
    }
    while network.server.poll_event().is_some() {}
    let mut into = [0; 4_000];
    asked.retain(|id, have| {
        match network.server.tcp_read(now, *id, &mut into) {
            Ok(0) => {}
            Ok(count) => *have += count,
            Err(tcp::ReadError::WouldBlock) => return true,
            // Its peer will tell.
            Err(_) => *have = REQUEST.len(),
        }
        if *have < REQUEST.len() {
            return true;
        }
        let _ = network.server.tcp_write(now, *id, &ANSWER);
        let _ = network.server.tcp_close(now, *id);
        false
    });
}

impl Clients {
    fn begin(&mut self, network: &mut Network) {
        self.begun += 1;
        let local = SocketAddr::from((CLIENT, 10_000 + self.begun as u16));
        let to = SocketAddr::from((SERVER, PORT));
        match network.client.tcp_connect(network.now, Some(local), to) {
            Ok(id) => drop(self.reading.insert(id, 0)),
            Err(error) => self.lost.push(format!("client {}: {error}", self.begun)),
        }
    }

    fn go_on(&mut self, network: &mut Network) {
        let (now, mut into) = (network.now, vec![0; ANSWER.len()]);
        while let Some((id, event)) = network.client.poll_event() {
            let Some(have) = self.reading.get_mut(&id) else { continue };
            if event == Event::Connected {
                let _ = network.client.tcp_write(now, id, &REQUEST);
            }
            if let Event::Failed(error) = event {
                self.reading.remove(&id);
                self.lost.push(format!("{id:?} at {now:?}: {error}"));
                let _ = network.client.tcp_close(now, id);
                continue;
            }
            loop {
                match network.client.tcp_read(now, id, &mut into) {
                    Ok(0) => {
                        if *have == ANSWER.len() {
                            self.served += 1;
                        } else {
                            self.lost.push(format!("{id:?} at {now:?}: {have} bytes of the answer"));
                        }
                        self.reading.remove(&id);
                        let _ = network.client.tcp_close(now, id);
                        break;
                    }
                    Ok(count) => *have += count,
                    Err(_) => break,
                }
            }
        }
    }
}
