//! Prints one line per segment of a capture: verdicts, states, and why it was sent.
//!
//! `cargo run -p synfin-lens --example explain -- FILE [STREAM]`

use capture::{Decoder, Reader};
use std::error::Error;
use std::fs::File;
use synfin_lens::{Analysis, Config, Connection, Finding, Lens, Segment, Sink};

struct Print {
    stream: Option<u32>,
}

impl Sink for Print {
    fn segment(&mut self, segment: &Segment, said: &Analysis) {
        if self.stream.is_some_and(|stream| stream != said.stream) {
            return;
        }
        let why = &said.why;
        println!(
            "{}\t{}\t{:?}\t{}\tseq {}\tack {}\tlen {}\twin {}\tflight {:?}\trtt {:?}\t[{}]\t{} {}%\t{} | {}\t{:?}\t{:?}",
            segment.frame,
            said.stream,
            said.from,
            segment.flags,
            said.relative_seq,
            said.relative_ack,
            segment.text_bytes,
            said.window_bytes,
            said.in_flight_bytes,
            said.acked.map(|acked| acked.rtt_ns),
            said.verdicts,
            why.reason.name(),
            why.confidence.percent(),
            said.ends[0].state,
            said.ends[1].state,
            why.order,
            said.notes.names().collect::<Vec<_>>(),
        );
    }

    fn connection(&mut self, connection: &Connection) {
        if self.stream.is_none_or(|stream| stream == connection.stream) {
            println!(
                "{}: {} {} {}",
                connection.stream,
                connection.sentence(),
                connection.zeek_state.name(),
                connection.zeek_history()
            );
        }
    }

    fn finding(&mut self, finding: &Finding) {
        if self.stream.is_none_or(|stream| stream == finding.stream()) {
            let (severity, frames) = (finding.severity.name(), &finding.frames);
            println!("  {severity}: {} {:?} {:?} {frames:?}", finding.id, finding.numbers, finding.signs);
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("which file?")?;
    let stream = arguments.next().map(|number| number.parse()).transpose()?;
    let (mut lens, mut print) = (Lens::new(Config::default()), Print { stream });
    let (mut reader, mut decoder) = (Reader::new(File::open(path)?)?, Decoder::new());
    while let Some(record) = reader.next() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                eprintln!("read up to the damage: {error}");
                break;
            }
        };
        if let Ok(decoded) = decoder.decode(&record)
            && let Some(segment) = Segment::of_packet(&record, &decoded)
        {
            lens.take(&segment, &mut print);
        }
    }
    lens.finish(&mut print);
    Ok(())
}
