//! The capture of a live stack: pcapng with nanoseconds and directions, checksums completed,
//! super-segments whole, as captures on hosts with segmentation offload show them.
//!
//! Frames are written under the stack's lock, so that none is missing and their order is kept; the buffer
//! is flushed once a second. A disk that fails ends the capture, not the stack.

use crate::failure::Failure;
use crate::output::{Output, Target};
use capture::{Direction, Finish, Format, Interface, InterfaceId, LinkType, PacketInfo, Section, Writer};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use synfin::Tapped;
use wire::Frame;

/// How long a frame may stay in the buffer.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// A capture in progress.
pub(crate) struct Recording {
    target: Target,
    file: Arc<Mutex<CaptureFile>>,
}

struct CaptureFile {
    writer: Writer<Output>,
    interface: InterfaceId,
    failure: Option<io::Error>,
}

impl Recording {
    /// Starts a file for this interface. A new file is removed at the end unless [`Recording::keep`] is called.
    pub(crate) fn begin(target: &Target, interface: &str) -> Result<Recording, Failure> {
        let failed = |error: io::Error| Failure::io(format_args!("write the capture {target}"), &error);
        let out = target.begin()?;
        let application = concat!("synfin ", env!("CARGO_PKG_VERSION"));
        let section = Section { application, os: std::env::consts::OS, ..Section::default() };
        let mut writer = Writer::new(out, Format::Pcapng, &section).map_err(failed)?;
        let interface = Interface { name: interface, ..Interface::new(LinkType::RAW) };
        let interface = writer.add_interface(&interface).map_err(failed)?;
        writer.flush().map_err(failed)?;
        let file = Arc::new(Mutex::new(CaptureFile { writer, interface, failure: None }));
        let watched = Arc::downgrade(&file);
        let flusher = move || {
            while let Some(file) = watched.upgrade() {
                lock(&file).attempt(|file| file.writer.flush());
                drop(file);
                std::thread::sleep(FLUSH_EVERY);
            }
        };
        std::thread::Builder::new().name("recording".to_owned()).spawn(flusher).map_err(failed)?;
        Ok(Recording { target: target.clone(), file })
    }

    /// Keeps the file, because frames are going to follow.
    pub(crate) fn keep(&self) {
        lock(&self.file).writer.get_mut().keep();
    }

    /// What the stack calls for each frame.
    pub(crate) fn tap(&self) -> impl FnMut(Tapped<'_>) + Send + 'static {
        let file = Arc::clone(&self.file);
        move |tapped| {
            let direction = match tapped.direction {
                device::Direction::Received => Direction::Inbound,
                device::Direction::Transmitted => Direction::Outbound,
            };
            lock(&file).attempt(|file| file.write(direction, tapped.since_1970, tapped.frame));
        }
    }

    /// Writes a frame that passes now, seen from this direction. The clock is read while nobody else writes, so that
    /// frames of several threads stand in the order of their times.
    pub(crate) fn write_now(&self, direction: Direction, frame: &Frame) {
        lock(&self.file).attempt(|file| {
            let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            file.write(direction, since_1970, frame)
        });
    }

    /// Flushes the buffer.
    ///
    /// # Errors
    /// A frame could not be written, now or earlier.
    pub(crate) fn finish(&self) -> Result<(), Failure> {
        let mut file = lock(&self.file);
        file.attempt(|file| file.writer.flush());
        match file.failure.take() {
            Some(error) => Err(Failure::new(format!("the capture {} is incomplete: {error}", self.target))),
            None => Ok(()),
        }
    }
}

impl CaptureFile {
    fn write(&mut self, direction: Direction, since_1970: Duration, frame: &Frame) -> io::Result<()> {
        let time_ns = u64::try_from(since_1970.as_nanos()).unwrap_or(u64::MAX);
        let info = PacketInfo { direction: Some(direction), ..PacketInfo::new(self.interface, time_ns) };
        self.writer.write_frame(&info, frame, Finish::default())
    }

    /// The first failure is kept and nothing is written after it.
    fn attempt(&mut self, write: impl FnOnce(&mut CaptureFile) -> io::Result<()>) {
        if self.failure.is_none() {
            self.failure = write(self).err();
        }
    }
}

fn lock(file: &Mutex<CaptureFile>) -> MutexGuard<'_, CaptureFile> {
    file.lock().unwrap_or_else(PoisonError::into_inner)
}
