//! `synfin serve`: files over HTTP from a stack of ours, for the programs of this machine.
//!
//! Here are the arguments and the life of the server: open the link, listen, say where, wait for
//! Ctrl-C, close what is open. What is *not* here: requests ([`exchange`]), files ([`folder`]), what is
//! printed ([`journal`]).

mod arriving;
mod conditions;
mod content;
mod disk;
mod exchange;
mod folder;
mod journal;
mod listing;
mod pace;
mod pieces;
mod reply;
mod seats;
mod status;
mod time_of_day;
mod upload;
mod wire;

use crate::failure::{Failure, Outcome};
use crate::interrupt;
use crate::output::Files;
use crate::over_tun::{Driver, Flags, OverTun};
use folder::Folder;
use journal::{Journal, Manner};
use report::Style;
use seats::Seats;
use status::Occasions;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv6Addr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use synfin::tokio::TcpListener;
use tokio::sync::mpsc;

/// How long Ctrl-C waits for peers to close before it resets them.
const FAREWELL: Duration = Duration::from_secs(10);
/// How long to wait after a connection could not be accepted: nothing of ours can cause that for long.
const REST: Duration = Duration::from_millis(100);

/// Serve a folder over HTTP from a TCP/IP stack of our own, to the programs of this machine.
///
/// The stack lives in this program; a TUN interface connects it with the kernel, so that curl, a
/// browser or anything else on this machine can talk to it. Connections are told as they open and
/// close: bytes, duration, round-trip time, retransmissions, and who closed. At SIGUSR1 a table of those
/// that are open is printed on standard error.
#[derive(clap::Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Serve {
    /// The folder to serve.
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// The port to listen on; 0 for any that is free.
    #[arg(long, value_name = "PORT", allow_negative_numbers = true, default_value_t = 80, value_parser = crate::units::whole(0..=u16::MAX))]
    port: u16,
    /// Let clients PUT files into FOLDER, which is a folder below DIR, or into all of DIR.
    #[arg(long, value_name = "FOLDER", num_args = 0..=1, require_equals = true, default_missing_value = ".")]
    writable: Option<PathBuf>,
    /// Refuse uploads of more than so many bytes; K, M, G and T stand for powers of 1,024.
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true, value_parser = size, requires = "writable")]
    upload_max: Option<u64>,
    /// Print one JSON object a line instead of text.
    #[arg(long)]
    json: bool,
    /// Print a table of the connections on standard error every so many seconds; SIGUSR1 prints it once.
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, value_parser = crate::units::whole(1..=86_400_u64))]
    status: Option<u64>,
    #[command(flatten)]
    link: Flags,
}

const EXAMPLES: &str = "\
Examples:
  Serve the current folder; then, in another terminal, fetch a file:
    sudo synfin serve
    curl -O http://10.90.0.2/Cargo.toml
    curl -g -O 'http://[fd90::2]/Cargo.toml'

  Take uploads into incoming/, at most 2 GiB each:
    sudo synfin serve --writable=incoming --upload-max 2G /srv/files
    curl -T photo.jpg http://10.90.0.2/incoming/

  See how the connections of a running server do, as with `ss -ti`
    sudo pkill -USR1 synfin

  Write down every packet and look at it:
    sudo synfin serve --pcap out.pcapng /srv/files
    tshark -r out.pcapng

  Without sudo: give the program the right once, or prepare the interface once
    sudo setcap cap_net_admin+ep $(command -v synfin)
    sudo ip tuntap add dev synfin0 mode tun user $USER vnet_hdr

  In a network namespace of its own, so that nothing else sees the interface:
    sudo ip netns add play
    sudo ip netns exec play synfin serve /srv/files
    sudo ip netns exec play curl http://10.90.0.2/

Ctrl-C stops listening, closes every connection with a FIN and waits up to ten seconds for the other
ends; what is left then, or at a second Ctrl-C, is reset.";

/// What the server hears while it runs.
enum Call {
    Interrupt,
    Closed(Result<(), String>),
}

impl Serve {
    /// Serves until Ctrl-C: the stack, the connections and everything else are tasks of one thread.
    pub(crate) fn run(&self, style: &Style) -> Outcome {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().max_blocking_threads(disk::THREADS + 1).build();
        let runtime = runtime.map_err(|error| Failure::io("start the server", &error))?;
        let outcome = runtime.block_on(self.serve(style));
        // A thread may still wait for a disk or for a reader, and nobody needs what it brings.
        runtime.shutdown_background();
        outcome
    }

