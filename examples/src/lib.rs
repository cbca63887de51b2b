//! What the examples share: the arguments that all of them take, and a stack over TUN.
//!
//! They are programs to be read first: each is one file beside this folder, and says on top how it is run.

use std::error::Error;
use std::time::Duration;
use synfin::Stack;
use synfin::device::{Tun, TunConfig};

/// A stack over a new TUN interface of this name, driven by a task: the kernel's end of the wire is 10.90.0.1, ours
/// 10.90.0.2.
///
/// # Errors
/// What [`Tun::open`] says, such as how to get the permission.
pub fn stack_over_tun(name: &str) -> Result<Stack, Box<dyn Error>> {
    let config = TunConfig::new(name)
        .with_host_address("10.90.0.1/24".parse()?)
        .with_host_address("fd90::1/64".parse()?);
    let tun = Tun::open(&config)?;
    Ok(Stack::builder().link(tun).address("10.90.0.2/24").address("fd90::2/64").start_task()?)
}

/// Ends a stack when Ctrl-C is pressed: peers get what was written to them.
///
/// # Errors
/// If connections were not over within five seconds.
pub async fn until_interrupted(stack: &Stack) -> Result<(), Box<dyn Error>> {
    tokio::signal::ctrl_c().await?;
    Ok(synfin::tokio::shutdown(stack, Duration::from_secs(5)).await?)
}
