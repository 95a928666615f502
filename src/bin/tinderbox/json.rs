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

struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

type Checked = Result<(), &'static str>;

const UNEXPECTED: &str = "unexpected character";
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

/// The arrays and objects that are open, one bit each: set for an object.
struct Open {
    objects: [u64; DEPTH_MAX.div_ceil(64)],
    depth: usize,
}

impl Open {
    fn push(&mut self, is_object: bool) -> Checked {
        if self.depth == DEPTH_MAX {
            return Err("nesting of more than 1000 levels");
        }
        let word = &mut self.objects[self.depth / 64];
        let bit = 1 << (self.depth % 64);
        *word = if is_object { *word | bit } else { *word & !bit };
        self.depth += 1;
        Ok(())
    }

    /// Whether the innermost is an object; `None` if there is none.
    #[inline(always)]
    fn top(&self) -> Option<bool> {
        let last = self.depth.checked_sub(1)?;
        Some(self.objects.get(last / 64)? >> (last % 64) & 1 == 1)
    }
}

/// The highest bit of each byte that ends a string, begins an escape or is not allowed, and maybe
/// of bytes after the first of these.
///
/// If `n` is subtracted from each byte of a word, a borrow alone sets the highest bit of a byte
/// that had it clear: so the lowest bit that is set is that of the first byte less than `n`.
#[inline(always)]
fn special_bytes(bytes: [u8; 8]) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    let word = u64::from_le_bytes(bytes);
    let less = |word: u64, n: u64| word.wrapping_sub(ONES * n) & !word;
    let quote = word ^ (ONES * u64::from(b'"'));
    let backslash = word ^ (ONES * u64::from(b'\\'));
    (less(word, 0x20) | less(quote, 1) | less(backslash, 1)) & (ONES << 7)
}

/// The tool is optimized for size, at which the compiler inlines little: what is done for each byte
/// says that it has to be inlined.
impl<'a> Reader<'a> {
    fn read_text(&mut self) -> Checked {
        let mut open = Open {
            objects: [0; DEPTH_MAX.div_ceil(64)],
            depth: 0,
        };
        loop {
            let is_open = self.read_value_start(&mut open)?;
            if !is_open && !self.read_to_next_value(&mut open)? {
                return Ok(());
            }
        }
    }