    async fn serve(&self, style: &Style) -> Outcome {
        let folder = Arc::new(Folder::open(&self.dir, self.writable.as_deref(), self.upload_max)?);
        let manner = if self.json { Manner::Json } else { Manner::Text(*style) };
        let journal = Journal::start(manner)?;
        let occasions = Occasions::new(self.status.map(Duration::from_secs))
            .map_err(|error| Failure::io("catch SIGUSR1", &error))?;
        let mut files = Files::new();
        if self.json {
            files.print("--json");
        }
        let link = self.link.open(&mut files, Some(journal.observer()), Driver::Task)?;
        // Every address of ours, of both families.
        let listener = TcpListener::bind(&link.stack, (Ipv6Addr::UNSPECIFIED, self.port))
            .await
            .map_err(|error| Failure::io(format_args!("listen on port {}", self.port), &error))?;
        let port = listener.local_addr().map_or(self.port, |address| address.port());
        let (caller, calls) = mpsc::unbounded_channel();
        let interrupted = caller.clone();
        // The receiver lives as long as the program does anything.
        interrupt::on_interrupt(move || drop(interrupted.send(Call::Interrupt)))?;
        let announcement = announcement(&folder, &link, port);
        tokio::spawn(accept(listener, folder, journal.clone()));
        tokio::spawn(status::print_at(occasions, link.stack.clone(), *style));
        journal.listening(&announcement);
        wait_for_the_end(&link, &journal, &caller, calls).await;
        let recorded = link.finish_recording();
        journal.finish();
        recorded.map(|()| ExitCode::SUCCESS)
    }
}

/// Accepts until the stack is shut down, with a task for each connection.
async fn accept(listener: TcpListener, folder: Arc<Folder>, journal: Journal) {
    let seats = Arc::new(Seats::default());
    let watch = tokio::spawn(Arc::clone(&seats).watch(journal.clone()));
    for number in 0.. {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let seated = seats.seat(number, stream, peer);
                let seat = Arc::clone(seated.seat());
                let task = tokio::spawn(exchange::serve(seated, Arc::clone(&folder), journal.clone()));
                seat.is_served_by(task.abort_handle());
            }
            Err(error) if error.kind() == ErrorKind::NotConnected => break,
            Err(error) => {
                journal.trouble(&format!("a connection could not be accepted: {error}"));
                tokio::time::sleep(REST).await;
            }
        }
    }
    watch.abort();
}

fn announcement(folder: &Folder, link: &OverTun, port: u16) -> journal::Announcement {
    journal::Announcement {
        folder: folder.root().display().to_string(),
        uploads: folder.uploads_below(),
        urls: link.addresses.iter().map(|address| url(*address, port)).collect(),
        interface: link.name.clone(),
        hosts: link.hosts.iter().map(ToString::to_string).collect(),
    }
}

/// Waits for Ctrl-C, then for the connections to close or for the second Ctrl-C.
async fn wait_for_the_end(
    link: &OverTun,
    journal: &Journal,
    caller: &mpsc::UnboundedSender<Call>,
    mut calls: mpsc::UnboundedReceiver<Call>,
) {
    let mut interrupts = 0;
    // `caller` keeps the channel open, so this ends with a break.
    while let Some(call) = calls.recv().await {
        match call {
            Call::Interrupt if interrupts == 0 => {
                interrupts = 1;
                journal.closing(link.stack.usage().connections);
                let (stack, caller) = (link.stack.clone(), caller.clone());
                tokio::spawn(async move {
                    let outcome = synfin::tokio::shutdown(&stack, FAREWELL).await;
                    drop(caller.send(Call::Closed(outcome.map_err(|error| error.to_string()))));
                });
            }
            // The task that waits for the farewell says when it is over.
            Call::Interrupt => link.stack.abort(),
            Call::Closed(outcome) => {
                if let Err(trouble) = outcome {
                    journal.trouble(&trouble);
                }
                break;
            }
        }
    }
}

/// The address as people type it.
fn url(address: IpAddr, port: u16) -> String {
    let host = match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    };
    if port == 80 { format!("http://{host}/") } else { format!("http://{host}:{port}/") }
}

/// Reads `100`, `64K`, `2G`.
fn size(text: &str) -> Result<u64, String> {
    let wrong = || format!("\"{text}\" is not a size such as 1000000, 64K or 2G");
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match text[digits.len()..].to_ascii_uppercase().as_str() {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => return Err(wrong()),
    };
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    number.checked_mul(1 << shift).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!(size("100"), Ok(100));
        assert_eq!(size("64k"), Ok(64 << 10));
        assert_eq!(size("2G"), Ok(2 << 30));
        assert!(size("2GB").is_err() && size("").is_err() && size("99999999T").is_err());
    }

    #[test]
    fn urls_are_as_people_type_them() {
        assert_eq!(url("10.90.0.2".parse().expect("an address"), 80), "http://10.90.0.2/");
        assert_eq!(url("fd90::2".parse().expect("an address"), 8080), "http://[fd90::2]:8080/");
    }
}
