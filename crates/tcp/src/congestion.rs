mod controller;
pub use controller::Growth;
pub(crate) use controller::*;
