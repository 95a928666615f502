//! JSON validation (RFC 8259) without recursion and without building values.
//!
//! Where the grammar leaves a choice: up to 1,000 nested arrays and objects are accepted, as by the
//! parser in front of Lambda (its depth is known from reported refusals; `serde_json` stops at
//! 127). A number too large for a double (`1e999`) and a lone surrogate (`"\ud800"`) are refused:
//! most parsers in functions refuse them, and it is not known whether Lambda accepts them.

#[cfg(test)]
mod tests;

/// The deepest nesting of arrays and objects.
pub const DEPTH_MAX: usize = 1000;

/// The first error, and the byte that it is at.
#[derive(Debug, PartialEq, Eq)]
pub struct Error {
    pub offset: usize,
    pub reason: &'static str,
}

/// What the grammar expects next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    Value,
    /// After `[`.
    ValueOrEnd,
    /// After `{`.
    KeyOrEnd,
    Key,
    Colon,
    CommaOrEnd,
}

struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

type Checked = Result<(), &'static str>;

const UNEXPECTED_END: &str = "unexpected end of input";
const UNTERMINATED_STRING: &str = "unexpected end of input in a string";
const LONE_SURROGATE: &str = "lone surrogate";

/// Validates a whole text.
pub fn check(bytes: &[u8]) -> Result<(), Error> {
    if let Err(error) = std::str::from_utf8(bytes) {
        return Err(Error {
            offset: error.valid_up_to(),
            reason: "invalid UTF-8",
        });
    }
    let mut reader = Reader { bytes, offset: 0 };
    reader.read_text().map_err(|reason| Error {
        offset: reader.offset,
        reason,
    })
}

