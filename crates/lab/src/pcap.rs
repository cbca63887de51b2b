//! What crossed the wire up to a moment, as a capture.

use crate::run::Run;
use crate::words::filled;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use capture::{Direction, Finish, Format, Interface, LinkType, PacketInfo, Section, Writer};
use report::words::Language;
use serde::Serialize;
use sim::{EPOCH_NS, Happening};
use std::io;
use wire::Frame;

/// A file to save.
#[derive(Debug, Serialize)]
pub(crate) struct Saved {
    name: String,
    base64: String,
}

/// The capture at a host's network card when `at` events have happened.
pub(crate) fn saved(run: &Run, lesson: &str, at: usize, host: u8, lang: Language) -> Result<Saved, String> {
    if host > 1 {
        return Err(filled(lang, "error/deed-host", &[("n", &host.to_string())]));
    }
    let bytes = written(run, at, usize::from(host)).expect("memory takes everything");
    Ok(Saved { name: format!("synfin-{lesson}.pcapng"), base64: BASE64_STANDARD.encode(bytes) })
}

fn written(run: &Run, at: usize, host: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let section =
        Section { application: concat!("synfin ", env!("CARGO_PKG_VERSION")), ..Section::default() };
    let mut writer = Writer::new(&mut bytes, Format::Pcapng, &section)?;
    let here = run.hosts[host];
    let interface = Interface { name: run.world.name(here), ..Interface::new(LinkType::RAW) };
    let interface = writer.add_interface(&interface)?;
    let log_end = run.log_end(at);
    for entry in run.world.log().iter().take(log_end).filter(|entry| entry.host == here) {
        let Some((direction, frame)) = passing(run, &entry.what) else { continue };
        let info = PacketInfo {
            direction: Some(direction),
            ..PacketInfo::new(interface, EPOCH_NS + entry.at.as_nanos())
        };
        writer.write_frame(&info, frame, Finish::default())?;
    }
    writer.flush()?;
    drop(writer);
    Ok(bytes)
}

/// What passes the network card.
fn passing<'a>(run: &'a Run, what: &Happening) -> Option<(Direction, &'a Frame)> {
    let frames = run.world.frames();
    match what {
        Happening::Departed { frame } => Some((Direction::Outbound, &frames.get(*frame)?.frame)),
        Happening::Arrived(arrived) => {
            let arrival = frames.get(arrived.frame)?.arrivals.get(arrived.arrival)?;
            Some((Direction::Inbound, &arrival.frame))
        }
        _ => None,
    }
}
