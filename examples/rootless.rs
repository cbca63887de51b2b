//! A network namespace without privileges reaches the outside through ordinary sockets of this program.
//!
//! ```text
//! cargo run --release -p synfin-examples --example rootless -- curl http://example.org/
//! ```
//!
//! The command runs in namespaces of its own (user and network) with a TUN interface as its only way out. Its descriptor
//! comes back here, and whatever the command connects to, this program connects to. 10.90.0.2 stands for this
//! machine: `rootless -- curl http://10.90.0.2:8000/` reaches a server on 127.0.0.1.

use rustix::fs::fcntl_getfl as _;
use rustix::io::{FdFlags, IoSlice, IoSliceMut, fcntl_setfd};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};
use std::error::Error;
use std::io;
use std::mem::MaybeUninit;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};
use std::time::Duration;
use synfin::device::{Link, Tun, TunConfig, TunFdConfig};
use synfin::stack::{Refuse, Unreachable};
use synfin::tokio::{Flow, Flows, relay};
use synfin::{GateOptions, Stack};

const MTU_BYTES: u32 = 1_500;
const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 90, 0, 2);

type Failure = Box<dyn Error>;

fn main() -> Result<ExitCode, Failure> {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.next_if(|argument| argument == "--inside").is_some() {
        return Err(inside(arguments.collect()).unwrap_or_else(|failure| failure));
    }
    let command: Vec<String> = arguments.skip_while(|argument| argument == "--").collect();
    if command.is_empty() {
        return Err("say what should run inside: rootless -- curl http://example.org/".into());
    }
    let (ours, theirs) = UnixStream::pair()?;
    // The child inherits this end under its number.
    fcntl_setfd(&theirs, FdFlags::empty())?;
    let mut child = Command::new("unshare")
        .args(["--user", "--map-root-user", "--net", "--"])
        .arg(std::env::current_exe()?)
        .args(["--inside", &theirs.as_raw_fd().to_string()])
        .args(&command)
        .spawn()?;
    drop(theirs);
    let config = TunFdConfig { mtu_bytes: Some(MTU_BYTES), ..TunFdConfig::default() };
    let tun = Tun::from_fd(receive_descriptor(&ours)?, &config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let stack = runtime.block_on(async { Stack::builder().link(tun).address("10.90.0.2/24").start_task() })?;
    runtime.spawn(forward_all(Flows::open(&stack, GateOptions::default())?));
    let status = child.wait()?;
    runtime.block_on(synfin::tokio::shutdown(&stack, Duration::from_secs(1))).or_else(not_in_time)?;
    Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
}

/// The command is gone, and who it talked to may not know yet: that is no failure of the command.
fn not_in_time(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::TimedOut { Ok(()) } else { Err(error) }
}

/// Runs in the new namespaces: opens the interface, hands its descriptor out, and becomes the command. Returns only a
/// failure.
fn inside(arguments: Vec<String>) -> Result<Failure, Failure> {
    let [out, command @ ..] = &arguments[..] else { return Err("this is for rootless itself".into()) };
    let [program, words @ ..] = command else { return Err("there is no command".into()) };
    let config = TunConfig::new("rootless0").with_mtu(MTU_BYTES).with_host_address("10.90.0.1/24".parse()?);
    let tun = Tun::open(&config)?;
    for words in [&["link", "set", "lo", "up"][..], &["route", "add", "default", "dev", "rootless0"]] {
        if !Command::new("ip").args(words).status()?.success() {
            return Err(format!("ip {} failed", words.join(" ")).into());
        }
    }
    let out = std::fs::File::options().write(true).open(format!("/proc/self/fd/{out}"))?;
    let fd = tun.poll_fd().ok_or("a TUN interface has a descriptor")?;
    send_descriptor(&out, fd)?;
    Ok(Command::new(program).args(words).exec().into())
}

async fn forward_all(flows: Flows) {
    while let Ok(flow) = flows.next().await {
        tokio::spawn(forward(flow));
    }
}

/// Connects a flow to where it wants to go.
async fn forward(flow: Flow) {
    let SocketAddr { .. } = flow.local_addr();
    let mut destination = flow.local_addr();
    if destination.ip() == IpAddr::V4(GATEWAY) {
        destination.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    match tokio::net::TcpStream::connect(destination).await {
        Ok(mut beyond) => {
            if let Ok(mut stream) = flow.accept().await {
                // What fails, both ends hear of when their connections are dropped.
                let _ = relay(&mut stream, &mut beyond).await;
            }
        }
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => flow.refuse(Refuse::Reset),
        Err(_) => flow.refuse(Refuse::Unreachable(Unreachable::Host)),
    }
}
