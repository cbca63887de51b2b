//! The draft's test cases (appendix "BBR Example Test Cases"), each a test of its name, on a path in virtual time whose
//! model can be looked into; and the traps that others fell into.

mod anything;
mod drain;
mod losses;
mod path;
mod probe_bw;
mod probe_rtt;
mod startup;
mod traps;
mod undo;

use super::*;