    /// Reads a scalar, an empty array or object, or what precedes the first value in one: an
    /// opening bracket and a key. Whether a value has to follow.
    #[inline(always)]
    fn read_value_start(&mut self, open: &mut Open) -> Result<bool, &'static str> {
        match self.next_token().ok_or(UNEXPECTED_END)? {
            b'"' => self.read_string()?,
            b'{' => {
                open.push(true)?;
                self.offset += 1;
                if self.next_token() != Some(b'}') {
                    return self.read_key().map(|()| true);
                }
                self.offset += 1;
                open.depth -= 1;
            }
            b'[' => {
                open.push(false)?;
                self.offset += 1;
                if self.next_token() != Some(b']') {
                    return Ok(true);
                }
                self.offset += 1;
                open.depth -= 1;
            }
            b't' => self.expect_bytes(b"true")?,
            b'f' => self.expect_bytes(b"false")?,
            b'n' => self.expect_bytes(b"null")?,
            _ => self.read_number()?,
        }
        Ok(false)
    }

    /// Reads what follows a value: closing brackets, and a comma with a key. Whether another value
    /// follows; if none does, the text has ended.
    #[inline(always)]
    fn read_to_next_value(&mut self, open: &mut Open) -> Result<bool, &'static str> {
        loop {
            match (self.next_token(), open.top()) {
                (Some(b','), Some(false)) => {
                    self.offset += 1;
                    return Ok(true);
                }
                (Some(b','), Some(true)) => {
                    self.offset += 1;
                    return self.read_key().map(|()| true);
                }
                (Some(b']'), Some(false)) | (Some(b'}'), Some(true)) => {
                    self.offset += 1;
                    open.depth -= 1;
                }
                (None, None) => return Ok(false),
                (None, Some(_)) => return Err(UNEXPECTED_END),
                (Some(_), None) => return Err("trailing characters"),
                (Some(_), Some(_)) => return Err(UNEXPECTED),
            }
        }
    }

    /// A key and the colon behind it.
    fn read_key(&mut self) -> Checked {
        match self.next_token() {
            Some(b'"') => self.read_string()?,
            Some(_) => return Err(UNEXPECTED),
            None => return Err(UNEXPECTED_END),
        }
        match self.next_token() {
            Some(b':') => self.offset += 1,
            Some(_) => return Err(UNEXPECTED),
            None => return Err(UNEXPECTED_END),
        }
        Ok(())
    }

    /// Reads a string; the next byte is its quote.
    fn read_string(&mut self) -> Checked {
        self.offset += 1;
        loop {
            self.skip_unescaped();
            match self.peek() {
                Some(b'"') => {
                    self.offset += 1;
                    return Ok(());
                }
                Some(b'\\') => self.read_escape()?,
                Some(..b' ') => return Err("control character in a string"),
                Some(_) => self.offset += 1,
                None => return Err(UNTERMINATED_STRING),
            }
        }
    }

    /// Skips bytes without a meaning of their own, many at a time: up to one that has a meaning, or
    /// to the last seven bytes of the text. Most strings end within eight bytes; of a longer one 32
    /// bytes are looked at together.
    #[inline(always)]
    fn skip_unescaped(&mut self) {
        while let Some((bytes, rest)) = self.rest().split_first_chunk() {
            let special = special_bytes(*bytes);
            if special != 0 {
                self.offset += special.trailing_zeros() as usize / 8;
                return;
            }
            self.offset += 8;
            let words = rest.as_chunks::<8>().0.as_chunks::<4>().0;
            for [a, b, c, d] in words {
                let two = special_bytes(*a) | special_bytes(*b);
                if two | special_bytes(*c) | special_bytes(*d) != 0 {
                    break;
                }
                self.offset += 32;
            }
        }
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
        self.skip_byte(b'-');
        let integer_start = self.offset;
        if !self.skip_byte(b'0') {
            self.read_digits("expected a value")?;
        }
        let integer_digits = self.offset - integer_start;
        if self.skip_byte(b'.') {
            self.read_digits("expected a digit after the decimal point")?;
        }
        let mut exponent = 0;
        if self.skip_byte(b'e') || self.skip_byte(b'E') {
            let is_negative = self.skip_byte(b'-');
            let _ = is_negative || self.skip_byte(b'+');
            let digits = self.read_digits("expected a digit in the exponent")?;
            exponent = match is_negative {
                true => 0,
                false => 10usize.saturating_pow(digits as u32),
            };
        }
        // Less than ten to the power of the sum; a double holds 10^308.
        let is_small = integer_digits.saturating_add(exponent) <= 308;
        if is_small || self.is_finite(start) {
            return Ok(());
        }
        Err("number out of range")
    }

    fn is_finite(&self, start: usize) -> bool {
        let text = std::str::from_utf8(&self.bytes[start..self.offset]).unwrap_or_default();
        text.parse().is_ok_and(f64::is_finite)
    }

    /// The number of digits.
    #[inline(always)]
    fn read_digits(&mut self, missing: &'static str) -> Result<usize, &'static str> {
        let digits = self
            .rest()
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        self.offset += digits;
        match digits {
            0 => Err(missing),
            _ => Ok(digits),
        }
    }

    #[inline(always)]
    fn skip_byte(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.offset += usize::from(is_there);
        is_there
    }

    fn expect_bytes(&mut self, expected: &[u8]) -> Checked {
        if self.rest().starts_with(expected) {
            self.offset += expected.len();
            return Ok(());
        }
        let same = self.rest().iter().zip(expected);
        self.offset += same.take_while(|(byte, expected)| byte == expected).count();
        Err(UNEXPECTED)
    }

    /// The first byte that is no white space, which is not consumed.
    #[inline(always)]
    fn next_token(&mut self) -> Option<u8> {
        loop {
            let byte = self.peek()?;
            if byte > b' ' || !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
            self.offset += 1;
        }
    }

    #[inline(always)]
    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.offset..).unwrap_or_default()
    }

    #[inline(always)]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.offset).copied()
    }
}
