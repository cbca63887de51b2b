//! The Linux kernel that this program runs on as the host under test of a packetdrill script.
//!
//! [`play`] gives a thread a network of its own (a namespace that nothing outside can reach), a TUN interface
//! as its one link, and plays the script there in real time: its packets through the interface, its system
//! calls as real ones, its `sysctl` lines in that network, `%{ }%` with the kernel's own `TCP_INFO`. What
//! [`script::run`] expects of our stack in virtual time is asked of the kernel in the same words.
//!
//! Needs Linux, the privilege to make networks (root) and `/dev/net/tun`; [`unavailable`] says what is
//! missing. Without real-time scheduling, which root has, a busy machine makes scripts late.
//!
//! What is *not* here: reasons for what the kernel sends, and its state where no open socket knows it.

#[cfg(target_os = "linux")]
mod descriptors;
#[cfg(target_os = "linux")]
mod errno;
#[cfg(target_os = "linux")]
mod host;
#[cfg(target_os = "linux")]
mod info;
#[cfg(target_os = "linux")]
mod options;
#[cfg(target_os = "linux")]
mod readiness;
#[cfg(target_os = "linux")]
mod settings;
#[cfg(target_os = "linux")]
mod sleepers;
#[cfg(target_os = "linux")]
mod translate;
#[cfg(target_os = "linux")]
mod wire;

use script::{Outcome, Run, RunOptions};
use std::io;
use tcp::Habits;

/// A script's run, and how many it took.
#[derive(Clone, Debug)]
pub struct Played {
    /// The last run.
    pub run: Run,
    /// How often it was played.
    pub tries: u32,
}

/// Plays a script against the kernel, at most `tries_max` times: until it does not fail. In real time a
/// failure may be the machine's, which did something else meanwhile; what passes at the second try says so in
/// [`Played::tries`].
///
/// # Errors
/// When there can be no thread, or the one there was has panicked.
///
/// ```no_run
/// let text = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 read(3, ..., 10) = -1 ENOTCONN";
/// let played = synfin_kernel::play(text, &script::RunOptions::default(), 3)?;
/// assert_eq!(played.run.outcome, script::Outcome::Passed);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn play(source: &str, options: &RunOptions, tries_max: u32) -> io::Result<Played> {
    let mut tries = 0;
    loop {
        let run = play_once(source, options)?;
        tries += 1;
        if tries >= tries_max || !matches!(run.outcome, Outcome::Failed(_)) {
            return Ok(Played { run, tries });
        }
    }
}

/// On a thread of its own: there is no way back from a network.
#[cfg(target_os = "linux")]
fn play_once(source: &str, options: &RunOptions) -> io::Result<Run> {
    // A script for any system is played as Linux's.
    let is_freebsds = script::habits_of(source, options) == Some(Habits::FreeBsd);
    let (source, mut options) = (source.to_owned(), options.clone());
    options.habits = Some(if is_freebsds { Habits::FreeBsd } else { Habits::Linux });
    let thread = std::thread::Builder::new().name("synfin kernel".to_owned()).spawn(move || {
        script::run_on(&source, &options, &mut |beginning| Ok(Box::new(host::Kernel::new(beginning)?)))
    })?;
    thread.join().map_err(|_| io::Error::other("the thread that played the script has panicked"))
}

#[cfg(not(target_os = "linux"))]
fn play_once(_: &str, _: &RunOptions) -> io::Result<Run> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "scripts are played against the kernel on Linux only"))
}

/// Why no script can be played against the kernel here, in words; `None` if it can.
pub fn unavailable() -> Option<String> {
    #[cfg(target_os = "linux")]
    {
        let thread = std::thread::Builder::new().spawn(|| {
            device::kernel::enter_new_network()?;
            device::Tun::open(&device::TunConfig::new("script%d")).map(drop).map_err(io::Error::other)
        });
        let opened = thread.and_then(|thread| {
            thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread that tried it has panicked")))
        });
        let error = opened.err()?;
        Some(match error.raw_os_error() {
            Some(number) if number == rustix::io::Errno::PERM.raw_os_error() => {
                "a network of its own needs root (CAP_SYS_ADMIN)".to_owned()
            }
            _ => format!("a network of its own with a TUN interface is not to be had: {error}"),
        })
    }
    #[cfg(not(target_os = "linux"))]
    Some("scripts are played against the kernel on Linux only".to_owned())
}
