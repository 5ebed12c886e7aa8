//! Strict JSON into the tree, in one pass: texts and numbers stay slices of the input. NUL replaced, depth capped.

use std::borrow::Cow;

use super::object::Entry;
use super::{Json, NUL_REPLACEMENT, Number, Object, Repairs, TOO_DEEP, scan};

/// Objects of more fields are searched for equal keys by hashing.
const FEW_FIELDS: usize = 32;

/// The text is not JSON. Where and why is for those to find out who have to say it.
#[derive(Debug)]
pub(super) struct NotJson;

type Result<T> = std::result::Result<T, NotJson>;

/// Reads a whole text; what is nested deeper than `depth_max` is left out.
pub(super) fn document<'a>(bytes: &'a [u8], depth_max: usize, repairs: &mut Repairs) -> Result<Json<'a>> {
    let text = std::str::from_utf8(bytes).map_err(|_| NotJson)?;
    let mut parser = Parser { text, bytes: text.as_bytes(), at: 0, depth_max, items: Vec::new(), entries: Vec::new(), repairs };
    parser.skip_blanks();
    let mut root = Json::Null;
    parser.value(0, |_, value| root = value)?;
    parser.skip_blanks();
    if parser.at == bytes.len() { Ok(root) } else { Err(NotJson) }
}

struct Parser<'a, 'r> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    depth_max: usize,
    /// Items of all lists that are open, so that each is allocated once, in its size.
    items: Vec<Json<'a>>,
    /// Fields of all objects that are open.
    entries: Vec<Entry<'a>>,
    /// What was replaced. Only touched where something is.
    repairs: &'r mut Repairs,
}

