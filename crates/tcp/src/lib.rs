//! One TCP connection.
#![no_std]
extern crate alloc;
