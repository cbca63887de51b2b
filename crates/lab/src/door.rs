//! The capture door of the page: a file goes in, the page of `synfin explain --html` comes out. The browser's exports and
//! the HTTP server of `synfin lab` both end here, so that they give the same bytes.

use crate::lab::failure;
use report::captured;
use report::words::{self, Language};
use serde::Deserialize;
use std::io::Read;

/// How a file is explained.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    /// The name of the file, as the page shows it.
    name: String,
    /// The language of the page.
    lang: Language,
}

/// The page of a capture, one HTML file. `options` is JSON: `{"name":"trace.pcap","lang":"en"}`; both may be absent.
///
/// # Errors
/// What cannot be explained, as JSON: `{"error":"..."}`.
///
/// ```
/// let refused = synfin_lab::explain(&b"no capture"[..], r#"{"name":"notes.txt"}"#).unwrap_err();
/// assert!(refused.starts_with(r#"{"error":"notes.txt: this is not a known capture file"#), "{refused}");
/// ```
pub fn explain(file: impl Read, options: &str) -> Result<String, String> {
    let options: Options = serde_json::from_str(options)
        .map_err(|error| failure(format!("these are no options of the capture door: {error}")))?;
    let Options { name, lang } = options;
    let data = captured::explain(file, &name, lang)
        .map_err(|error| failure(words::unreadable(&error, &name, lang)))?;
    Ok(report::page::html(&data))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_explained_is_an_error_in_json() {
        let said = |file: &[u8], options: &str| {
            let answer = explain(file, options).expect_err("it is refused");
            let answer: serde_json::Value = serde_json::from_str(&answer).expect("JSON");
            answer["error"].as_str().expect("a sentence").to_owned()
        };
        assert!(said(b"", "{}").starts_with("the capture is empty"));
        assert!(said(b"GMBU....", r#"{"name":"a \"b\""}"#).starts_with("a \"b\": this is a Microsoft"));
        assert_eq!(
            said(b"PK\x03\x04", r#"{"name":"a.zip","lang":"zh"}"#),
            "a.zip：这是 ZIP 压缩包，不是 pcap 或 pcapng：请先解压"
        );
        assert!(said(b"", "nothing").starts_with("these are no options"));
        assert!(said(b"", r#"{"lang":"tlh"}"#).contains("unknown variant `tlh`"));
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                Err(std::io::Error::other("the file has gone"))
            }
        }
        let answer = explain(Broken, "{}").expect_err("it is refused");
        assert_eq!(answer, r#"{"error":"the capture could not be read: the file has gone"}"#);
    }
}
