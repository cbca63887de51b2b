//! How true the lens is of retransmissions, by the kernel's own word.

mod compare;
mod matched;
mod page;
#[cfg(target_os = "linux")]
pub mod rig;
mod seen;
mod tally;
mod trace;
mod truth;

pub use compare::{Case, Compared, Row};
pub use matched::{AtSender, Origin, origins};
pub use page::{BEGIN, END, Line, Page};
pub use seen::{Said, Seen, explain, read};
pub use tally::{Share, Tally, Vantage, is_right};
pub use trace::{Event, Trace};
pub use truth::{Class, Congestion, Told, Trigger, Truth};
