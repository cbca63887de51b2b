//! From words to a tree: `or` binds least, then `xor`, `and`, `not`.

use super::field::{self, Field, Type};
use super::lex::{Kind, Token, tokens};
use super::literal::{Written, literal, unsigned};
use super::operand::{Function, Operand, Slice};
use super::value::{Comparison, Literal};
use super::{FilterError, Node, Quantifier, Right};

/// How deep parentheses and negations may nest; the parser is recursive, and nobody types more.
const DEPTH_MAX: usize = 64;

pub(super) fn parse(text: &str) -> Result<Node, FilterError> {
    let tokens = tokens(text)?;
    if tokens.is_empty() {
        return Err(FilterError::new(text, 0, "the filter is empty: name a field, such as tcp.port == 80"));
    }
    let mut parser = Parser { text, tokens, next: 0, depth: 0 };
    let node = parser.or()?;
    match parser.tokens.get(parser.next) {
        None => Ok(node),
        Some(Token { at, kind: Kind::Word(word) }) if word.starts_with(['+', '-', '/']) => {
            Err(FilterError::new(text, *at, "there is no arithmetic in this filter language"))
        }
        Some(token) => {
            Err(FilterError::new(text, token.at, "the filter should end here, or go on with `and` or `or`"))
        }
    }
}

/// The signs and words of comparisons, and how the values of a field that occurs twice take part unless
/// `any` or `all` says. Wireshark 4: `!=` is "all not equal", so that `ip.addr != x` means that x is not
/// part of it.
const COMPARISONS: [(&[&str], Comparison, Quantifier); 10] = [
    (&["==", "eq", "any_eq"], Comparison::Equal, Quantifier::Any),
    (&["===", "all_eq"], Comparison::Equal, Quantifier::All),
    (&["!=", "ne", "all_ne"], Comparison::NotEqual, Quantifier::All),
    (&["!==", "~=", "any_ne"], Comparison::NotEqual, Quantifier::Any),
    (&["<=", "le"], Comparison::AtMost, Quantifier::Any),
    (&[">=", "ge"], Comparison::AtLeast, Quantifier::Any),
    (&["<", "lt"], Comparison::Less, Quantifier::Any),
    (&[">", "gt"], Comparison::Greater, Quantifier::Any),
    (&["contains"], Comparison::Contains, Quantifier::Any),
    (&["matches", "~"], Comparison::Matches, Quantifier::Any),
];

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
}

