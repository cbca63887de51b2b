//! Details in few bytes: names of fields once, and strings that come again as numbers.
//!
//! A page of many connections says the same for each: states, reasons, sentences that differ by the addresses of the ends.
//! Here every object becomes a row with the number of its list of fields, a string, or the strings of an object together,
//! that came before become a number in a table, and the addresses of the ends become marks. The page's script (`unpack`) puts back what was there; nothing is
//! left out. What is *not* here: which parts a page has.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Shorter strings gain nothing.
const STRING_BYTES_MIN: usize = 4;
/// The most strings that are remembered to be recognised; others are written as they are.
const STRINGS_MAX: usize = 1 << 18;
/// Stands before the number of an end, in the place of its address.
const END_MARK: char = '`';
/// Begins a string that is not written as it is.
const STRING_MARK: char = '!';

/// The tables that all lines share.
#[derive(Debug, Default)]
pub(super) struct Packer {
    strings: Known,
    /// Lists of packed texts.
    texts: Known,
    /// The place of each list of fields, by its names in one text.
    fields: BTreeMap<String, usize>,
    /// The names of fields: those with a value each, and those whose texts stand together.
    lists: Vec<[Vec<String>; 2]>,
    /// Where the names of an object are put together: nearly all are known, and none is copied for that.
    names: String,
}

impl Packer {
    /// One value as JSON; `addresses` are those of the connection's ends.
    pub(super) fn pack(&mut self, value: &Value, addresses: [&str; 2]) -> String {
        let mut line = String::new();
        self.value(value, addresses, &mut line);
        line
    }

    /// The tables as JSON, when everything is packed.
    pub(super) fn tables(&self) -> String {
        let texts = self.texts.table.join(",");
        let (strings, fields) = (serde_json::json!(self.strings.table), serde_json::json!(self.lists));
        format!("{{\"strings\":{strings},\"fields\":{fields},\"texts\":[{texts}]}}")
    }

    fn value(&mut self, value: &Value, addresses: [&str; 2], line: &mut String) {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => append(line, value),
            Value::String(text) => {
                let text = self.string(text, addresses);
                let is_plain = text.bytes().all(|byte| byte >= 0x20 && !matches!(byte, b'"' | b'\\'));
                if is_plain {
                    // nearly all are; the other way goes through a formatter, a piece at a time
                    line.extend(["\"", &text, "\""]);
                } else {
                    append(line, Value::String(text));
                }
            }
            Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_object) => {
                line.push_str("{\"!\":[");
                self.each(items, line, |packer, item, line| packer.row(item, addresses, line));
                line.push_str("]}");
            }
            Value::Array(items) => {
                line.push('[');
                self.each(items, line, |packer, item, line| packer.value(item, addresses, line));
                line.push(']');
            }
            Value::Object(_) => {
                line.push_str("{\"?\":");
                self.row(value, addresses, line);
                line.push('}');
            }
        }
    }

    fn each<T>(
        &mut self,
        items: &[T],
        line: &mut String,
        mut write: impl FnMut(&mut Packer, &T, &mut String),
    ) {
        for (number, item) in items.iter().enumerate() {
            if number > 0 {
                line.push(',');
            }
            write(self, item, line);
        }
    }

    /// An object: the number of its list of fields, and their values; at the end all its texts together, as the number of
    /// such a list of texts if it came before.
    fn row(&mut self, object: &Value, addresses: [&str; 2], line: &mut String) {
        let Some(object) = object.as_object() else { return };
        let (texts, others): (Vec<_>, Vec<_>) = object.iter().partition(|(_, value)| is_text(value));
        let list = self.list_of(&others, &texts);
        append(line, format_args!("[{list}"));
        for (_, value) in others {
            line.push(',');
            self.value(value, addresses, line);
        }
        if !texts.is_empty() {
            let mut together = String::from("[");
            self.each(&texts, &mut together, |packer, (_, text), line| packer.value(text, addresses, line));
            together.push(']');
            line.push(',');
            match self.texts.place_of(&together) {
                Some(place) => append(line, place),
                None => line.push_str(&together),
            }
        }
        line.push(']');
    }

    /// The number of the list of these fields.
    fn list_of(&mut self, others: &[(&String, &Value)], texts: &[(&String, &Value)]) -> usize {
        self.names.clear();
        for (name, _) in others {
            self.names.extend([name.as_str(), ","]);
        }
        self.names.push(';');
        for (name, _) in texts {
            self.names.extend([name.as_str(), ","]);
        }
        if let Some(list) = self.fields.get(&self.names) {
            return *list;
        }
        let names = |fields: &[(&String, &Value)]| fields.iter().map(|(name, _)| (*name).clone()).collect();
        self.lists.push([names(others), names(texts)]);
        self.fields.insert(self.names.clone(), self.lists.len() - 1);
        self.lists.len() - 1
    }

    fn string(&mut self, text: &str, addresses: [&str; 2]) -> String {
        if text.contains(END_MARK) {
            return format!("{STRING_MARK}-{text}");
        }
        let mut marked = text.to_owned();
        for (end, address) in addresses.into_iter().enumerate() {
            // Most texts are shorter than an address, and need not be searched.
            if !address.is_empty() && marked.len() >= address.len() && marked.contains(address) {
                marked = marked.replace(address, &format!("{END_MARK}{end}"));
            }
        }
        if let Some(place) = self.strings.place_of(&marked) {
            return format!("{STRING_MARK}{place}");
        }
        if marked.starts_with(STRING_MARK) { format!("{STRING_MARK}{marked}") } else { marked }
    }
}

