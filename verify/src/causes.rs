//! How true the lens is of retransmissions, by the kernel's own word.
//!
//! | | |
//! |---|---|
//! | the text of the kernel's trace | [`Trace`] |
//! | what it says of each retransmission | [`Told`], [`Truth`], [`Class`] |
//! | a capture, and what the lens says of it | [`Seen`], [`Said`] |
//! | what a run left in its folder | [`Record`], [`Circumstances`] |
//! | which frame is which retransmission, at either end | [`AtSender`], [`origins`] |
//! | both beside each other | [`Case`], [`Compared`] |
//! | counted, and as a page with bars | [`Tally`], [`Page`] |
//! | two hosts, a bad wire, tcpdump and the trace | `rig`, on Linux |
//!
//! Only `rig` needs privileges; the rest takes captures and truths from anywhere.

mod compare;
mod matched;
mod page;
mod record;
#[cfg(target_os = "linux")]
pub mod rig;
mod seen;
mod tally;
mod trace;
mod truth;

pub use compare::{Case, Compared, Row};
pub use matched::{AtSender, Origin, origins};
pub use page::{BEGIN, END, Line, Page};
pub use record::{CAPTURES, Circumstances, Record, TRACE};
pub use seen::{Said, Seen, explain, read};
pub use tally::{Share, Tally, Vantage, is_right};
pub use trace::{Event, Trace};
pub use truth::{Class, Congestion, Told, Trigger, Truth};
