//! Headings and names of numbers, as values: each language has every one of them, or it does not compile.

macro_rules! labels {
    ($($(#[doc = $doc:literal])+ $label:ident;)+) => {
        /// A heading, or what a number is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Label {
            $($(#[doc = $doc])+ $label,)+
        }

        impl Label {
            /// All of them.
            pub const ALL: &[Label] = &[$(Label::$label),+];
        }
    };
}

labels! {
    /// The number of a connection.
    Stream;
    /// The end that opened.
    Client;
    /// The other end.
    Server;
    /// How many packets.
    Packets;
    /// Bytes sent by the client.
    Sent;
    /// Bytes sent by the server.
    Received;
    /// How long it lasted, or when it was.
    Time;
    /// The round-trip time.
    Rtt;
    /// Retransmissions.
    Again;
    /// How it ended.
    End;
    /// How much a finding matters.
    Severity;
    /// What was found.
    Finding;
    /// The frames that show it.
    Frames;
    /// The section of the RFC.
    Section;
    /// The number of a frame.
    Frame;
    /// Where a segment comes from.
    Source;
    /// Where it goes.
    Destination;
    /// Its flags.
    Flags;
    /// Its sequence number.
    Seq;
    /// Its acknowledgment number.
    Ack;
    /// Its bytes of text.
    Len;
    /// The state of the end that sent it.
    Sender;
    /// The state of the end that it goes to.
    Receiver;
    /// Why it was sent.
    Why;
    /// The title of a clock.
    Seconds;
    /// Fact: how many segments.
    FactSegments;
    /// Fact: how many bytes.
    FactBytes;
    /// Fact: how many were lost.
    FactLost;
    /// Fact: how many were sent again.
    FactAgain;
    /// Fact: bytes of text, each counted once.
    FactTextBytes;
    /// Fact: the rate of these.
    FactGoodput;
    /// Fact: round trips, least, median and 95th percentile.
    FactRoundTrip;
    /// Fact: the same by timestamps.
    FactTimestampRoundTrip;
    /// Fact: the most bytes in flight.
    FactInFlight;
    /// Fact: the largest window offered.
    FactWindow;
    /// Fact: how long the window was closed.
    FactZeroWindow;
    /// Fact: how often, for each cause.
    FactAgainBy;
    /// Fact: lost probes of the path's MTU.
    FactLostProbes;
    /// Fact: round trips with marks.
    FactMarked;
    /// Fact: needless retransmissions.
    FactNeedless;
    /// Fact: packets that were overtaken.
    FactOvertaken;
    /// Fact: what was waited for.
    FactWaited;
}
