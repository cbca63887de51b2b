//! Ours beside the machine's kernel over the same bad network: kernel to kernel, ours to kernel, kernel to ours, each
//! with the same settings and the same seed of the link.
//!
//! Two lists. *First seconds*: no random loss, whole transfers, queues and round trips of all sizes. *Loss*: what
//! arrives in a fixed time where the path loses or reorders. The link is that of `synfin wire`, in this process; each
//! kernel is in a network namespace of its own, so this needs root, and says so where it has not.
//!
//! `cargo bench -p synfin-benches --bench linux [-- LIST] [--pairs N] [--quick]`

#[cfg(target_os = "linux")]
mod cells;
#[cfg(target_os = "linux")]
mod compare;
#[cfg(target_os = "linux")]
mod ends;
#[cfg(target_os = "linux")]
mod options;
#[cfg(target_os = "linux")]
mod run;
#[cfg(target_os = "linux")]
mod wire;

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("skipped: linux: this machine's kernel is another");
}

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    use options::Options;
    use std::process::ExitCode;

    let options = match Options::read(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(sentence) => {
            eprintln!("{sentence}\n{}", options::USAGE);
            return ExitCode::from(2);
        }
    };
    if let Err(reason) = ends::is_possible() {
        println!("skipped: linux: {reason}");
        return ExitCode::SUCCESS;
    }
    println!("{}", synfin_benches::profile());
    match compare::all(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the comparison ended early: {error}");
            ExitCode::FAILURE
        }
    }
}