impl<'a> Parser<'a, '_> {
    fn peek(&self) -> Result<u8> {
        self.bytes.get(self.at).copied().ok_or(NotJson)
    }

    fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.bytes.get(self.at) {
            self.at += 1;
        }
    }

    /// The next byte that is no blank, left where it is.
    fn peek_token(&mut self) -> Result<u8> {
        self.skip_blanks();
        self.peek()
    }

    /// Reads a value and lets it be put where it belongs. It is not returned: on its way through results it would be written and read again in
    /// pieces that overlap, for which a processor stands still. That was half of the time of all this.
    #[inline]
    fn value(&mut self, depth: usize, put: impl FnOnce(&mut Self, Json<'a>)) -> Result<()> {
        match self.peek()? {
            b'"' => match self.plain_string() {
                Some(text) => put(self, Json::Text(Cow::Borrowed(text))),
                None => {
                    let text = self.escaped()?;
                    put(self, Json::Text(Cow::Owned(text)));
                }
            },
            b'{' | b'[' if depth >= self.depth_max => {
                self.skip_value()?;
                self.repairs.too_deep += 1;
                put(self, Json::Text(Cow::Borrowed(TOO_DEEP)));
            }
            b'{' => {
                let object = self.object(depth)?;
                put(self, Json::Object(object));
            }
            b'[' => {
                let list = self.array(depth)?;
                put(self, Json::Array(list));
            }
            b't' => {
                self.word("true")?;
                put(self, Json::Bool(true));
            }
            b'f' => {
                self.word("false")?;
                put(self, Json::Bool(false));
            }
            b'n' => {
                self.word("null")?;
                put(self, Json::Null);
            }
            _ => {
                let number = self.number()?;
                put(self, Json::Number(number));
            }
        }
        Ok(())
    }

    fn word(&mut self, word: &str) -> Result<()> {
        let found = self.bytes[self.at..].starts_with(word.as_bytes());
        self.at += word.len();
        if found { Ok(()) } else { Err(NotJson) }
    }

    fn array(&mut self, depth: usize) -> Result<Vec<Json<'a>>> {
        self.at += 1;
        let start = self.items.len();
        if self.peek_token()? == b']' {
            self.at += 1;
            return Ok(Vec::new());
        }
        loop {
            self.skip_blanks();
            self.value(depth + 1, |parser, item| parser.items.push(item))?;
            if !self.goes_on(b']')? {
                return Ok(self.items.drain(start..).collect());
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Object<'a>> {
        self.at += 1;
        let start = self.entries.len();
        if self.peek_token()? == b'}' {
            self.at += 1;
            return Ok(Object::new());
        }
        let mut marks = Marks::default();
        loop {
            self.expect(b'"')?;
            match self.plain_string() {
                Some(key) => {
                    self.colon()?;
                    marks.add(key, &self.entries[start..]);
                    self.value(depth + 1, |parser, value| parser.entries.push((Cow::Borrowed(key), value)))?;
                }
                None => {
                    let key = self.escaped()?;
                    self.colon()?;
                    marks.add(&key, &self.entries[start..]);
                    self.value(depth + 1, |parser, value| parser.entries.push((Cow::Owned(key), value)))?;
                }
            }
            if !self.goes_on(b'}')? {
                break;
            }
        }
        let may_repeat = marks.has_equal || self.entries.len() - start > FEW_FIELDS;
        let entries = self.entries.drain(start..);
        Ok(if may_repeat { entries.collect() } else { Object::of_distinct(entries.collect()) })
    }

    /// Up to a sign that must come next.
    #[inline]
    fn expect(&mut self, sign: u8) -> Result<()> {
        if self.peek_token()? == sign { Ok(()) } else { Err(NotJson) }
    }

    /// Past the colon after a key, up to where the value begins.
    #[inline]
    fn colon(&mut self) -> Result<()> {
        self.expect(b':')?;
        self.at += 1;
        self.skip_blanks();
        Ok(())
    }

    /// Past a key and its colon, whatever it is.
    fn skip_key(&mut self) -> Result<()> {
        self.expect(b'"')?;
        if self.plain_string().is_none() {
            self.escaped()?;
        }
        self.colon()
    }

    /// Past the comma or the closing bracket after a value: whether there is another one.
    fn goes_on(&mut self, closing: u8) -> Result<bool> {
        let byte = self.peek_token()?;
        self.at += 1;
        match byte {
            b',' => Ok(true),
            byte if byte == closing => Ok(false),
            _ => Err(NotJson),
        }
    }

    /// Past a value of any depth, without recursion.
    fn skip_value(&mut self) -> Result<()> {
        let mut open = Vec::new();
        loop {
            match self.peek_token()? {
                opening @ (b'{' | b'[') => {
                    self.at += 1;
                    let closing = if opening == b'{' { b'}' } else { b']' };
                    if self.peek_token()? != closing {
                        open.push(closing);
                        if closing == b'}' {
                            self.skip_key()?;
                        }
                        continue;
                    }
                    self.at += 1;
                }
                _ => self.value(0, |_, _| {})?,
            }
            loop {
                let Some(&closing) = open.last() else { return Ok(()) };
                if self.goes_on(closing)? {
                    if closing == b'}' {
                        self.skip_key()?;
                    }
                    break;
                }
                open.pop();
            }
        }
    }

    /// A string, its quotes included: a slice of the input. `None`: something in it is escaped, or it does not end; it is left as it is.
    #[inline]
    fn plain_string(&mut self) -> Option<&'a str> {
        let start = self.at + 1;
        let end = start + scan::plain_len(&self.bytes[start..]);
        if self.bytes.get(end) != Some(&b'"') {
            return None;
        }
        self.at = end + 1;
        Some(&self.text[start..end])
    }

    /// A string in which something may be escaped.
    fn escaped(&mut self) -> Result<String> {
        let start = self.at + 1;
        self.at = start + scan::plain_len(&self.bytes[start..]);
        let mut text = String::with_capacity(2 * (self.at - start) + 32);
        text.push_str(&self.text[start..self.at]);
        loop {
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Ok(text);
                }
                b'\\' => text.push(self.escape()?),
                _ => return Err(NotJson),
            }
            let plain = scan::plain_len(&self.bytes[self.at..]);
            text.push_str(&self.text[self.at..self.at + plain]);
            self.at += plain;
        }
    }

    fn escape(&mut self) -> Result<char> {
        let byte = *self.bytes.get(self.at + 1).ok_or(NotJson)?;
        self.at += 2;
        Ok(match byte {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'u' => return self.unicode(),
            _ => return Err(NotJson),
        })
    }

    /// The character of a `\u` escape, or of two that are a surrogate pair.
    fn unicode(&mut self) -> Result<char> {
        let first = self.unit()?;
        let code = match first {
            0xd800..0xdc00 => {
                if !self.bytes[self.at..].starts_with(b"\\u") {
                    return Err(NotJson);
                }
                self.at += 2;
                let second = self.unit()?;
                if !(0xdc00..0xe000).contains(&second) {
                    return Err(NotJson);
                }
                0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)
            }
            0 => {
                self.repairs.nul += 1;
                return Ok(NUL_REPLACEMENT);
            }
            other => other,
        };
        char::from_u32(code).ok_or(NotJson)
    }

    /// Four hexadecimal digits.
    fn unit(&mut self) -> Result<u32> {
        let digits = self.bytes.get(self.at..self.at + 4).ok_or(NotJson)?;
        self.at += 4;
        digits.iter().try_fold(0, |unit, byte| Some(unit * 16 + char::from(*byte).to_digit(16)?)).ok_or(NotJson)
    }

    fn number(&mut self) -> Result<Number<'a>> {
        let start = self.at;
        self.at += usize::from(self.peek()? == b'-');
        if self.peek()? == b'0' {
            self.at += 1
        } else {
            self.digits()?
        }
        let whole_end = self.at;
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.bytes.get(self.at) {
            self.at += 1;
            self.at += usize::from(matches!(self.peek()?, b'+' | b'-'));
            self.digits()?;
        }
        Number::of(&self.text[start..self.at], self.at == whole_end).ok_or(NotJson)
    }

    /// At least one.
    fn digits(&mut self) -> Result<()> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.bytes.get(self.at) {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(NotJson) }
    }
}

/// Finds out whether an object may have two equal keys.
#[derive(Default)]
struct Marks {
    seen: u64,
    has_equal: bool,
}

impl Marks {
    /// Of a key, beside the fields before it.
    #[inline]
    fn add(&mut self, key: &str, known: &[Entry<'_>]) {
        let mark = mark(key);
        // Only keys with the same mark can be equal, and nearly all keys of an object have a mark of their own.
        self.has_equal |= self.seen & mark != 0 && known.len() <= FEW_FIELDS && known.iter().any(|(known, _)| known == key);
        self.seen |= mark;
    }
}

/// One of 64 bits, chosen by the length of a key and its ends.
fn mark(key: &str) -> u64 {
    let (first, last) =
        (key.as_bytes().first().map_or(0, |byte| u32::from(*byte)), key.as_bytes().last().map_or(0, |byte| u32::from(*byte)));
    #[expect(clippy::cast_possible_truncation, reason = "any bits of the length will do")]
    let mixed = (key.len() as u32).wrapping_mul(11) ^ first.wrapping_mul(5) ^ last.wrapping_mul(3);
    1 << (mixed % 64)
}
