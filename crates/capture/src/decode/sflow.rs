//! Samples of sFlow version 5 (sflow.org, "sFlow Version 5", July 2004): of each, the raw header of a packet.
//!
//! A sample is one packet of many, so connections seen by sFlow have gaps.

use super::pieces::Pieces;
use super::view::{View, be32};
use super::walk::{Halt, Next, RadioHeader, Walk};
use super::{Layer, NotTcp};

const FLOW_SAMPLE: u32 = 1;
const EXPANDED_FLOW_SAMPLE: u32 = 3;
const RAW_PACKET_HEADER: u32 = 1;

impl<'a> Walk<'a> {
    /// Finds the next sampled header, and what is behind it. A sample has a kind and a length, and so have the records
    /// in it; the view stands at a sample, or at a record if `records` are left in the current sample.
    pub(super) fn sflow_sample(
        &mut self,
        mut records: u32,
    ) -> Result<(Next, Option<(View<'a>, Pieces)>), Halt<'a>> {
        // each turn takes at least 8 bytes
        while self.view.wire_bytes >= 8 {
            let start = self.view.take(8, Layer::Sflow)?;
            let (kind, len) = (be32(start, 0), be32(start, 4) as usize);
            if records == 0 {
                let fixed_bytes = match kind {
                    FLOW_SAMPLE => 32,
                    EXPANDED_FLOW_SAMPLE => 44,
                    _ => {
                        self.view.take(len, Layer::Sflow)?;
                        continue;
                    }
                };
                let fixed = self.view.take(fixed_bytes, Layer::Sflow)?;
                records = be32(fixed, fixed_bytes - 4);
                continue;
            }
            records -= 1;
            let behind = self.view.behind(len);
            if kind == RAW_PACKET_HEADER {
                let rest = behind.filter(|view| view.wire_bytes >= 8);
                let next = self.sampled_header(len)?;
                let pieces = match records {
                    0 => Pieces::SflowSamples,
                    left => Pieces::SflowRecords(left),
                };
                return Ok((next, rest.map(|view| (view, pieces))));
            }
            self.view.take(len, Layer::Sflow)?;
        }
        Err(Halt::NotTcp(NotTcp::LinkManagement(Layer::Sflow)))
    }

    /// The protocol of the header, the length of the frame, how much was taken off its end, the length of the header.
    fn sampled_header(&mut self, len: usize) -> Result<Next, Halt<'a>> {
        self.view.limit(len);
        let fixed = self.view.take(16, Layer::Sflow)?;
        let (frame_bytes, stripped_bytes) = (be32(fixed, 4) as usize, be32(fixed, 8) as usize);
        self.view.limit(be32(fixed, 12) as usize);
        let wire_bytes = frame_bytes.saturating_sub(stripped_bytes).min(crate::PACKET_BYTES_MAX as usize);
        self.view.wire_bytes = wire_bytes.max(self.view.bytes.len());
        match be32(fixed, 0) {
            1 => Ok(Next::Ethernet),
            4 => Ok(Next::Fddi),
            7 => Ok(Next::Ppp),
            11 | 12 => Ok(Next::Ip),
            13 => Ok(Next::Mpls),
            15 => Ok(Next::Ieee80211(RadioHeader::Plain)),
            _ => Err(Halt::NotTcp(NotTcp::LinkManagement(Layer::Sflow))),
        }
    }
}
