//! `synfin get`: fetches a URL over a stack of ours, from any server that the kernel reaches.
//!
//! Here are the arguments and the order of things: choose where it goes, open the link, ask, follow
//! redirections, take the body, put the file into its place, close the connection. What is *not* here:
//! the file under construction ([`destination`]), one request ([`request`]), the words for what goes
//! wrong ([`trouble`]).

mod destination;
mod progress;
mod request;
mod trouble;
mod wire;

use crate::failure::{Exit, Failure, Outcome};
use crate::http::{first, range};
use crate::interrupt;
use crate::notes::{draws_bars, note};
use crate::output::{Files, Output};
use crate::over_tun::{Driver, Flags, OverTun};
use crate::terminal::plain;
use destination::{Destination, Validator};
use http::StatusCode;
use http::header::{CONTENT_RANGE, LOCATION};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use progress::Progress;
use report::{Style, numbers};
use request::Fetched;
use serde_json::json;
use std::io::{self, ErrorKind};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use synfin::ConnectionEvent;
use url::Url;

/// Redirections that are followed.
const HOPS_MAX: usize = 5;
/// How long the server may take to close after us.
const FAREWELL: Duration = Duration::from_secs(3);

/// Fetch a file over HTTP with a TCP/IP stack of our own.
///
/// The stack lives in this program; a TUN interface connects it with the kernel. The server may be a
/// program of this machine (at the kernel's address of the link, 10.90.0.1 or fd90::1), or anything that
/// the kernel forwards to.
///
/// The file gets the name at the end of the URL (index.html if there is none). While it is incomplete it
/// is called FILE.part, and FILE.part.from remembers which version of the file it is a part of.
#[derive(clap::Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Get {
    /// What to fetch: `http://HOST[:PORT]/PATH`.
    url: String,
    /// Where it goes; - is standard output.
    #[arg(short, long, value_name = "FILE")]
    output: Option<String>,
    /// Continue a download that was cut off, if the server still has the same file; otherwise start over.
    #[arg(short = 'C', long = "continue")]
    resume: bool,
    /// How many seconds the server may take to accept the connection, and may be silent.
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, default_value_t = 30, value_parser = crate::units::whole(1..=86_400_u64))]
    timeout: u64,
    /// Print what was fetched, and how, as a JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    link: Flags,
}

