//! A folder as a page: names, sizes and times of change, folders first.

use super::folder::{UNFINISHED, encoded};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;
use std::time::SystemTime;

/// Entries on one page: some 2 MB of it.
const ENTRIES_MAX: usize = 10_000;

struct Entry {
    name: OsString,
    /// `None`: a folder.
    len_bytes: Option<u64>,
    modified: Option<SystemTime>,
}

/// The page of the folder at `path`, which the client calls `shown`.
pub(crate) fn page(path: &Path, shown: &str) -> io::Result<String> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut left_out = 0_usize;
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_string_lossy().starts_with(UNFINISHED) {
            continue;
        }
        if entries.len() == ENTRIES_MAX {
            left_out += 1;
            continue;
        }
        // Through links; one that leads nowhere is not shown.
        let Ok(metadata) = fs::metadata(entry.path()) else { continue };
        let len_bytes = (!metadata.is_dir()).then_some(metadata.len());
        entries.push(Entry { name, len_bytes, modified: metadata.modified().ok() });
    }
    entries.sort_by(|a, b| (a.len_bytes.is_some(), &a.name).cmp(&(b.len_bytes.is_some(), &b.name)));
    Ok(render(&entries, left_out, shown))
}

fn render(entries: &[Entry], left_out: usize, shown: &str) -> String {
    let title = escaped(shown);
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <style>\n:root {{ color-scheme: light dark }}\n\
         body {{ font: 15px/1.6 system-ui, sans-serif; margin: 2em auto; max-width: 60em; padding: 0 1em }}\n\
         td {{ padding: 0 2em 0 0 }} td.n {{ text-align: right; font-variant-numeric: tabular-nums }}\n\
         a {{ text-decoration: none }} a:hover {{ text-decoration: underline }}\n</style>\n</head>\n\
         <body>\n<h1>{title}</h1>\n<table>\n"
    );
    if shown != "/" {
        page += "<tr><td><a href=\"../\">../</a></td><td></td><td></td></tr>\n";
    }
    for entry in entries {
        let slash = if entry.len_bytes.is_none() { "/" } else { "" };
        // With "./" before it a name with a colon is no scheme.
        let link = format!("./{}{slash}", encoded(&entry.name));
        let name = escaped(&entry.name.to_string_lossy());
        let size = entry.len_bytes.map_or(String::new(), report::numbers::bytes);
        let exact = entry.len_bytes.map_or(String::new(), |bytes| report::numbers::count(bytes, "byte"));
        let time = entry.modified.map_or(String::new(), httpdate::fmt_http_date);
        let link = escaped(&link);
        // Writing into a string does not fail.
        let _ = writeln!(
            page,
            "<tr><td><a href=\"{link}\">{name}{slash}</a></td><td class=\"n\" title=\"{exact}\">{size}</td><td>{time}</td></tr>"
        );
    }
    page += "</table>\n";
    if entries.is_empty() {
        page += "<p>This folder is empty.</p>\n";
    }
    if left_out > 0 {
        let _ = writeln!(page, "<p>... and {} more.</p>", report::numbers::count(left_out as u64, "entry"));
    }
    page + "</body>\n</html>\n"
}

/// Text that HTML shows as it is.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            '\'' => safe += "&#39;",
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_become_markup_or_schemes() {
        let entry = |name: &str, len_bytes| Entry { name: name.into(), len_bytes, modified: None };
        let page = render(&[entry("a<b>&\"", None), entry("javascript:x", Some(1_500))], 0, "/<i>/");
        assert!(page.contains("<a href=\"./a%3Cb%3E&amp;%22/\">a&lt;b&gt;&amp;&quot;/</a>"), "{page}");
        assert!(page.contains("<a href=\"./javascript:x\">javascript:x</a>"), "{page}");
        assert!(page.contains("<h1>/&lt;i&gt;/</h1>"), "{page}");
        assert!(page.contains("title=\"1,500 bytes\">1.46 KiB<"), "{page}");
        assert!(page.contains("href=\"../\""), "{page}");
        assert!(!render(&[], 3, "/").contains("../"));
    }
}