impl Reader<'_> {
    fn read_text(&mut self) -> Checked {
        let mut open = Vec::new(); // the closing brackets that are still expected
        let mut next = Expected::Value;
        loop {
            self.skip_whitespace();
            let Some(byte) = self.peek() else {
                return match next == Expected::CommaOrEnd && open.is_empty() {
                    true => Ok(()),
                    false => Err(UNEXPECTED_END),
                };
            };
            let may_close = matches!(
                next,
                Expected::ValueOrEnd | Expected::KeyOrEnd | Expected::CommaOrEnd
            );
            if may_close && open.last() == Some(&byte) {
                open.pop();
                self.offset += 1;
                next = Expected::CommaOrEnd;
                continue;
            }
            next = match next {
                Expected::Value | Expected::ValueOrEnd => match byte {
                    b'[' | b'{' if open.len() == DEPTH_MAX => {
                        return Err("nesting of more than 1000 levels");
                    }
                    b'[' => self.open_bracket(&mut open, b']', Expected::ValueOrEnd),
                    b'{' => self.open_bracket(&mut open, b'}', Expected::KeyOrEnd),
                    _ => self.read_scalar(byte).map(|()| Expected::CommaOrEnd)?,
                },
                Expected::Key | Expected::KeyOrEnd => {
                    self.read_string().map(|()| Expected::Colon)?
                }
                Expected::Colon => self.expect_bytes(b":").map(|()| Expected::Value)?,
                Expected::CommaOrEnd if open.is_empty() => return Err("trailing characters"),
                Expected::CommaOrEnd => {
                    self.expect_bytes(b",")?;
                    match open.last() {
                        Some(b'}') => Expected::Key,
                        _ => Expected::Value,
                    }
                }
            };
        }
    }

    fn open_bracket(&mut self, open: &mut Vec<u8>, close: u8, next: Expected) -> Expected {
        open.push(close);
        self.offset += 1;
        next
    }

    fn read_scalar(&mut self, byte: u8) -> Checked {
        match byte {
            b'"' => self.read_string(),
            b't' => self.expect_bytes(b"true"),
            b'f' => self.expect_bytes(b"false"),
            b'n' => self.expect_bytes(b"null"),
            _ => self.read_number(),
        }
    }

    fn read_string(&mut self) -> Checked {
        self.expect_bytes(b"\"")?;
        loop {
            self.skip_unescaped();
            match self.peek().ok_or(UNTERMINATED_STRING)? {
                b'"' => {
                    self.offset += 1;
                    return Ok(());
                }
                b'\\' => self.read_escape()?,
                ..b' ' => return Err("control character in a string"),
                _ => self.offset += 1,
            }
        }
    }

    /// Skips bytes without a meaning of their own, eight at a time: many events are mostly long
    /// strings.
    ///
    /// If `n` is subtracted from each byte of a word, a borrow alone sets the highest bit of a byte
    /// that had it clear: so a bit is set if and only if some byte is less than `n`.
    fn skip_unescaped(&mut self) {
        const ONES: u64 = u64::from_ne_bytes([1; 8]);
        let has_less = |word: u64, n: u64| word.wrapping_sub(ONES * n) & !word & (ONES << 7) != 0;
        let is_unescaped = |word: u64| {
            let [quote, backslash] = [b'"', b'\\'].map(|byte| word ^ (ONES * u64::from(byte)));
            !has_less(word, 0x20) && !has_less(quote, 1) && !has_less(backslash, 1)
        };
        let rest = self.bytes.get(self.offset..).unwrap_or_default();
        let (words, _) = rest.as_chunks();
        let unescaped = words
            .iter()
            .take_while(|&&word| is_unescaped(u64::from_ne_bytes(word)));
        self.offset += 8 * unescaped.count();
    }

    fn read_escape(&mut self) -> Checked {
        self.offset += 1;
        match self.peek().ok_or(UNTERMINATED_STRING)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {
                self.offset += 1;
                Ok(())
            }
            b'u' => match self.read_utf16_unit()? {
                0xd800..0xdc00 => {
                    self.expect_bytes(b"\\")?;
                    let low = self.read_utf16_unit()?;
                    let is_low = (0xdc00..0xe000).contains(&low);
                    is_low.then_some(()).ok_or(LONE_SURROGATE)
                }
                0xdc00..0xe000 => Err(LONE_SURROGATE),
                _ => Ok(()),
            },
            _ => Err("invalid escape"),
        }
    }

    /// `u` and four hexadecimal digits.
    fn read_utf16_unit(&mut self) -> Result<u32, &'static str> {
        self.expect_bytes(b"u")?;
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            unit = unit << 4 | digit.ok_or("expected a hexadecimal digit")?;
            self.offset += 1;
        }
        Ok(unit)
    }

    fn read_number(&mut self) -> Checked {
        let start = self.offset;
        if self.peek() == Some(b'-') {
            self.offset += 1;
        }
        match self.peek() {
            Some(b'0') => self.offset += 1,
            _ => self.read_digits("expected a value")?,
        }
        if self.peek() == Some(b'.') {
            self.offset += 1;
            self.read_digits("expected a digit after the decimal point")?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.offset += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.offset += 1;
            }
            self.read_digits("expected a digit in the exponent")?;
        }
        let text = std::str::from_utf8(&self.bytes[start..self.offset]).unwrap_or_default();
        // A short number without an exponent cannot be too large.
        let is_short = text.len() < 300 && !text.contains(['e', 'E']);
        let is_finite = is_short || text.parse().is_ok_and(f64::is_finite);
        is_finite.then_some(()).ok_or("number out of range")
    }

    fn read_digits(&mut self, missing: &'static str) -> Checked {
        let start = self.offset;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.offset += 1;
        }
        (self.offset > start).then_some(()).ok_or(missing)
    }

    fn expect_bytes(&mut self, expected: &[u8]) -> Checked {
        for &expected in expected {
            match self.peek() {
                Some(byte) if byte == expected => self.offset += 1,
                _ => return Err("unexpected character"),
            }
        }
        Ok(())
    }

    fn skip_whitespace(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.offset += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.offset).copied()
    }
}
