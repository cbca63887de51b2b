//! A network namespace without privileges reaches the outside through ordinary sockets of this program.
//!
//! ```text
//! cargo run --release -p synfin-examples --example rootless -- curl http://example.org/
//! ```
//!
//! The command runs in namespaces of its own (user and network) with a TUN interface as its only way out. The
//! descriptor of the interface comes back here, and whatever the command connects or sends to, this program does.
//! 10.90.0.2 stands for this machine: `rootless -- curl http://10.90.0.2:8000/` reaches a server on 127.0.0.1.

use rustix::io::{IoSlice, IoSliceMut};
use rustix::net::{self, RecvAncillaryMessage, SendAncillaryMessage};
use std::error::Error;
use std::io::{Read, Write};
use std::mem::MaybeUninit;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitCode};
use std::time::Duration;
use std::{env, fs, io, thread};
use synfin::device::{Link, Tun, TunConfig, TunFdConfig};
use synfin::stack::{Refuse, Unreachable};
use synfin::tokio::{Datagrams, Flow, Flows, relay, relay_datagrams};
use synfin::{DatagramGateOptions, GateOptions, Stack};

const MTU_BYTES: u32 = 1_500;
const GATEWAY: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 90, 0, 2));

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut words: Vec<String> = env::args().skip(1).collect();
    if words.first().is_some_and(|word| word == "--inside") {
        return Err(inside(&words[1..]).unwrap_or_else(|failure| failure));
    }
    words.retain({
        let mut is_first = true;
        move |word| !std::mem::take(&mut is_first) || word != "--"
    });
    let place = env::temp_dir().join(format!("rootless-{}.sock", std::process::id()));
    let waiting = UnixListener::bind(&place)?;
    let mut child = Command::new("unshare")
        .args(["--user", "--map-root-user", "--net", "--"])
        .arg(env::current_exe()?)
        .arg("--inside")
        .arg(&place)
        .args(&words)
        .spawn()?;
    let received = receive_descriptor(&waiting, &mut child);
    fs::remove_file(&place)?;
    let (descriptor, mut inside) = received?;
    let config = TunFdConfig { mtu_bytes: Some(MTU_BYTES), ..TunFdConfig::default() };
    let tun = Tun::from_fd(descriptor, &config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let _entered = runtime.enter();
    let stack = Stack::builder().link(tun).address("10.90.0.2/24").start_task()?;
    runtime.spawn(forward_flows(Flows::open(&stack, GateOptions::default())?));
    runtime.spawn(relay_datagrams(Datagrams::open(&stack, DatagramGateOptions::default())?, outside));
    // what the command sends has somewhere to go from here on
    inside.write_all(&[0])?;
    let status = child.wait()?;
    stack.abort();
    Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
}

/// Runs in the new namespaces: opens the interface, hands its descriptor out, and becomes the command.
fn inside(words: &[String]) -> Result<Box<dyn Error>, Box<dyn Error>> {
    let [place, program, words @ ..] = words else {
        return Err("say what should run inside: rootless -- curl http://example.org/".into());
    };
    let tun = TunConfig::new("rootless0").with_mtu(MTU_BYTES).with_host_address("10.90.0.1/24".parse()?);
    let tun = Tun::open(&tun)?;
    for words in [["link", "set", "lo", "up", ""], ["route", "add", "default", "dev", "rootless0"]] {
        if !Command::new("ip").args(words.iter().filter(|word| !word.is_empty())).status()?.success() {
            return Err("`ip` cannot set up the namespace".into());
        }
    }
    let descriptors = [tun.poll_fd().ok_or("a TUN interface has a descriptor")?];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = net::SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&descriptors));
    let mut out = UnixStream::connect(place)?;
    net::sendmsg(&out, &[IoSlice::new(&[0])], &mut control, net::SendFlags::empty())?;
    // without gates its packets would be refused
    out.read_exact(&mut [0]).map_err(|_| "the gateway has ended before the command began")?;
    Ok(Command::new(program).args(words).exec().into())
}

/// Waits for the descriptor that comes from inside, or for the end of the child, which has said what is wrong. The inside
/// waits for a byte before it becomes the command.
fn receive_descriptor(
    waiting: &UnixListener,
    child: &mut Child,
) -> Result<(OwnedFd, UnixStream), Box<dyn Error>> {
    waiting.set_nonblocking(true)?;
    let stream = loop {
        match waiting.accept() {
            Ok((stream, _)) => break stream,
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error.into()),
            Err(_) if child.try_wait()?.is_some() => return Err("no namespace was made".into()),
            Err(_) => thread::sleep(Duration::from_millis(5)),
        }
    };
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = net::RecvAncillaryBuffer::new(&mut space);
    net::recvmsg(
        stream.as_fd(),
        &mut [IoSliceMut::new(&mut [0])],
        &mut control,
        net::RecvFlags::CMSG_CLOEXEC,
    )?;
    let descriptor = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    Ok((descriptor.ok_or("nothing came from inside")?, stream))
}

/// Where the outside has what the command calls so.
fn outside(mut address: SocketAddr) -> SocketAddr {
    if address.ip() == GATEWAY {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    address
}

async fn forward_flows(flows: Flows) {
    while let Ok(flow) = flows.next().await {
        tokio::spawn(forward_flow(flow));
    }
}

async fn forward_flow(flow: Flow) {
    match tokio::net::TcpStream::connect(outside(flow.local_addr())).await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => flow.refuse(Refuse::Reset),
        Err(_) => flow.refuse(Refuse::Unreachable(Unreachable::Host)),
        Ok(mut beyond) => {
            if let Ok(mut stream) = flow.accept().await {
                // What fails, both ends hear of when their connections are dropped.
                let _ = relay(&mut stream, &mut beyond).await;
            }
        }
    }
}
