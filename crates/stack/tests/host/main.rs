//! Two hosts on one wire in virtual time; each file tests one subject.

#![allow(clippy::unwrap_used)] // what cannot go on in a test fails the test

mod connections;
mod datagram_gate;
mod datagrams;
mod echo;
mod ethernet;
mod extension_headers;
mod fast_open;
mod flows;
mod fragments;
mod held_links;
mod hostile;
mod listeners;
mod memory;
mod messages;
mod neighbours;
mod strangers;
mod time_wait;
mod two_links;
mod world;
