//! Why CUBIC takes the place of a scalable congestion control: for traces and people.

/// Why a connection is not, or no longer, an L4S sender although that was wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ScalableDoubt {
    /// The peer does not tell how much is marked, or what it tells is not to be believed (RFC 9331 §4.2).
    NoFeedback,
    /// Something was lost, and nothing that left as ECT(1) was said to have arrived as that, or marked.
    Unconfirmed,
    /// The marks come from a long queue, which is not one of L4S (RFC 9331 §4.3, item 3).
    LongQueue,
}

impl ScalableDoubt {
    /// A word for JSON and tables: `no-feedback`.
    pub const fn name(self) -> &'static str {
        match self {
            ScalableDoubt::NoFeedback => "no-feedback",
            ScalableDoubt::Unconfirmed => "unconfirmed",
            ScalableDoubt::LongQueue => "long-queue",
        }
    }

    /// A few words for people.
    pub const fn sentence(self) -> &'static str {
        match self {
            ScalableDoubt::NoFeedback => "the peer does not tell how much is marked",
            ScalableDoubt::Unconfirmed => "something was lost, and ECT(1) was not seen to get through",
            ScalableDoubt::LongQueue => "the marks come from a long queue",
        }
    }
}
