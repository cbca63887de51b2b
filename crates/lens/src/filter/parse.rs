//! From words to a tree: `or` binds least, then `xor`, `and`, `not`.

use super::field::{self, Field, Slice, Type};
use super::lex::{Kind, Token, tokens};
use super::value::{Comparison, Literal};
use super::{FilterError, Node};
use std::net::IpAddr;

/// How deep parentheses and negations may nest; the parser is recursive, and nobody types more.
const DEPTH_MAX: usize = 64;

pub(super) fn parse(text: &str) -> Result<Node, FilterError> {
    let tokens = tokens(text)?;
    if tokens.is_empty() {
        return Err(FilterError::new(text, 0, "the filter is empty"));
    }
    let mut parser = Parser { text, tokens, next: 0, depth: 0 };
    let node = parser.or()?;
    match parser.tokens.get(parser.next) {
        None => Ok(node),
        Some(token) => {
            Err(FilterError::new(text, token.at, "the filter should end here, or go on with `and` or `or`"))
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
}

impl Parser<'_> {
    fn error(&self, what: impl Into<String>) -> FilterError {
        let at = self.tokens.get(self.next).map_or(self.text.len(), |token| token.at);
        FilterError::new(self.text, at, what)
    }

    /// Takes the next token if it is one of these signs or words.
    fn takes(&mut self, names: &[&str]) -> bool {
        let found = match self.tokens.get(self.next).map(|token| &token.kind) {
            Some(Kind::Sign(sign)) => names.contains(sign),
            Some(Kind::Word(word)) => names.iter().any(|name| word.eq_ignore_ascii_case(name)),
            _ => false,
        };
        self.next += usize::from(found);
        found
    }

    fn or(&mut self) -> Result<Node, FilterError> {
        let mut left = self.xor()?;
        while self.takes(&["||", "or"]) {
            left = Node::Or(Box::new(left), Box::new(self.xor()?));
        }
        Ok(left)
    }

    fn xor(&mut self) -> Result<Node, FilterError> {
        let mut left = self.and()?;
        while self.takes(&["^^", "xor"]) {
            left = Node::Xor(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Node, FilterError> {
        let mut left = self.not()?;
        while self.takes(&["&&", "and"]) {
            left = Node::And(Box::new(left), Box::new(self.not()?));
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Node, FilterError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.error("this filter is nested too deeply"));
        }
        let node = if self.takes(&["!", "not"]) {
            Node::Not(Box::new(self.not()?))
        } else if self.takes(&["("]) {
            let inside = self.or()?;
            if !self.takes(&[")"]) {
                return Err(self.error("a closing parenthesis is missing here"));
            }
            inside
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(node)
    }

    fn comparison(&mut self) -> Result<Node, FilterError> {
        let field = self.field()?;
        let comparison = if self.takes(&["==", "===", "eq", "any_eq"]) {
            Comparison::Equal
        } else if self.takes(&["!=", "!==", "ne", "all_ne"]) {
            Comparison::NotEqual
        } else if self.takes(&["<=", "le"]) {
            Comparison::AtMost
        } else if self.takes(&[">=", "ge"]) {
            Comparison::AtLeast
        } else if self.takes(&["<", "lt"]) {
            Comparison::Less
        } else if self.takes(&[">", "gt"]) {
            Comparison::Greater
        } else if self.takes(&["&", "bitand", "bitwise_and"]) {
            Comparison::AnyBit
        } else if self.takes(&["contains"]) {
            Comparison::Contains
        } else if self.takes(&["in"]) {
            return Ok(Node::In(field, self.set(field)?));
        } else if self.takes(&["matches", "~=", "any_ne"]) {
            self.next -= 1;
            return Err(self.error("this operator is not supported: use contains, == and !="));
        } else {
            return Ok(Node::Present(field));
        };
        Ok(Node::Compare(field, comparison, self.literal(field)?))
    }

    fn field(&mut self) -> Result<Field, FilterError> {
        let Some(Token { at, kind: Kind::Word(name) }) = self.tokens.get(self.next) else {
            return Err(self.error("the name of a field should stand here, such as tcp.port"));
        };
        let found = Field::named(name).ok_or_else(|| {
            let nearest =
                field::nearest(name).map_or_else(String::new, |near| format!(": did you mean {near}?"));
            FilterError::new(self.text, *at, format!("there is no field `{name}`{nearest}"))
        })?;
        self.next += 1;
        if self.takes(&["["]) { self.slice(found) } else { Ok(found) }
    }

    /// `[0:4]` (from, so many), `[0-3]` (from, up to), `[4:]`, `[:4]`, `[4]`.
    fn slice(&mut self, of: Field) -> Result<Field, FilterError> {
        let word = match self.tokens.get(self.next).map(|token| &token.kind) {
            Some(Kind::Word(word)) => word.clone(),
            _ => String::new(),
        };
        let Some(slice) = slice(&word) else {
            return Err(self.error("which bytes should stand here, such as [0:4] or [2-5]"));
        };
        let Some(field) = of.sliced(slice) else {
            return Err(self.error("only bytes have parts, such as tcp.payload[0:4]"));
        };
        self.next += 1;
        if !self.takes(&["]"]) {
            return Err(self.error("a closing bracket is missing here"));
        }
        Ok(field)
    }

    fn set(&mut self, field: Field) -> Result<Vec<(Literal, Option<Literal>)>, FilterError> {
        if !self.takes(&["{"]) {
            return Err(self.error("a set should stand here, such as {80, 443, 8000..8099}"));
        }
        let mut set = Vec::new();
        loop {
            let low = self.literal(field)?;
            let high = if self.takes(&[".."]) { Some(self.literal(field)?) } else { None };
            set.push((low, high));
            let comma = self.takes(&[","]);
            if self.takes(&["}"]) {
                return Ok(set);
            }
            if !comma && !matches!(self.tokens.get(self.next).map(|token| &token.kind), Some(Kind::Word(_))) {
                return Err(self.error("a comma or a closing brace is missing here"));
            }
        }
    }

    fn literal(&mut self, field: Field) -> Result<Literal, FilterError> {
        let token = self.tokens.get(self.next).cloned();
        let (word, is_quoted) = match token.map(|token| token.kind) {
            Some(Kind::Word(word)) => (word, false),
            Some(Kind::Quoted(word)) => (word, true),
            _ => return Err(self.error("a value should stand here")),
        };
        let literal = match field.kind() {
            Type::Number => number(&word).map(Literal::Number).ok_or("a number should stand here"),
            Type::Time => {
                word.parse().map(Literal::Number).map_err(|_| "a number of seconds should stand here")
            }
            Type::Address => {
                network(&word).ok_or("an address should stand here, such as 10.0.0.1 or 10.0.0.0/8")
            }
            Type::Text => Ok(Literal::Text(word)),
            Type::Bytes if is_quoted => Ok(Literal::Text(word)),
            Type::Bytes => {
                bytes(&word).map(Literal::Bytes).ok_or("bytes should stand here, such as 47:45:54 or \"GET\"")
            }
            Type::Presence => Err("this is there or not: it is not compared with anything"),
        };
        let literal = literal.map_err(|what| self.error(what))?;
        self.next += 1;
        Ok(literal)
    }
}

fn slice(word: &str) -> Option<Slice> {
    if let Some((start, len)) = word.split_once(':') {
        let start = if start.is_empty() { 0 } else { start.parse().ok()? };
        let len = if len.is_empty() { usize::MAX } else { len.parse().ok()? };
        return Some(Slice { start, len });
    }
    let (start, last) = word.split_once('-').unwrap_or((word, word));
    let (start, last): (usize, usize) = (start.parse().ok()?, last.parse().ok()?);
    Some(Slice { start, len: last.checked_sub(start)?.saturating_add(1) })
}

fn number(word: &str) -> Option<f64> {
    if let Some(hex) = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        return u64::from_str_radix(hex, 16).ok().map(|number| number as f64);
    }
    match word.to_ascii_lowercase().as_str() {
        "true" => Some(1.0),
        "false" => Some(0.0),
        other => other.parse().ok(),
    }
}

fn network(word: &str) -> Option<Literal> {
    let (address, prefix) = match word.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix.parse::<u8>().ok()?)),
        None => (word, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let bits = if address.is_ipv4() { 32 } else { 128 };
    let prefix = prefix.unwrap_or(bits);
    (prefix <= bits).then_some(Literal::Network(address, prefix))
}

fn bytes(word: &str) -> Option<Vec<u8>> {
    word.split([':', '-']).map(|byte| u8::from_str_radix(byte, 16).ok().filter(|_| byte.len() <= 2)).collect()
}
