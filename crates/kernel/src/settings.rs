//! Lines of `sysctl`, in the calling thread's network and nowhere else.
//!
//! A setting that the kernel keeps for the whole machine is not touched: in a network namespace it cannot
//! be seen or cannot be written. The congestion control is given to each socket instead ([`congestion`]), because
//! a network of its own may only choose among those that the machine allows to everybody.

use script::host::Setting;
use std::io;
use std::path::PathBuf;

/// Writes a setting.
///
/// # Errors
/// What the script needs and this kernel does not have for one network alone.
pub(crate) fn apply(setting: &Setting) -> Result<(), String> {
    let Setting { name, value, .. } = setting;
    let path = path(name).ok_or_else(|| format!("sysctl {name}, which is not one of Linux's network"))?;
    let wanted = value.split_whitespace().collect::<Vec<_>>().join(" ");
    match std::fs::write(&path, &wanted) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(format!("sysctl {name}, which this kernel does not have for one network alone"))
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            if is_so(&path, &wanted) {
                return Ok(());
            }
            Err(format!("sysctl {name}={wanted}, which this kernel has for the whole machine only"))
        }
        Err(error) => Err(format!("sysctl {name}={wanted}: the kernel says {error}")),
    }
}

/// The congestion control that sockets have unless the script asks for another: the kernel's default where nobody
/// has changed it, and ours.
pub(crate) const CONGESTION_DEFAULT: &str = "cubic";

/// The congestion control that a setting asks for, if it is about that.
///
/// # Errors
/// This kernel does not have it.
pub(crate) fn congestion(setting: &Setting) -> Option<Result<String, String>> {
    let Setting { name, value, .. } = setting;
    (name == "net.ipv4.tcp_congestion_control").then(|| {
        let available = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_available_congestion_control")
            .unwrap_or_default();
        let value = value.trim();
        if available.split_whitespace().any(|known| known == value) {
            Ok(value.to_owned())
        } else {
            Err(format!("sysctl {name}={value}, which this kernel does not have"))
        }
    })
}

fn is_so(path: &PathBuf, wanted: &str) -> bool {
    let now = std::fs::read_to_string(path).unwrap_or_default();
    now.split_whitespace().eq(wanted.split_whitespace())
}

/// Where a setting of the network stands. Names from elsewhere are none: neither those of other systems nor
/// anything that leads out of the folder.
fn path(name: &str) -> Option<PathBuf> {
    const BRANCHES: [&str; 3] = ["net.ipv4.", "net.ipv6.", "net.core."];
    let known = BRANCHES.iter().any(|branch| name.starts_with(branch));
    let plain = name.split('.').all(|part| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    });
    (known && plain).then(|| PathBuf::from("/proc/sys").join(name.replace('.', "/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_settings_of_the_network_have_a_place() {
        assert_eq!(path("net.ipv4.tcp_sack"), Some("/proc/sys/net/ipv4/tcp_sack".into()));
        for strange in
            ["net.inet.tcp.sack", "kernel.hostname", "net.ipv4..", "net.ipv4.../../../etc/passwd", "net.ipv4"]
        {
            assert_eq!(path(strange), None, "{strange}");
        }
    }
}
