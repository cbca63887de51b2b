//! Files of other kinds that are known by their first bytes, and what to do with them.

use std::fmt;

/// A kind of file that is recognized but cannot be read.
///
/// ```
/// use synfin_capture::Foreign;
/// assert_eq!(Foreign::Xz.to_string(), "this is packed with xz, not pcap or pcapng: unpack it first");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the name of a format")]
#[expect(
    clippy::exhaustive_enums,
    reason = "whoever tells of them in another language is to have words for all"
)]
pub enum Foreign {
    Snoop,
    NetworkMonitor1,
    NetworkMonitor2,
    Sniffer,
    NetXray,
    BluetoothHci,
    Iptrace,
    OmniPeek,
    FiveViews,
    NetFlow,
    IxiaHardware,
    IxiaSoftware,
    NokiaPcap,
    Erf,
    Xz,
    Bzip2,
    Lz4,
    Zip,
    SevenZip,
}

/// What a person can do with such a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "whoever tells of them in another language is to have words for all"
)]
pub enum Remedy {
    /// `editcap` of Wireshark reads it and writes pcapng.
    Convert,
    /// A capture may be in it.
    Unpack,
    /// It was made elsewhere than on a network interface.
    CaptureOnInterface,
    /// It tells of packets, but has none.
    CapturePackets,
}

impl Foreign {
    /// All of them.
    pub const ALL: [Foreign; 19] = [
        Foreign::Snoop,
        Foreign::NetworkMonitor1,
        Foreign::NetworkMonitor2,
        Foreign::Sniffer,
        Foreign::NetXray,
        Foreign::BluetoothHci,
        Foreign::Iptrace,
        Foreign::OmniPeek,
        Foreign::FiveViews,
        Foreign::NetFlow,
        Foreign::IxiaHardware,
        Foreign::IxiaSoftware,
        Foreign::NokiaPcap,
        Foreign::Erf,
        Foreign::Xz,
        Foreign::Bzip2,
        Foreign::Lz4,
        Foreign::Zip,
        Foreign::SevenZip,
    ];

    /// What to do with it.
    pub fn remedy(self) -> Remedy {
        match self {
            Foreign::Xz | Foreign::Bzip2 | Foreign::Lz4 | Foreign::Zip | Foreign::SevenZip => Remedy::Unpack,
            Foreign::BluetoothHci => Remedy::CaptureOnInterface,
            Foreign::NetFlow => Remedy::CapturePackets,
            _ => Remedy::Convert,
        }
    }

    fn what(self) -> &'static str {
        match self {
            Foreign::Snoop => "a Sun snoop capture",
            Foreign::NetworkMonitor1 => "a Microsoft Network Monitor 1.x capture",
            Foreign::NetworkMonitor2 => "a Microsoft Network Monitor 2.x capture",
            Foreign::Sniffer => "a Network General Sniffer capture",
            Foreign::NetXray => "a NetXray or Windows Sniffer capture",
            Foreign::BluetoothHci => "a Bluetooth HCI snoop log, which holds no TCP",
            Foreign::Iptrace => "an AIX iptrace capture",
            Foreign::OmniPeek => "an OmniPeek capture",
            Foreign::FiveViews => "an Accellent 5Views capture",
            Foreign::NetFlow => "NetFlow records, which hold no packets",
            Foreign::IxiaHardware => "an IXIA hardware capture",
            Foreign::IxiaSoftware => "an IXIA software capture",
            Foreign::NokiaPcap => "a Nokia variant of pcap",
            Foreign::Erf => "an Endace ERF capture",
            Foreign::Xz => "packed with xz",
            Foreign::Bzip2 => "packed with bzip2",
            Foreign::Lz4 => "packed with lz4",
            Foreign::Zip => "a ZIP archive",
            Foreign::SevenZip => "a 7-Zip archive",
        }
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this is {}, not pcap or pcapng: {}", self.what(), self.remedy())
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Remedy::Convert => "convert it first with `editcap -F pcapng IN OUT`",
            Remedy::Unpack => "unpack it first",
            Remedy::CaptureOnInterface => "capture on a network interface",
            Remedy::CapturePackets => "capture packets, for example with tcpdump",
        })
    }
}
