//! Whether bytes are JSON (RFC 8259), whatever their depth: nothing here calls itself, and nothing
//! is built.
//!
//! Of what the grammar leaves open: up to 1,000 arrays and objects within each other are taken, as
//! by the parser of Lambda's front (its depth is known from refusals of others; `serde_json` stops
//! at 127). A number too large for a double (`1e999`), and half of a surrogate pair (`"\ud800"`),
//! are refused: most parsers in functions refuse them, and it is not known that Lambda takes them.

#[cfg(test)]
mod tests;

/// So many arrays and objects may be within each other.
pub const DEPTH_MAX: usize = 1000;

/// What is wrong, and at which byte.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault {
    pub at: usize,
    pub what: &'static str,
}

/// What may come next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Value,
    /// Behind `[`.
    ValueOrEnd,
    /// Behind `{`.
    KeyOrEnd,
    Key,
    Colon,
    CommaOrEnd,
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

type Checked = Result<(), &'static str>;

/// Checks a whole text.
pub fn check(bytes: &[u8]) -> Result<(), Fault> {
    if let Err(error) = std::str::from_utf8(bytes) {
        return Err(Fault {
            at: error.valid_up_to(),
            what: "a byte that is not UTF-8",
        });
    }
    let mut reader = Reader { bytes, at: 0 };
    reader.text().map_err(|what| Fault {
        at: reader.at,
        what,
    })
}

impl Reader<'_> {
    fn text(&mut self) -> Checked {
        let mut open = Vec::new(); // the closing letters that are still to come
        let mut next = Next::Value;
        loop {
            self.space();
            let Some(letter) = self.letter() else {
                return match next == Next::CommaOrEnd && open.is_empty() {
                    true => Ok(()),
                    false => Err("the end within a value"),
                };
            };
            let may_close = matches!(next, Next::ValueOrEnd | Next::KeyOrEnd | Next::CommaOrEnd);
            if may_close && open.last() == Some(&letter) {
                open.pop();
                self.at += 1;
                next = Next::CommaOrEnd;
                continue;
            }
            next = match next {
                Next::Value | Next::ValueOrEnd => match letter {
                    b'[' | b'{' if open.len() == DEPTH_MAX => return Err("more than 1000 levels"),
                    b'[' => self.opens(&mut open, b']', Next::ValueOrEnd),
                    b'{' => self.opens(&mut open, b'}', Next::KeyOrEnd),
                    _ => self.scalar(letter).map(|()| Next::CommaOrEnd)?,
                },
                Next::Key | Next::KeyOrEnd => self.string().map(|()| Next::Colon)?,
                Next::Colon => self.word(b":").map(|()| Next::Value)?,
                Next::CommaOrEnd if open.is_empty() => return Err("more behind the value"),
                Next::CommaOrEnd => {
                    self.word(b",")?;
                    match open.last() {
                        Some(b'}') => Next::Key,
                        _ => Next::Value,
                    }
                }
            };
        }
    }

    fn opens(&mut self, open: &mut Vec<u8>, close: u8, next: Next) -> Next {
        open.push(close);
        self.at += 1;
        next
    }

    fn scalar(&mut self, letter: u8) -> Checked {
        match letter {
            b'"' => self.string(),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => self.number(),
        }
    }

    fn string(&mut self) -> Checked {
        self.word(b"\"")?;
        loop {
            self.skip_plain();
            match self.letter().ok_or("the end within a string")? {
                b'"' => {
                    self.at += 1;
                    return Ok(());
                }
                b'\\' => self.escape()?,
                ..b' ' => return Err("a control character in a string"),
                _ => self.at += 1,
            }
        }
    }

    /// Skips letters that mean nothing, eight at a time: long strings are most of many events.
    ///
    /// Where `n` is taken from each byte of a word, the highest bit of a byte that had it clear
    /// gets set by a borrow alone: so one is set if, and only if, some byte is less than `n`.
    fn skip_plain(&mut self) {
        const ONES: u64 = u64::from_ne_bytes([1; 8]);
        let has_less = |word: u64, n: u64| word.wrapping_sub(ONES * n) & !word & (ONES << 7) != 0;
        let is_plain = |word: u64| {
            let [quote, backslash] = [b'"', b'\\'].map(|letter| word ^ (ONES * u64::from(letter)));
            !has_less(word, 0x20) && !has_less(quote, 1) && !has_less(backslash, 1)
        };
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let (words, _) = rest.as_chunks();
        let plain = words
            .iter()
            .take_while(|&&word| is_plain(u64::from_ne_bytes(word)));
        self.at += 8 * plain.count();
    }

    fn escape(&mut self) -> Checked {
        self.at += 1;
        match self.letter().ok_or("the end within a string")? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {
                self.at += 1;
                Ok(())
            }
            b'u' => match self.unit()? {
                0xd800..0xdc00 => {
                    self.word(b"\\")?;
                    let low = self.unit()?;
                    let is_low = (0xdc00..0xe000).contains(&low);
                    is_low.then_some(()).ok_or("half of a surrogate pair")
                }
                0xdc00..0xe000 => Err("half of a surrogate pair"),
                _ => Ok(()),
            },
            _ => Err("an unknown escape"),
        }
    }

    /// `u` and four hexadecimal digits.
    fn unit(&mut self) -> Result<u32, &'static str> {
        self.word(b"u")?;
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.letter().and_then(|l| char::from(l).to_digit(16));
            unit = unit << 4 | digit.ok_or("no hexadecimal digit")?;
            self.at += 1;
        }
        Ok(unit)
    }

    fn number(&mut self) -> Checked {
        let begin = self.at;
        if self.letter() == Some(b'-') {
            self.at += 1;
        }
        match self.letter() {
            Some(b'0') => self.at += 1,
            _ => self.digits("no value")?,
        }
        if self.letter() == Some(b'.') {
            self.at += 1;
            self.digits("no digit behind the point")?;
        }
        if matches!(self.letter(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.letter(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits("no digit in the exponent")?;
        }
        let text = std::str::from_utf8(&self.bytes[begin..self.at]).unwrap_or_default();
        // What is short, and has no exponent, cannot be too large.
        let is_short = text.len() < 300 && !text.contains(['e', 'E']);
        let is_finite = is_short || text.parse().is_ok_and(f64::is_finite);
        is_finite.then_some(()).ok_or("a number out of range")
    }

    fn digits(&mut self, otherwise: &'static str) -> Checked {
        let begin = self.at;
        while self.letter().is_some_and(|letter| letter.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > begin).then_some(()).ok_or(otherwise)
    }

    /// These bytes and no others.
    fn word(&mut self, word: &[u8]) -> Checked {
        for &wanted in word {
            match self.letter() {
                Some(letter) if letter == wanted => self.at += 1,
                _ => return Err("another letter than could come here"),
            }
        }
        Ok(())
    }

    fn space(&mut self) {
        while matches!(self.letter(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn letter(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }
}
