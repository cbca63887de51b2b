//! The capture of a live stack: pcapng with nanoseconds and directions, checksums completed,
//! super-segments whole, as any capture on a host with segmentation offload shows them.
//!
//! Frames are written under the stack's lock, so that none is missing and the order is theirs; what is
//! in the buffer goes to the file once a second. A disk that fails ends the capture, not the stack.

use crate::failure::Failure;
use crate::output::{Output, Target};
use capture::{Direction, Finish, Format, Interface, InterfaceId, LinkType, PacketInfo, Section, Writer};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use synfin::Tapped;

/// How old what is in the buffer may get.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// A capture in progress.
pub(crate) struct Recording {
    target: Target,
    sheet: Arc<Mutex<Sheet>>,
}

struct Sheet {
    writer: Writer<Output>,
    interface: InterfaceId,
    failure: Option<io::Error>,
}

impl Recording {
    /// Starts a file for this interface. It goes again unless [`Recording::keep`] is called.
    pub(crate) fn begin(target: &Target, interface: &str) -> Result<Recording, Failure> {
        let failed = |error: io::Error| Failure::io(format_args!("write the capture {target}"), &error);
        let out = target.begin()?;
        let application = concat!("synfin ", env!("CARGO_PKG_VERSION"));
        let section = Section { application, os: std::env::consts::OS, ..Section::default() };
        let mut writer = Writer::new(out, Format::Pcapng, &section).map_err(failed)?;
        let interface = Interface { name: interface, ..Interface::new(LinkType::RAW) };
        let interface = writer.add_interface(&interface).map_err(failed)?;
        writer.flush().map_err(failed)?;
        let sheet = Arc::new(Mutex::new(Sheet { writer, interface, failure: None }));
        let watched = Arc::downgrade(&sheet);
        let flusher = move || {
            while let Some(sheet) = watched.upgrade() {
                lock(&sheet).attempt(|sheet| sheet.writer.flush());
                drop(sheet);
                std::thread::sleep(FLUSH_EVERY);
            }
        };
        std::thread::Builder::new().name("recording".to_owned()).spawn(flusher).map_err(failed)?;
        Ok(Recording { target: target.clone(), sheet })
    }

    /// There is going to be something in it.
    pub(crate) fn keep(&self) {
        lock(&self.sheet).writer.get_mut().keep();
    }

    /// What the stack calls for each frame.
    pub(crate) fn tap(&self) -> impl FnMut(Tapped<'_>) + Send + 'static {
        let sheet = Arc::clone(&self.sheet);
        move |tapped| lock(&sheet).attempt(|sheet| sheet.write(&tapped))
    }

    /// Brings everything to the file and says what went wrong, if something did.
    pub(crate) fn finish(&self) -> Result<(), Failure> {
        let mut sheet = lock(&self.sheet);
        sheet.attempt(|sheet| sheet.writer.flush());
        match sheet.failure.take() {
            Some(error) => Err(Failure::new(format!("the capture {} is incomplete: {error}", self.target))),
            None => Ok(()),
        }
    }
}

impl Sheet {
    fn write(&mut self, tapped: &Tapped<'_>) -> io::Result<()> {
        let direction = match tapped.direction {
            device::Direction::Received => Direction::Inbound,
            device::Direction::Transmitted => Direction::Outbound,
        };
        let time_ns = u64::try_from(tapped.since_1970.as_nanos()).unwrap_or(u64::MAX);
        let info = PacketInfo { direction: Some(direction), ..PacketInfo::new(self.interface, time_ns) };
        self.writer.write_frame(&info, tapped.frame, Finish::default())
    }

    /// The first failure is kept and nothing is written after it.
    fn attempt(&mut self, write: impl FnOnce(&mut Sheet) -> io::Result<()>) {
        if self.failure.is_none() {
            self.failure = write(self).err();
        }
    }
}

fn lock(sheet: &Mutex<Sheet>) -> MutexGuard<'_, Sheet> {
    sheet.lock().unwrap_or_else(PoisonError::into_inner)
}
