//! Where a path leads: to a file, to nothing yet, to a pipe or a device, to standard output. Symbolic
//! links are followed to their end, so that what is renamed into place never replaces a link.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Links that are followed, as many as Linux follows.
const LINKS_MAX: usize = 40;

/// Where a path leads.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// To what our standard output is, whatever that is.
    StandardOutput,
    /// To a regular file.
    File { path: PathBuf, metadata: Metadata },
    /// To a name that nothing has yet.
    New { path: PathBuf },
    /// To what cannot be renamed into place: a pipe, a device, a descriptor of ours.
    Through { path: PathBuf, metadata: Metadata },
}

/// By what two places are known to be the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    /// Standard output.
    StandardOutput,
    /// By device and inode, so under all of its names.
    Inode { device: u64, inode: u64 },
    /// By device and inode of its folder, and the name that it will have there.
    Name { device: u64, inode: u64, name: OsString },
}

impl Place {
    /// Follows the path.
    ///
    /// # Errors
    /// A folder on the way is missing, may not be looked into, or the links go round.
    pub(super) fn of(path: &Path) -> io::Result<Place> {
        let mut path = path.to_owned();
        for _ in 0..LINKS_MAX {
            match descriptor(&path) {
                Some("1") => return Ok(Place::StandardOutput),
                Some(_) => return Ok(Place::Through { metadata: fs::metadata(&path)?, path }),
                None => {}
            }
            let metadata = match fs::symlink_metadata(&path) {
                Ok(metadata) => metadata,
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    fs::metadata(folder_of(&path))?;
                    if path.as_os_str().as_bytes().ends_with(b"/") {
                        return Err(io::Error::new(ErrorKind::IsADirectory, "a folder has no content"));
                    }
                    return Ok(Place::New { path });
                }
                Err(error) => return Err(error),
            };
            if metadata.is_symlink() {
                let leads_to = fs::read_link(&path)?;
                path = folder_of(&path).join(leads_to);
            } else if metadata.is_file() {
                return Ok(Place::File { path, metadata });
            } else {
                return Ok(Place::Through { path, metadata });
            }
        }
        Err(io::Error::other("too many symbolic links lead to one another"))
    }

    /// By what it is the same as another. Nothing for devices that take any number of writers.
    pub(super) fn identity(&self) -> Option<Identity> {
        match self {
            Place::StandardOutput => Some(Identity::StandardOutput),
            Place::File { metadata, .. } | Place::Through { metadata, .. } => Identity::of(metadata),
            Place::New { path } => {
                let folder = fs::metadata(folder_of(path)).ok()?;
                let name = path.file_name().unwrap_or_default().to_owned();
                Some(Identity::Name { device: folder.dev(), inode: folder.ino(), name })
            }
        }
    }
}

impl Identity {
    /// That of what is open here.
    pub(super) fn of_open(descriptor: impl AsFd) -> Option<Identity> {
        let file = File::from(descriptor.as_fd().try_clone_to_owned().ok()?);
        Identity::of(&file.metadata().ok()?)
    }

    fn of(metadata: &Metadata) -> Option<Identity> {
        let kind = metadata.file_type();
        // A terminal or /dev/null is often all three: input, output and standard output.
        if kind.is_char_device() || kind.is_socket() {
            return None;
        }
        Some(Identity::Inode { device: metadata.dev(), inode: metadata.ino() })
    }
}

/// The folder that a path without a file name in it is in, too.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        Some(_) => Path::new("."),
        None => path,
    }
}

/// The number of our own descriptor that this path names, as `/dev/stdout` does by way of a link.
fn descriptor(path: &Path) -> Option<&str> {
    let number = path.file_name().and_then(OsStr::to_str)?;
    let names_one = ["/proc/self/fd", "/proc/thread-self/fd", "/dev/fd"].map(Path::new);
    let is_one = path.parent().is_some_and(|folder| names_one.contains(&folder));
    (is_one && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// A folder with links in it, which goes with the test.
    fn in_folder(name: &str, test: impl FnOnce(&Path)) {
        let folder = std::env::temp_dir().join(format!("synfin-place-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder for the test");
        test(&folder);
        fs::remove_dir_all(folder).expect("it is there");
    }

    #[test]
    fn links_are_followed_to_their_end_and_not_in_circles() {
        in_folder("links", |folder| {
            symlink("b", folder.join("a")).expect("a link");
            symlink(folder.join("c"), folder.join("b")).expect("a link");
            let place = Place::of(&folder.join("a")).expect("nothing is there yet");
            assert!(matches!(&place, Place::New { path } if *path == folder.join("c")), "{place:?}");
            assert_eq!(
                place.identity(),
                Place::of(&folder.join("c")).expect("nothing is there yet").identity()
            );
            fs::write(folder.join("c"), "").expect("room for it");
            let place = Place::of(&folder.join("a")).expect("a file");
            assert!(matches!(&place, Place::File { path, .. } if *path == folder.join("c")), "{place:?}");
            fs::remove_file(folder.join("c")).expect("it is there");
            symlink("a", folder.join("c")).expect("a link");
            let error = Place::of(&folder.join("a")).expect_err("a circle");
            assert!(error.to_string().contains("symbolic links"), "{error}");
        });
    }

    #[test]
    fn our_own_descriptors_are_known_by_name() {
        for name in ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
            assert!(matches!(Place::of(Path::new(name)), Ok(Place::StandardOutput)), "{name}");
        }
        assert_eq!(descriptor(Path::new("/dev/fd/63")), Some("63"));
        for name in ["/dev/fd", "/dev/fd/x", "fd/1", "/dev/1"] {
            assert_eq!(descriptor(Path::new(name)), None, "{name}");
        }
        let null = Place::of(Path::new("/dev/null")).expect("every system has it");
        assert_eq!(null.identity(), None, "any number of outputs may go there");
    }

    #[test]
    fn what_is_not_there_is_the_same_by_its_folder_and_name() {
        in_folder("names", |folder| {
            let identity = |name: &str| Place::of(&folder.join(name)).map(|place| place.identity());
            fs::create_dir(folder.join("sub")).expect("a folder");
            assert_eq!(identity("x").expect("new"), identity("sub/../x").expect("new"));
            assert_ne!(identity("x").expect("new"), identity("sub/x").expect("new"));
            assert_ne!(identity("x").expect("new"), identity("y").expect("new"));
            assert_eq!(identity("none/x").expect_err("no folder").kind(), ErrorKind::NotFound);
            assert_eq!(identity("none/").expect_err("a folder").kind(), ErrorKind::IsADirectory);
        });
    }
}