/// Appends what is shown of a value, without a text of its own.
fn append(line: &mut String, value: impl std::fmt::Display) {
    write!(line, "{value}").expect("a text takes everything");
}

/// A text, or a list of texts.
fn is_text(value: &Value) -> bool {
    let is_word = |value: &Value| value.is_string() || value.is_null();
    value.is_string() || value.as_array().is_some_and(|items| !items.is_empty() && items.iter().all(is_word))
}

/// Strings that came before.
#[derive(Debug, Default)]
struct Known {
    /// Each string that was written, and its place in the table once it came again.
    seen: BTreeMap<String, Option<usize>>,
    table: Vec<String>,
}

impl Known {
    /// Where a string that came before is in the table.
    fn place_of(&mut self, text: &str) -> Option<usize> {
        if text.len() < STRING_BYTES_MIN {
            return None;
        }
        if let Some(place) = self.seen.get_mut(text) {
            return Some(*place.get_or_insert_with(|| {
                self.table.push(text.to_owned());
                self.table.len() - 1
            }));
        }
        if self.seen.len() < STRINGS_MAX {
            self.seen.insert(text.to_owned(), None);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// What the page's script does.
    fn unpack(tables: &Value, value: &Value, addresses: [&str; 2]) -> Value {
        let row = |row: &Value| -> Value {
            let row = row.as_array().unwrap();
            let names = &tables["fields"][row[0].as_u64().unwrap() as usize];
            let [others, texts] = [0, 1].map(|kind| names[kind].as_array().unwrap());
            let together = row.get(1 + others.len()).map(|together| match together.as_u64() {
                Some(place) => tables["texts"][place as usize].as_array().unwrap(),
                None => together.as_array().unwrap(),
            });
            let fields = others.iter().zip(&row[1..]).chain(texts.iter().zip(together.into_iter().flatten()));
            fields
                .map(|(name, part)| (name.as_str().unwrap().to_owned(), unpack(tables, part, addresses)))
                .collect()
        };
        match value {
            Value::String(text) => match text.strip_prefix("!-") {
                Some(text) => json!(text),
                None => {
                    let text = match text.strip_prefix('!') {
                        Some(text) if text.starts_with('!') => text,
                        Some(place) => tables["strings"][place.parse::<usize>().unwrap()].as_str().unwrap(),
                        None => text,
                    };
                    json!(text.replace("`0", addresses[0]).replace("`1", addresses[1]))
                }
            },
            Value::Array(items) => items.iter().map(|item| unpack(tables, item, addresses)).collect(),
            Value::Object(object) => match object.get("!") {
                Some(rows) => rows.as_array().unwrap().iter().map(row).collect(),
                None => row(&object["?"]),
            },
            other => other.clone(),
        }
    }

    #[test]
    fn nothing_is_lost() {
        let addresses = ["10.0.0.1:80", "10.0.0.1:8080"];
        let values = [
            json!({"a": "10.0.0.1:80 opened to 10.0.0.1:8080", "b": [], "c": {}, "d": [[1.5, -2], [null, true]]}),
            json!({"a": "10.0.0.1:80 opened to 10.0.0.1:8080", "rows": [{"x": "ESTABLISHED"}, {"x": "ESTABLISHED", "y": 1}]}),
            json!({"a": "!bang", "b": "!bang", "c": "!", "d": "!-", "e": "!12", "f": "`0 `1", "g": "", "h": "`"}),
            json!(["!bang", "!bang", "mixed", 3, {"x": [{}, {}]}]),
            json!(["a \"quoted\" text", "a\\b", "a\tb\u{0}", "三次握手", {"x": "a \"quoted\" text"}]),
        ];
        let mut packer = Packer::default();
        let lines: Vec<String> = values.iter().map(|value| packer.pack(value, addresses)).collect();
        let tables: Value = serde_json::from_str(&packer.tables()).unwrap();
        for (line, value) in lines.iter().zip(&values) {
            let packed: Value = serde_json::from_str(line).unwrap();
            assert_eq!(unpack(&tables, &packed, addresses), *value, "{line}");
        }
    }

    #[test]
    fn what_comes_again_is_short() {
        let segment = json!([{"why": "new-data", "reason": "new data", "family": "new", "at": 0.5}]);
        let mut packer = Packer::default();
        let lines: Vec<usize> = (0..3).map(|_| packer.pack(&segment, ["", ""]).len()).collect();
        assert!(lines[2] * 2 < segment.to_string().len(), "{lines:?}");
    }
}
