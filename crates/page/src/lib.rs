//! The exports of the WebAssembly module in the page: a question to the laboratory, and a capture to the lens.
//!
//! A call goes like this: JavaScript asks for room (`question`), writes its question there as UTF-8,
//! calls, and reads as many bytes as the call says from `answer`. Both places belong to the module and
//! are valid until the next call, so nothing has to be freed.
//!
//! A capture is not handed over but fetched: the module calls `page.read`, which a worker answers from the file, a piece at
//! a time. So a capture of any size, packed or not, goes through the same reader as natively, in bounded memory; progress is
//! what was fetched, and cancelling is ending the worker.
//!
//! A panic is told by `page.panicked` and ends the instance. Who has made it makes another one; a laboratory loses nothing
//! by that, because a moment holds everything.
//!
//! On other targets than wasm32 this library is empty. What is *not* here: what is answered. That is
//! `synfin_lab::Lab::call` and `synfin_lab::explain`, the same as natively.

// The only unsafe code beside `device`: names that are exported, and functions that are imported.
#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code)]
pub mod exports;
