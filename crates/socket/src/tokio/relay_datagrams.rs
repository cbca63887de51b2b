//! Datagrams between a gate and the kernel's sockets: one socket for each pair of ends, as long as it is used.

use super::datagrams::Datagrams;
use crate::Reach;
use stack::{Datagram, Unreachable};
use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Pairs of ends at once: each has a descriptor, of which a process has 1,024 as a rule. Newcomers are dropped beyond
/// it, and their senders try again.
const PAIRS_MAX: usize = 512;
/// Datagrams that wait for one socket of the kernel; more are dropped.
const WAITING_MAX: usize = 64;
/// A pair of ends is forgotten when nothing has passed for so long; longer than name servers and games are silent (RFC
/// 4787 §4.3 asks for two minutes).
const IDLE: Duration = Duration::from_secs(120);
/// The largest datagram, in bytes.
const DATAGRAM_BYTES_MAX: usize = 65_535;

/// Sends on what comes to a gate by sockets of the kernel, and returns their answers, until the stack is shut down.
/// `beyond` says where the outside has what peers call so; usually it is the same address.
///
/// A port that nobody has is told to the peer as the kernel heard it, by an ICMP error. At most 512 pairs of ends are
/// served at once; each is forgotten after two idle minutes.
///
/// # Errors
/// `NotConnected` when the stack was shut down.
pub async fn relay_datagrams<R>(
    gate: Datagrams<R>,
    beyond: impl Fn(SocketAddr) -> SocketAddr,
) -> io::Result<()>
where
    R: Reach + Send + Sync + 'static,
{
    let gate = Arc::new(gate);
    let mut pairs: HashMap<(SocketAddr, SocketAddr), mpsc::Sender<Datagram>> = HashMap::new();
    // Dropped with the future, and with it everything that it has begun.
    let mut tasks = JoinSet::new();
    loop {
        let datagram = tokio::select! {
            datagram = gate.next() => datagram?,
            Some(_) = tasks.join_next() => {
                pairs.retain(|_, pair| !pair.is_closed());
                continue;
            }
        };
        let ends = (datagram.local, datagram.remote);
        if pairs.len() >= PAIRS_MAX && !pairs.contains_key(&ends) {
            continue;
        }
        let pair = pairs.entry(ends).or_insert_with(|| {
            let (sender, receiver) = mpsc::channel(WAITING_MAX);
            tasks.spawn(relay_pair(Arc::clone(&gate), beyond(ends.0), receiver));
            sender
        });
        // Who sends faster than the kernel takes it loses datagrams, as everywhere.
        let _ = pair.try_send(datagram);
    }
}

/// Serves one pair of ends. A failure ends it; the next datagram begins it again.
async fn relay_pair<R: Reach>(
    gate: Arc<Datagrams<R>>,
    beyond: SocketAddr,
    mut outward: mpsc::Receiver<Datagram>,
) -> io::Result<()> {
    let any = match beyond {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(beyond).await?;
    let mut buf = vec![0; DATAGRAM_BYTES_MAX];
    let mut last = None;
    loop {
        let outcome = tokio::select! {
            datagram = outward.recv() => {
                let Some(datagram) = datagram else { return Ok(()) };
                let sent = socket.send(&datagram.data).await;
                last = Some(datagram);
                sent.map(drop)
            }
            received = socket.recv(&mut buf) => match (received, &last) {
                (Ok(count), Some(Datagram { local, remote, .. })) => {
                    gate.send(*local, *remote, buf[..count].to_vec().into()).await.map(drop)
                }
                (received, _) => received.map(drop),
            },
            () = tokio::time::sleep(IDLE) => return Ok(()),
        };
        match (outcome, &last) {
            (Ok(()), _) => {}
            // Somebody has said that nobody has the port: the peer hears of it.
            (Err(error), Some(datagram)) if error.kind() == ErrorKind::ConnectionRefused => {
                gate.refuse(datagram, Unreachable::Port)?;
            }
            (Err(error), _) => return Err(error),
        }
    }
}
