//! The laboratory's page: one HTML text with its styles and scripts inside, which loads nothing.
//!
//! The graphs and the ladder are [`report::page`]'s scripts, not copies of them. The page knows nothing of TCP: whatever
//! it shows is an answer of [`Lab::call`](crate::Lab::call). What is *not* here: the server that answers it
//! (`synfin lab`) and the browser's exports (`page`).

#[cfg(test)]
mod tests;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use report::words::Language;
use std::borrow::Cow;

/// Who answers the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Backend<'a> {
    /// The server that the page came from: `POST /call`.
    Http,
    /// A WebAssembly module, gzipped, that goes into the page. The page then opens from disk and asks nobody.
    Wasm(&'a [u8]),
}

const PAGE: &str = include_str!("page/page.html");
const STYLES: [&str; 2] = [include_str!("page/page.css"), include_str!("page/capture.css")];
/// In this order, after those of `report`: each part uses the ones before it.
const SCRIPTS: [&str; 14] = [
    include_str!("page/wasm.js"),
    include_str!("page/backend.js"),
    include_str!("page/words.js"),
    include_str!("page/state.js"),
    include_str!("page/happened.js"),
    include_str!("page/diagram.js"),
    include_str!("page/host.js"),
    include_str!("page/wire.js"),
    include_str!("page/deeds.js"),
    include_str!("page/lesson.js"),
    include_str!("page/play.js"),
    include_str!("page/capture.js"),
    include_str!("page/door.js"),
    include_str!("page/main.js"),
];

impl Backend<'_> {
    /// The content security policy: with a module nothing can be asked of any host, with a server only that one.
    fn policy(self) -> &'static str {
        match self {
            Backend::Http => {
                "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; \
                 connect-src 'self'; frame-src blob:; base-uri 'none'; form-action 'none'"
            }
            Backend::Wasm(_) => {
                "default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
                 script-src 'unsafe-inline' 'wasm-unsafe-eval' blob:; worker-src blob:; frame-src blob:; \
                 base-uri 'none'; form-action 'none'"
            }
        }
    }
}

/// The words of the ladder and the graphs in both languages: the page changes them while it is open.
fn report_words() -> String {
    let [en, zh] = [Language::English, Language::Chinese].map(report::page::surface);
    format!(r#"{{"en":{en},"zh":{zh}}}"#)
}

/// The page as one text.
///
/// ```
/// use synfin_lab::page::{Backend, html};
/// let page = html(Backend::Http);
/// assert!(page.starts_with("<!doctype html>"));
/// assert!(page.contains("default-src 'none'"), "nothing is loaded");
/// ```
pub fn html(backend: Backend<'_>) -> String {
    let module = match backend {
        Backend::Http => String::new(),
        Backend::Wasm(module) => STANDARD.encode(module),
    };
    let mut page = String::with_capacity(module.len() + (1 << 18));
    for part in PAGE.split("{{") {
        let (name, text) = part.split_once("}}").unwrap_or(("", part));
        page.push_str(&filled(name, backend, &module));
        page.push_str(text);
    }
    page
}

/// What stands in a place of the template.
fn filled<'a>(name: &str, backend: Backend<'_>, module: &'a str) -> Cow<'a, str> {
    match name {
        "policy" => backend.policy().into(),
        "style" => [report::page::style(), &STYLES.concat()].concat().into(),
        "backend" => if backend == Backend::Http { "http" } else { "wasm" }.into(),
        "module" => module.into(),
        // Those of report's scripts, by language.
        "report-words" => report_words().into(),
        "script" => [report::page::scripts(), &SCRIPTS].concat().concat().into(),
        _ => "".into(),
    }
}
