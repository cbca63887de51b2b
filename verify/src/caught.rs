//! Panics as values: what was said and where, and nothing on standard error.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::Once;

thread_local! {
    /// Whether a panic of this thread is caught here.
    static IS_CAUGHT: Cell<bool> = const { Cell::new(false) };
    /// The panic that was caught last.
    static SAID: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Calls it. Panics outside of such a call are printed as before.
///
/// # Errors
/// The message of a panic and the place where it happened.
///
/// ```
/// use synfin_verify::caught;
/// assert_eq!(caught(|| 7), Ok(7));
/// let said = caught(|| panic!("there are {} of them", 7)).expect_err("it panics");
/// assert!(said.starts_with("there are 7 of them, at "));
/// ```
pub fn caught<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| match IS_CAUGHT.get() {
            true => SAID.set(described(panic)),
            false => before(panic),
        }));
    });
    let is_within_another = IS_CAUGHT.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(call));
    IS_CAUGHT.set(is_within_another);
    outcome.map_err(|_| SAID.take())
}

fn described(panic: &PanicHookInfo<'_>) -> String {
    let payload = panic.payload();
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("a panic without a text");
    match panic.location() {
        Some(place) => format!("{text}, at {}:{}", place.file(), place.line()),
        None => text.to_owned(),
    }
}
