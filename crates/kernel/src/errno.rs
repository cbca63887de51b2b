//! The kernel's error numbers as the errors that scripts name.

use posix::Errno;
use rustix::io::Errno as Number;
use std::cell::RefCell;
use std::io;
use tcp::Habits;

/// Translates error numbers, and remembers one that has no name here: a script cannot have meant it.
#[derive(Debug, Default)]
pub(crate) struct Errors {
    unnamed: RefCell<Option<String>>,
}

impl Errors {
    /// The error of a call.
    pub(crate) fn named(&self, number: Number) -> Errno {
        let raw = number.raw_os_error();
        let found = Errno::ALL.iter().copied().find(|errno| errno.number(Habits::Linux) == raw);
        found.unwrap_or_else(|| {
            self.unnamed.borrow_mut().get_or_insert_with(|| {
                format!("a system call of the kernel failed with an error that has no name here: {number}")
            });
            Errno::Invalid
        })
    }

    /// The same for an error of the standard library.
    pub(crate) fn of(&self, error: &io::Error) -> Errno {
        self.named(Number::from_io_error(error).unwrap_or(Number::IO))
    }

    /// What was met that has no name.
    pub(crate) fn unnamed(&self) -> Option<String> {
        self.unnamed.borrow().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_names_and_strange_ones_are_not_forgotten() {
        let errors = Errors::default();
        assert_eq!(errors.named(Number::CONNRESET), Errno::ConnectionReset);
        assert_eq!(errors.named(Number::AGAIN), Errno::Again);
        assert_eq!(errors.unnamed(), None);
        errors.named(Number::NOTBLK);
        assert!(errors.unnamed().unwrap_or_default().contains("no name"));
    }
}
