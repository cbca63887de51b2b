//! A host's device at its end of a link: whether it takes the frames of its host.
//!
//! A link that loses frames is a [`crate::Lane`]; this is about frames that never reach it, and the host knows.

/// What a host's network device does with the frames that the host hands to it. What arrives is handed up in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Device {
    /// It takes them.
    #[default]
    Works,
    /// Its queue is full (ENOBUFS): the host keeps its frames ([`stack::Host::hold_interface`]) until it works again.
    Full,
    /// It refuses each with an error, and who handed it over drops it: [`crate::Lost::Device`].
    Fails,
}
