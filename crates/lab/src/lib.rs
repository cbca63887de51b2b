//! A TCP laboratory: two hosts with programs of a few calls, a wire between them, and hands that reach into it.
//!
//! A [`Setup`] is what a reader can edit; [`Deed`]s are what a reader has done to the run: killed a segment, injected
//! an old one. Both and a number of events are a [`Moment`], which holds everything: the same moment gives the same
//! [`View`], to the byte, in a browser and natively. Stepping back is the same run with one event less shown.
//!
//! | | |
//! | --- | --- |
//! | what a program does | [`Call`] |
//! | hosts, programs and the wire | [`Setup`], [`HostSetup`], [`WireSetup`] |
//! | what a reader does to a run | [`Deed`] |
//! | a run, from its first event to its last | [`Run`] |
//! | what is shown at a moment | [`View`] |
//! | the page that shows it | [`page::html`] |
//! | lessons, and questions that a run answers | [`Lesson`] |
//! | the state diagram in words | [`DiagramView`] |
//! | all of it by questions and answers in JSON | [`Lab`] |
//! | a capture that is dropped on the page | [`explain`] |
//!
//! What is *not* here: a clock, a screen, and anything of TCP: hosts are [`sim`]'s, the same that run on a real wire.

mod calls;
mod deed;
mod diagram;
mod door;
mod drawn;
mod forge;
mod lab;
mod lessons;
mod marks;
mod moment;
pub mod page;
mod pcap;
mod program;
mod run;
mod said;
mod setup;
mod view;
pub mod words;

pub use calls::{Call, CallError, Slowly};
pub use deed::{Change, Deed, DeedError, Forged};
pub use diagram::{ArrowView, DiagramView, StateView};
pub use door::explain;
pub use drawn::{Drawing, HandshakeStep, ladder};
pub use lab::Lab;
pub use lessons::{Lesson, LessonView, QuestionView};
pub use marks::Mark;
pub use moment::Moment;
pub use run::{Event, HostNow, Run, RunError};
pub use setup::{HostSetup, Setup, SetupError, WireSetup};
pub use view::{ConnectionView, Flight, HostView, Numbers, RowView, Series, Touched, View};
