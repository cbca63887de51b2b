//! Live capture: frames of a network interface, handed to the reader as if they came from a file.
//!
//! A thread writes them as pcapng into a pipe, so that everything after the pipe is the same for a live
//! interface, a file and standard input. Ctrl-C ends the capture, and the connections are summed up.

use crate::failure::Failure;
use crate::notes::note;
use capture::{Direction, Format, Interface, LinkType, PacketInfo, Section, Writer};
use device::{Link, PacketSocket};
use report::words::{self, Language};
use std::io::{self, PipeReader, PipeWriter, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The longest wait for a frame before the capturing thread checks whether the capture is over.
const WAIT_MAX: Duration = Duration::from_millis(100);

/// Starts to capture; the pipe ends with Ctrl-C, or after `limit`.
pub(super) fn start(
    interface: &str,
    limit: Option<Duration>,
    language: Language,
) -> Result<PipeReader, Failure> {
    let socket = PacketSocket::open(interface).map_err(|error| Failure::new(error.to_string()))?;
    if let Err(error) = socket.listen_to_all() {
        note(format_args!("synfin: {}", words::only_own_frames(&error, language)));
    }
    let failed = |error: io::Error| Failure::io(format_args!("capture on {interface}"), &error);
    let (reader, writer) = io::pipe().map_err(failed)?;
    let over = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&over);
    crate::interrupt::on_interrupt(move || asked.store(true, Ordering::Relaxed))?;
    let name = interface.to_owned();
    note(format_args!("{}", words::capturing(&name, language)));
    std::thread::spawn(move || {
        let ended = capture(&socket, &name, writer, &over, limit);
        if let Err(error) = ended.or_else(ignore_closed_pipe) {
            eprintln!("synfin: {}", words::capture_ended(&name, &error, language));
        }
        note_dropped(&socket, language);
    });
    Ok(reader)
}

/// A reader that has closed its pipe is no failure.
fn ignore_closed_pipe(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) }
}

fn capture(
    socket: &PacketSocket,
    name: &str,
    writer: PipeWriter,
    over: &AtomicBool,
    limit: Option<Duration>,
) -> io::Result<()> {
    let section =
        Section { application: concat!("synfin ", env!("CARGO_PKG_VERSION")), ..Section::default() };
    let mut writer = Writer::new(writer, Format::Pcapng, &section)?;
    let link_type = match socket.capabilities().medium {
        wire::Medium::Ethernet => LinkType::ETHERNET,
        wire::Medium::Ip => LinkType::RAW,
    };
    let interface = writer.add_interface(&Interface { name, ..Interface::new(link_type) })?;
    // The loopback interface receives each frame that it sends: one of the two is enough.
    let skips_sent = is_loopback(name);
    let began = Instant::now();
    while !over.load(Ordering::Relaxed) && limit.is_none_or(|limit| began.elapsed() < limit) {
        while let Some(seen) = socket.capture()? {
            if skips_sent && seen.direction == device::Direction::Transmitted {
                continue;
            }
            let direction = match seen.direction {
                device::Direction::Received => Direction::Inbound,
                device::Direction::Transmitted => Direction::Outbound,
            };
            let info = PacketInfo {
                direction: Some(direction),
                wire_bytes: u32::try_from(seen.wire_bytes).ok(),
                ..PacketInfo::new(interface, u64::try_from(seen.time.as_nanos()).unwrap_or(u64::MAX))
            };
            writer.write_slices(&info, &[&seen.bytes])?;
        }
        writer.flush()?;
        device::wait(&[socket.as_fd()], Some(WAIT_MAX))?;
    }
    writer.into_inner().flush()
}

/// Whether Linux shows the flag `IFF_LOOPBACK`.
fn is_loopback(interface: &str) -> bool {
    const IFF_LOOPBACK: u32 = 8;
    let flags = std::fs::read_to_string(format!("/sys/class/net/{interface}/flags")).unwrap_or_default();
    u32::from_str_radix(flags.trim().trim_start_matches("0x"), 16)
        .is_ok_and(|flags| flags & IFF_LOOPBACK != 0)
}

fn note_dropped(socket: &PacketSocket, language: Language) {
    if let Ok(statistics) = socket.statistics()
        && statistics.dropped > 0
    {
        let told = words::dropped(statistics.dropped, statistics.seen, language);
        note(format_args!("synfin: {told}"));
    }
}
