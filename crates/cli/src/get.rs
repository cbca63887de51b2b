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

use crate::failure::{Exit, Failure, Outcome};
use crate::http::body::{Body, framing_of_response};
use crate::http::range;
use crate::interrupt;
use crate::notes::{draws_bars, note};
use crate::output::{Files, Output};
use crate::over_tun::{Flags, OverTun};
use crate::terminal::plain;
use destination::{Destination, Validator};
use progress::Progress;
use report::{Style, numbers};
use request::Fetched;
use serde_json::json;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use synfin::ConnectionEvent;
use url::Url;

/// Redirections that are followed.
const HOPS_MAX: usize = 5;
/// Bytes read at once.
const PIECE_BYTES: usize = 256 << 10;
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
    status: u16,
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
        let link = self.link.open(&mut files, None::<fn(ConnectionEvent)>)?;
        let interrupted = catch_interrupts(&link)?;
        let outcome = self.fetch(url, &destination, &link, style);
        // The farewell: FIN both ways, so that the server need not wonder.
        let parted = link.stack.shutdown(FAREWELL);
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
        self.tell(&received, &destination, style)
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }

    /// Asks, and asks again elsewhere when told to.
    fn fetch(
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
            let mut fetched = request::send(&url, link, part.as_ref(), self.timeout())?;
            let status = fetched.response.status;
            if matches!(status, 301 | 302 | 303 | 307 | 308)
                && let Some(location) = fetched.response.fields.first("location")
            {
                if hops == HOPS_MAX {
                    return Err(Failure::new(format!(
                        "{} leads elsewhere more than {HOPS_MAX} times",
                        self.url
                    )));
                }
                let next = trouble::redirected(&url, location)?;
                note(format_args!("{status} {}: going on to {next}", fetched.response.reason));
                (url, hops) = (next, hops + 1);
                continue;
            }
            if status == 416 && part.is_some() {
                if let Some(whole) = destination.completed_by(&fetched.response)? {
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
            return self.take(url, &mut fetched, part.as_ref(), destination, style);
        }
    }

    /// Takes the body of a final answer.
    fn take(
        &self,
        url: Url,
        fetched: &mut Fetched,
        part: Option<&destination::Part>,
        destination: &Destination,
        style: &Style,
    ) -> Result<Received, Failure> {
        let Fetched { response, stream, from } = fetched;
        let status = response.status;
        let from_bytes = match (status, part) {
            (200, None) => 0,
            (200, Some(_)) => {
                note(format_args!(
                    "the server has another version of the file, or sends no parts; starting at the beginning"
                ));
                0
            }
            (206, Some(part)) => {
                let sent = response.fields.first("content-range").and_then(range::content_range);
                if sent.is_none_or(|(first, _, _)| first != part.len_bytes) {
                    return Err(Failure::new(format!(
                        "{url}: the server sends another part than it was asked for; try without --continue"
                    )));
                }
                note(format_args!("continuing after {}", numbers::bytes(part.len_bytes)));
                part.len_bytes
            }
            _ => return Err(trouble::status(&url, response)),
        };
        let framing = framing_of_response(status, &response.fields).map_err(|_| {
            Failure::new(format!("{url}: the server does not say clearly where its answer ends"))
        })?;
        let total_bytes = match framing {
            crate::http::body::Framing::Length(length) => Some(from_bytes + length),
            _ => None,
        };
        let mut output = destination.open(from_bytes, &Validator::of(response))?;
        let shown = !self.json && draws_bars();
        let progress = Progress::begin(destination, from_bytes, total_bytes, shown, style);
        let began = Instant::now();
        let mut body = Body::new(from, framing);
        let outcome = copy(&mut body, &mut output, &progress);
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
        let (time, info) = (began.elapsed(), stream.info().ok());
        destination.finish(output)?;
        // We have what we wanted; a server that closed first is no failure.
        let _ = stream.shutdown(Shutdown::Write);
        Ok(Received { url, status, file_bytes: from_bytes + body_bytes, body_bytes, time, info })
    }

    fn tell(&self, received: &Received, destination: &Destination, style: &Style) -> Outcome {
        let Received { url, status, file_bytes, body_bytes, time, info } = received;
        let rtt = info.and_then(|info| info.rtt);
        if self.json {
            let object = json!({
                "url": url.as_str(), "status": status, "file": destination.to_string(),
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

fn copy(body: &mut impl Read, output: &mut Output, progress: &Progress) -> Result<u64, Cut> {
    let mut piece = vec![0; PIECE_BYTES];
    let mut body_bytes = 0;
    loop {
        let taken = match body.read(&mut piece) {
            Ok(0) => return Ok(body_bytes),
            Ok(taken) => taken,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                // What has come is kept; the wire's failure is the one to tell.
                let _ = output.flush();
                return Err(Cut { body_bytes, side: Side::Wire(error) });
            }
        };
        // At once: who reads along shall see it, and who kills us shall find it.
        let written = output.write_all(&piece[..taken]).and_then(|()| output.flush());
        written.map_err(|error| Cut { body_bytes, side: Side::Disk(error) })?;
        body_bytes += taken as u64;
        progress.add(taken as u64);
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