impl Parser<'_> {
    /// Where the next token stands.
    fn at(&self) -> usize {
        self.tokens.get(self.next).map_or(self.text.len(), |token| token.at)
    }

    fn error(&self, what: impl Into<String>) -> FilterError {
        FilterError::new(self.text, self.at(), what)
    }

    fn kind(&self, ahead: usize) -> Option<&Kind> {
        self.tokens.get(self.next + ahead).map(|token| &token.kind)
    }

    /// Whether the token so far ahead is one of these signs or words.
    fn is(&self, ahead: usize, names: &[&str]) -> bool {
        match self.kind(ahead) {
            Some(Kind::Sign(sign)) => names.contains(sign),
            Some(Kind::Word(word)) => names.iter().any(|name| word.eq_ignore_ascii_case(name)),
            _ => false,
        }
    }

    /// Takes the next token if it is one of these signs or words.
    fn takes(&mut self, names: &[&str]) -> bool {
        let found = self.is(0, names);
        self.next += usize::from(found);
        found
    }

    /// Takes this sign.
    fn expects(&mut self, sign: &str, what: &str) -> Result<(), FilterError> {
        if self.takes(&[sign]) { Ok(()) } else { Err(self.error(format!("{what} is missing here"))) }
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
            self.expects(")", "a closing parenthesis")?;
            inside
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(node)
    }

    fn comparison(&mut self) -> Result<Node, FilterError> {
        let start = self.at();
        let said = self.quantifier();
        let operand = self.operand()?;
        let sign_at = self.at();
        if self.is(0, &["not"]) && self.is(1, &["in"]) {
            self.next += 2;
            let set = self.set(&operand)?;
            return Ok(Node::Not(Box::new(Node::In(operand, said.unwrap_or(Quantifier::Any), set))));
        }
        if self.takes(&["in"]) {
            let set = self.set(&operand)?;
            return Ok(Node::In(operand, said.unwrap_or(Quantifier::Any), set));
        }
        let found = COMPARISONS.iter().find(|(names, ..)| self.is(0, names));
        let Some((_, comparison, usual)) = found else {
            if said.is_some() || operand.function.is_some() {
                return Err(self.error("a comparison is missing here, such as == or >"));
            }
            if operand.mask.is_some() {
                let nonzero = Right::Literal(Literal::Number(0.0));
                return Ok(Node::Compare(operand, Quantifier::Any, Comparison::Greater, nonzero));
            }
            return Ok(Node::Present(operand));
        };
        self.next += 1;
        if matches!(comparison, Comparison::Contains | Comparison::Matches) && !operand.kind().has_bytes() {
            let name = self.text.get(start..sign_at).unwrap_or_default().trim();
            let what = format!("only text and bytes can contain or match something, and `{name}` is neither");
            return Err(FilterError::new(self.text, sign_at, what));
        }
        let right = self.right(&operand, *comparison)?;
        Ok(Node::Compare(operand, said.unwrap_or(*usual), *comparison, right))
    }

    fn quantifier(&mut self) -> Option<Quantifier> {
        if !matches!(self.kind(1), Some(Kind::Word(_))) {
            return None;
        }
        if self.takes(&["any"]) {
            return Some(Quantifier::Any);
        }
        self.takes(&["all"]).then_some(Quantifier::All)
    }

    /// A field, some of its bytes or bits, or a function of one.
    fn operand(&mut self) -> Result<Operand, FilterError> {
        let mut operand = match (self.kind(0), self.kind(1)) {
            (Some(Kind::Word(name)), Some(Kind::Sign("("))) => {
                let name = name.clone();
                self.function(&name)?
            }
            _ => self.field()?,
        };
        if self.takes(&["&", "bitand", "bitwise_and"]) {
            if !matches!(operand.kind(), Type::Number(_) | Type::Absent) {
                self.next -= 1;
                return Err(self.error("only numbers have bits, such as tcp.flags & 0x02"));
            }
            let mask = match self.kind(0) {
                Some(Kind::Word(word)) => unsigned(word),
                _ => None,
            };
            operand.mask = Some(mask.ok_or_else(|| self.error("a number should stand here, such as 0x02"))?);
            self.next += 1;
        }
        Ok(operand)
    }

    fn function(&mut self, name: &str) -> Result<Operand, FilterError> {
        let function = Function::named(name).ok_or_else(|| {
            self.error(format!("there is no function `{name}`: len, count, lower and upper are known"))
        })?;
        self.next += 2;
        let at = self.at();
        let mut operand = self.field()?;
        if function.of(operand.kind()).is_none() {
            let what = match function {
                Function::Lower | Function::Upper => "only texts have a case, such as http.request.uri",
                _ => {
                    "only texts, bytes and addresses have a length, such as tcp.payload; tcp.len is a number"
                }
            };
            return Err(FilterError::new(self.text, at, what));
        }
        operand.function = Some(function);
        self.expects(")", "a closing parenthesis")?;
        Ok(operand)
    }

    fn field(&mut self) -> Result<Operand, FilterError> {
        let Some(Token { at, kind: Kind::Word(name) }) = self.tokens.get(self.next) else {
            return Err(self.error("the name of a field should stand here, such as tcp.port"));
        };
        if name.starts_with(|first: char| first.is_ascii_digit()) {
            let what = "the name of a field should stand here, and the value behind the comparison";
            return Err(self.error(what));
        }
        let field =
            Field::named(name).ok_or_else(|| FilterError::new(self.text, *at, field::unknown(name)))?;
        self.next += 1;
        let mut operand = Operand { field, slice: None, function: None, mask: None };
        if self.takes(&["["]) {
            operand.slice = Some(self.slice(&operand)?);
        }
        Ok(operand)
    }

    /// `[0:4]` (from, so many), `[0-3]` (from, up to), `[4:]`, `[:4]`, `[4]`, `[-2:2]` (from the end).
    fn slice(&mut self, of: &Operand) -> Result<Slice, FilterError> {
        let read = match self.kind(0) {
            Some(Kind::Word(word)) => slice(word),
            _ => None,
        };
        let Some(slice) = read else {
            return Err(self.error("which bytes should stand here, such as [0:4] or [2-5]"));
        };
        if !matches!(of.kind(), Type::Bytes | Type::Ethernet | Type::Absent) {
            return Err(self.error("only bytes have parts, such as tcp.payload[0:4]"));
        }
        self.next += 1;
        if self.is(0, &[","]) {
            return Err(self.error("one range of bytes can be taken at a time"));
        }
        self.expects("]", "a closing bracket")?;
        Ok(slice)
    }

    fn set(&mut self, operand: &Operand) -> Result<Vec<(Literal, Option<Literal>)>, FilterError> {
        if !self.takes(&["{"]) {
            return Err(self.error("a set should stand here, such as {80, 443, 8000..8099}"));
        }
        let mut set = Vec::new();
        loop {
            let low = self.literal(operand.kind(), Comparison::Equal)?;
            let high = match self.takes(&[".."]) {
                true => Some(self.literal(operand.kind(), Comparison::Equal)?),
                false => None,
            };
            set.push((low, high));
            let comma = self.takes(&[","]);
            if self.takes(&["}"]) {
                return Ok(set);
            }
            if !comma && !matches!(self.kind(0), Some(Kind::Word(_) | Kind::Quoted(_))) {
                return Err(self.error("a comma or a closing brace is missing here"));
            }
        }
    }

    /// A value, or another field.
    fn right(&mut self, left: &Operand, comparison: Comparison) -> Result<Right, FilterError> {
        let names_a_field = match self.kind(0) {
            Some(Kind::Word(word)) => {
                Field::named(word).is_some() || (Function::named(word).is_some() && self.is(1, &["("]))
            }
            _ => false,
        };
        if !names_a_field || comparison == Comparison::Matches || left.kind() == Type::Presence {
            return self.literal(left.kind(), comparison).map(Right::Literal);
        }
        let at = self.at();
        let right = self.operand()?;
        if !left.kind().compares_with(right.kind()) || right.kind() == Type::Presence {
            return Err(FilterError::new(
                self.text,
                at,
                "these two cannot be compared: they hold different things",
            ));
        }
        Ok(Right::Operand(right))
    }

    fn literal(&mut self, kind: Type, comparison: Comparison) -> Result<Literal, FilterError> {
        let written = match self.kind(0) {
            Some(Kind::Word(word)) => Written::Word(word.clone()),
            Some(Kind::Quoted(text)) => Written::Quoted(text.clone()),
            _ => return Err(self.error("a value should stand here")),
        };
        let literal = literal(written, kind, comparison).map_err(|what| self.error(what))?;
        self.next += 1;
        Ok(literal)
    }
}

fn slice(word: &str) -> Option<Slice> {
    if let Some((start, len)) = word.split_once(':') {
        let start = if start.is_empty() { 0 } else { start.parse().ok()? };
        let len = if len.is_empty() { usize::MAX } else { len.parse().ok()? };
        return (len > 0).then_some(Slice { start, len });
    }
    if word.starts_with('-') {
        return Some(Slice { start: word.parse().ok()?, len: 1 });
    }
    let (start, last) = word.split_once('-').unwrap_or((word, word));
    let (start, last): (u32, usize) = (start.parse().ok()?, last.parse().ok()?);
    let len = last.checked_sub(start as usize)?.saturating_add(1);
    Some(Slice { start: start.into(), len })
}