const EXAMPLES: &str = "\
Examples:
  From a server on this machine (the kernel's):
    python3 -m http.server --bind 10.90.0.1 8000     # once the interface is there
    sudo synfin get http://10.90.0.1:8000/Cargo.toml

  Go on after an interruption; to standard output; over IPv6:
    sudo synfin get -C http://10.90.0.1/image.iso
    sudo synfin get -o - http://10.90.0.1/list.txt | sort
    sudo synfin get 'http://[fd90::1]:8000/Cargo.toml'

  From anywhere, if the kernel forwards for us:
    sudo sysctl net.ipv4.ip_forward=1
    sudo iptables -t nat -A POSTROUTING -s 10.90.0.0/24 -j MASQUERADE
    sudo synfin get http://example.com/

  Beside a running `synfin serve`, which has synfin0 and its addresses:
    sudo synfin get --tun synfin1 --host 10.91.0.1/24 http://10.91.0.1:8000/";

/// What went over the wire, for the last line.
struct Received {
    url: Url,
    status: StatusCode,
    /// Bytes of the file, those of an earlier attempt included.
    file_bytes: u64,
    body_bytes: u64,
    time: Duration,
    info: Option<tcp::Info>,
}

impl Get {
    /// Fetches it.
    pub(crate) fn run(&self, style: &Style) -> Outcome {
        let url = trouble::parse(&self.url)?;
        let mut files = Files::new();
        let destination = Destination::choose(self.output.as_deref(), &url, &mut files)?;
        if self.resume && destination.is_finished() {
            note(format_args!("{destination} is there already, and there is nothing to continue"));
            return Ok(ExitCode::SUCCESS);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::io("start", &error))?;
        runtime.block_on(self.over_tun(url, &destination, files, style))
    }

    async fn over_tun(
        &self,
        url: Url,
        destination: &Destination,
        mut files: Files,
        style: &Style,
    ) -> Outcome {
        // A thread drives the stack: it answers the server also while we wait for a disk or for who reads our output.
        let link = self.link.open(&mut files, None::<fn(ConnectionEvent)>, Driver::Thread)?;
        let interrupted = catch_interrupts(&link)?;
        let outcome = self.fetch(url, destination, &link, style).await;
        // The farewell: FIN both ways, so that the server need not wonder.
        let parted = synfin::tokio::shutdown(&link.stack, FAREWELL).await;
        let recorded = link.finish_recording();
        if interrupted.load(Ordering::Acquire) {
            note(format_args!("{}", destination.what_is_kept()));
            return Ok(Exit::Interrupted.into());
        }
        let received = outcome?;
        recorded?;
        if parted.is_err() {
            note(format_args!("synfin: the server did not close the connection in time; it was reset"));
        }
        self.tell(&received, destination, style)
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }

    /// Asks, and asks again elsewhere when told to.
    async fn fetch(
        &self,
        mut url: Url,
        destination: &Destination,
        link: &OverTun,
        style: &Style,
    ) -> Result<Received, Failure> {
        let mut part = if self.resume { destination.part() } else { None };
        if self.resume && part.is_none() {
            note(format_args!("there is no part of {destination} to continue; starting at the beginning"));
        }
        let mut hops = 0;
        loop {
            let fetched = request::send(&url, link, part.as_ref(), self.timeout()).await?;
            let (status, fields) = (fetched.response.status(), fetched.response.headers());
            if matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
                && let Some(location) = first(fields, LOCATION)
            {
                if hops == HOPS_MAX {
                    return Err(Failure::new(format!(
                        "{} leads elsewhere more than {HOPS_MAX} times",
                        self.url
                    )));
                }
                let next = trouble::redirected(&url, &location)?;
                let reason = trouble::reason(&fetched.response);
                note(format_args!("{} {reason}: going on to {next}", status.as_u16()));
                (url, hops) = (next, hops + 1);
                continue;
            }
            if status == StatusCode::RANGE_NOT_SATISFIABLE && part.is_some() {
                if let Some(whole) = destination.completed_by(fields)? {
                    return Ok(Received {
                        url,
                        status,
                        file_bytes: whole,
                        body_bytes: 0,
                        time: Duration::ZERO,
                        info: None,
                    });
                }
                note(format_args!("the server has no such part any more; starting at the beginning"));
                part = None;
                continue;
            }
            return self.take(url, fetched, part.as_ref(), destination, style).await;
        }
    }

    /// Takes the body of a final answer.
    async fn take(
        &self,
        url: Url,
        fetched: Fetched,
        part: Option<&destination::Part>,
        destination: &Destination,
        style: &Style,
    ) -> Result<Received, Failure> {
        let Fetched { response, wire } = fetched;
        let (status, fields) = (response.status(), response.headers());
        let from_bytes = match (status.as_u16(), part) {
            (200, None) => 0,
            (200, Some(_)) => {
                note(format_args!(
                    "the server has another version of the file, or sends no parts; starting at the beginning"
                ));
                0
            }
            (206, Some(part)) => {
                let sent = first(fields, CONTENT_RANGE).and_then(|field| range::content_range(&field));
                if sent.is_none_or(|(first, _, _)| first != part.len_bytes) {
                    return Err(Failure::new(format!(
                        "{url}: the server sends another part than it was asked for; try without --continue"
                    )));
                }
                note(format_args!("continuing after {}", numbers::bytes(part.len_bytes)));
                part.len_bytes
            }
            _ => return Err(trouble::status(&url, &response)),
        };
        let total_bytes = response.body().size_hint().exact().map(|length| from_bytes + length);
        let mut output = destination.open(from_bytes, &Validator::of(fields))?;
        let shown = !self.json && draws_bars();
        let progress = Progress::begin(destination, from_bytes, total_bytes, shown, style);
        let began = Instant::now();
        let outcome = copy(response.into_body(), &mut output, &progress, self.timeout()).await;
        progress.end();
        let body_bytes = outcome.map_err(|cut| {
            let so_far = from_bytes + cut.body_bytes;
            match cut.side {
                Side::Wire(error) => {
                    trouble::body(&url, &error, so_far, total_bytes, self.timeout(), &destination.advice())
                }
                Side::Disk(error) => output.failed(&error),
            }
        })?;
        let (time, info) = (began.elapsed(), wire.stream.info().ok());
        destination.finish(output)?;
        // We have what we wanted; a server that closed first is no failure.
        let _ = wire.stream.shutdown_write();
        Ok(Received { url, status, file_bytes: from_bytes + body_bytes, body_bytes, time, info })
    }

    fn tell(&self, received: &Received, destination: &Destination, style: &Style) -> Outcome {
        let Received { url, status, file_bytes, body_bytes, time, info } = received;
        let rtt = info.and_then(|info| info.rtt);
        if self.json {
            let object = json!({
                "url": url.as_str(), "status": status.as_u16(), "file": destination.to_string(),
                "file_bytes": file_bytes, "body_bytes": body_bytes, "duration_s": time.as_secs_f64(),
                "bits_per_second": *body_bytes as f64 * 8.0 / time.as_secs_f64().max(1e-9),
                "rtt_s": rtt.map(|rtt| rtt.as_secs_f64()),
                "segments_received": info.map(|info| info.data_segments_in),
                "retransmissions": info.map(|info| info.retransmissions),
            });
            crate::failure::print(&format!("{object}\n"))?;
        } else {
            let rate = numbers::rate_of(*body_bytes, *time);
            let rtt = rtt.map_or(String::new(), |rtt| format!(", RTT {}", numbers::duration(rtt)));
            let (size, took) = (numbers::bytes(*file_bytes), numbers::duration(*time));
            let line = plain(format!("{destination}: {size} in {took} ({rate}){rtt}"), style);
            note(format_args!("{line}"));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Where a copy was cut off.
struct Cut {
    body_bytes: u64,
    side: Side,
}

enum Side {
    Wire(io::Error),
    Disk(io::Error),
}

async fn copy(
    mut body: Incoming,
    output: &mut Output,
    progress: &Progress,
    timeout: Duration,
) -> Result<u64, Cut> {
    let mut body_bytes = 0;
    loop {
        let frame = match tokio::time::timeout(timeout, body.frame()).await {
            Ok(None) => return Ok(body_bytes),
            Ok(Some(frame)) => frame.map_err(trouble::of_body),
            Err(_) => Err(ErrorKind::WouldBlock.into()),
        };
        let piece = match frame.map(|frame| frame.into_data()) {
            Ok(Ok(piece)) => piece,
            // Trailer fields mean nothing here.
            Ok(Err(_)) => continue,
            Err(error) => return Err(Cut { body_bytes, side: Side::Wire(error) }),
        };
        // At once: who reads along shall see it, and who kills us shall find it.
        output.write_through(&piece).map_err(|error| Cut { body_bytes, side: Side::Disk(error) })?;
        body_bytes += piece.len() as u64;
        progress.add(piece.len() as u64);
    }
}

/// Ctrl-C shuts the stack down: whoever waits on a socket returns, and the server sees the end.
fn catch_interrupts(link: &OverTun) -> Result<Arc<AtomicBool>, Failure> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let (flag, stack) = (Arc::clone(&interrupted), link.stack.clone());
    let on_interrupt = move || {
        flag.store(true, Ordering::Release);
        stack.abort();
    };
    interrupt::on_interrupt(on_interrupt)?;
    Ok(interrupted)
}
