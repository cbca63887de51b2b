//! What JavaScript calls, and what it is called for.

use lab::Lab;
use std::cell::RefCell;
use std::io::{self, Read};

#[link(wasm_import_module = "page")]
unsafe extern "C" {
    /// Writes the next bytes of the file, `len` at most, to `at`; returns how many, zero at its end, and a negative number
    /// if it cannot be read.
    fn read(at: *mut u8, len: usize) -> i32;
    /// Takes note of a panic, whose words are `len` bytes of UTF-8 at `at`. The instance is of no use afterwards.
    fn panicked(at: *const u8, len: usize);
}

#[derive(Default)]
struct Module {
    lab: Lab,
    question: Vec<u8>,
    answer: String,
}

thread_local! {
    static MODULE: RefCell<Module> = RefCell::default();
}

/// Room for a question of `len` bytes.
// SAFETY: no other function of the module has this name.
#[unsafe(no_mangle)]
pub extern "C" fn question(len: usize) -> *mut u8 {
    std::panic::set_hook(Box::new(|panic| {
        let words = panic.to_string();
        // SAFETY: the words live until the call returns, and it only reads them.
        unsafe { panicked(words.as_ptr(), words.len()) }
    }));
    MODULE.with_borrow_mut(|module| {
        module.question.clear();
        module.question.resize(len, 0);
        module.question.as_mut_ptr()
    })
}

/// Answers the question as the laboratory does; returns the length of the answer in bytes.
// SAFETY: no other function of the module has this name.
#[unsafe(no_mangle)]
pub extern "C" fn call() -> usize {
    answer_with(|lab, question| lab.call(question))
}

/// Explains the capture that `page.read` gives, with the question as options. The answer is a page, which begins with
/// `<`, or `{"error":"..."}`; returns its length in bytes.
// SAFETY: no other function of the module has this name.
#[unsafe(no_mangle)]
pub extern "C" fn explain() -> usize {
    answer_with(|_, options| lab::explain(File, options).unwrap_or_else(|error| error))
}

/// Where the answer is.
// SAFETY: no other function of the module has this name.
#[unsafe(no_mangle)]
pub extern "C" fn answer() -> *const u8 {
    MODULE.with_borrow(|module| module.answer.as_ptr())
}

fn answer_with(answer: impl FnOnce(&mut Lab, &str) -> String) -> usize {
    MODULE.with_borrow_mut(|module| {
        // Before the next one is made: an answer may be as large as half of the memory.
        module.answer = String::new();
        // What is no UTF-8 is no JSON either, and is answered as such.
        let question = String::from_utf8_lossy(&module.question);
        module.answer = answer(&mut module.lab, &question);
        module.answer.len()
    })
}

/// The file that is being read.
struct File;

impl Read for File {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        // SAFETY: `out` is writable for its whole length, and JavaScript writes no more than that.
        let count = unsafe { read(out.as_mut_ptr(), out.len()) };
        match usize::try_from(count) {
            Ok(count) if count <= out.len() => Ok(count),
            Ok(_) => Err(io::Error::other("the browser gave more bytes than there was room for")),
            Err(_) => Err(io::Error::other("the browser could not read the file")),
        }
    }
}
