//! Programs of tokio's ecosystem, as they are, and what makes them do the same twice.
//!
//! The tests run them in a simulated world, and `facade/loopback` over the system's sockets.

pub mod programs;
pub mod seeded;
pub mod tls;
