//! A pull reader of JSON (RFC 8259): tokens that borrow from the text, one after the other.
//!
//! Decisions, with the sections of RFC 8259:
//!
//! - The text is UTF-8 without a byte order mark (8.1), and nothing but white space follows its
//!   value (2). A control byte in a string has to be escaped (7).
//! - Arrays and objects nest 128 levels deep at most (9 allows a limit). One bit a level says which
//!   it is, so there is no recursion.
//! - A number is checked against its grammar (6) and returned unchanged: the caller checks its
//!   range.
//! - A surrogate without its other half is right by the grammar, and U+FFFD when it is unescaped
//!   (8.2 leaves it open).
//! - Members of the same name are all handed out; where one is looked up, the last counts (4 leaves
//!   it open).

use super::error::{Error, ErrorKind};
use super::scan::{DENSE_BYTES, plain_bytes};
use super::string::Text;
use super::utf8_sequence_len;
use crate::wire::slice_or_empty;

/// The levels that arrays and objects nest, at most.
pub const DEPTH_MAX: u8 = 128;

/// One step through a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token<'a> {
    StartObject,
    EndObject,
    StartArray,
    EndArray,
    /// The name of a member; its value comes next.
    Name(Text<'a>),
    String(Text<'a>),
    /// A number, unchanged.
    Number(&'a [u8]),
    Bool(bool),
    Null,
}

/// The tokens that may come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    /// A value: the first of the text, or that of a member.
    Value,
    /// The first element or member, or the end of an empty array or object.
    FirstOrEnd,
    /// An element or a member: a comma stood before it.
    Another,
    /// A comma or the end; at the root, the end of the text.
    CommaOrEnd,
}

/// Reads the tokens of one text.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    /// Where the last token begins.
    pub(super) start: usize,
    depth: u8,
    /// A bit for each level, the innermost is the lowest: whether it is an object.
    levels: u128,
    expected: Expected,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `text`.
    #[inline(never)]
    pub fn new(text: &'a [u8]) -> Reader<'a> {
        Reader {
            text,
            at: 0,
            start: 0,
            depth: 0,
            levels: 0,
            expected: Expected::Value,
        }
    }

    /// How many bytes were read.
    pub fn position(&self) -> usize {
        self.at
    }

    /// How many arrays and objects are open.
    pub fn depth(&self) -> u8 {
        self.depth
    }

    /// The next token; `None` after the last one of a valid text.
    ///
    /// # Errors
    /// The first fault of the text. After a fault the results of the reader are meaningless.
    #[expect(
        clippy::should_implement_trait,
        reason = "it is fallible, so `?` reads better"
    )]
    pub fn next(&mut self) -> Result<Option<Token<'a>>, Error> {
        self.skip_white_space();
        if self.expected == Expected::CommaOrEnd {
            if self.depth == 0 {
                let is_end = self.at == self.text.len();
                let end = self.error(ErrorKind::TrailingBytes);
                return if is_end { Ok(None) } else { Err(end) };
            }
            if self.byte() == b',' {
                self.at += 1;
                self.skip_white_space();
                self.expected = Expected::Another;
            }
        }
        self.start = self.at;
        let in_object = self.depth > 0 && self.levels & 1 == 1;
        match (self.byte(), self.expected) {
            (b'}', Expected::FirstOrEnd | Expected::CommaOrEnd) if in_object => {
                Ok(Some(self.end(Token::EndObject)))
            }
            (b']', Expected::FirstOrEnd | Expected::CommaOrEnd) if !in_object => {
                Ok(Some(self.end(Token::EndArray)))
            }
            (_, Expected::CommaOrEnd) => Err(self.error(ErrorKind::ExpectedComma)),
            (_, Expected::FirstOrEnd | Expected::Another) if in_object => self.name().map(Some),
            (byte, _) => self.value(byte).map(Some),
        }
    }

    /// The next value as it stands in the text, with all that is in it: that of the member whose
    /// name was read, or the next element of the array. `None`: the array, the object or the text
    /// is over.
    ///
    /// # Errors
    /// As [`next`](Reader::next).
    pub fn next_raw(&mut self) -> Result<Option<&'a [u8]>, Error> {
        let depth = self.depth;
        match self.next()? {
            None | Some(Token::EndObject | Token::EndArray) => return Ok(None),
            Some(_) => {}
        }
        let start = self.start;
        while self.depth > depth {
            self.next()?;
        }
        Ok(Some(slice_or_empty(self.text, start, self.at)))
    }

    /// Ends an array or an object.
    fn end(&mut self, token: Token<'a>) -> Token<'a> {
        self.at += 1;
        self.depth -= 1;
        self.levels >>= 1;
        self.expected = Expected::CommaOrEnd;
        token
    }

    /// Reads the name of a member, and the colon.
    fn name(&mut self) -> Result<Token<'a>, Error> {
        if self.byte() != b'"' {
            return Err(self.error(ErrorKind::ExpectedName));
        }
        let name = self.string()?;
        self.skip_white_space();
        if self.byte() != b':' {
            return Err(self.error(ErrorKind::ExpectedColon));
        }
        self.at += 1;
        self.expected = Expected::Value;
        Ok(Token::Name(name))
    }

    /// Reads a value that begins with that byte; of an array or an object, the first byte.
    fn value(&mut self, first: u8) -> Result<Token<'a>, Error> {
        self.expected = Expected::CommaOrEnd;
        match first {
            b'{' => self.begin(Token::StartObject),
            b'[' => self.begin(Token::StartArray),
            b'"' => self.string().map(Token::String),
            b'-' | b'0'..=b'9' => self.number().map(Token::Number),
            b't' => self.literal(b"true", Token::Bool(true)),
            b'f' => self.literal(b"false", Token::Bool(false)),
            b'n' => self.literal(b"null", Token::Null),
            _ => Err(self.error(ErrorKind::ExpectedValue)),
        }
    }

    fn begin(&mut self, token: Token<'a>) -> Result<Token<'a>, Error> {
        if self.depth == DEPTH_MAX {
            return Err(self.error(ErrorKind::TooDeep));
        }
        self.at += 1;
        self.depth += 1;
        self.levels = self.levels << 1 | u128::from(matches!(token, Token::StartObject));
        self.expected = Expected::FirstOrEnd;
        Ok(token)
    }

    fn literal(&mut self, word: &[u8], token: Token<'a>) -> Result<Token<'a>, Error> {
        for byte in word {
            if self.byte() != *byte {
                return Err(self.error(ErrorKind::ExpectedValue));
            }
            self.at += 1;
        }
        Ok(token)
    }

    /// Reads a number: `-`, an integer without zeros before it, a fraction, an exponent.
    fn number(&mut self) -> Result<&'a [u8], Error> {
        if self.byte() == b'-' {
            self.at += 1;
        }
        if self.byte() == b'0' {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.byte() == b'.' {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte(), b'e' | b'E') {
            self.at += 1;
            if matches!(self.byte(), b'+' | b'-') {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(slice_or_empty(self.text, self.start, self.at))
    }

    /// Steps over digits, at least one.
    fn digits(&mut self) -> Result<(), Error> {
        let first = self.at;
        while self.byte().is_ascii_digit() {
            self.at += 1;
        }
        if self.at == first {
            return Err(self.error(ErrorKind::InvalidNumber));
        }
        Ok(())
    }

    /// Reads a string from its first quote to its last.
    fn string(&mut self) -> Result<Text<'a>, Error> {
        let start = self.at + 1;
        self.at = start;
        loop {
            self.at += plain_bytes(slice_or_empty(self.text, self.at, self.text.len()));
            let dense_end = self.at + DENSE_BYTES;
            while self.at < dense_end {
                match self.byte() {
                    b'"' => {
                        self.at += 1;
                        return Ok(Text::new(slice_or_empty(self.text, start, self.at - 1)));
                    }
                    b'\\' => self.escape()?,
                    0x80.. => self.character()?,
                    ..b' ' => return Err(self.error(ErrorKind::ControlByte)),
                    _ => self.at += 1,
                }
            }
        }
    }

    /// Steps over an escape.
    fn escape(&mut self) -> Result<(), Error> {
        self.at += 1;
        let digits = match self.byte() {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 0,
            b'u' => 4,
            _ => return Err(self.error(ErrorKind::InvalidEscape)),
        };
        self.at += 1;
        for _ in 0..digits {
            if !self.byte().is_ascii_hexdigit() {
                return Err(self.error(ErrorKind::InvalidEscape));
            }
            self.at += 1;
        }
        Ok(())
    }

    /// Steps over a character of more than one byte.
    fn character(&mut self) -> Result<(), Error> {
        let (expected, valid) =
            utf8_sequence_len(slice_or_empty(self.text, self.at, self.text.len()));
        self.at += valid;
        if valid < expected {
            return Err(self.error(ErrorKind::InvalidUtf8));
        }
        Ok(())
    }

    /// The current byte; after the last one NUL, which is valid nowhere.
    fn byte(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or_default()
    }

    fn skip_white_space(&mut self) {
        while matches!(self.byte(), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
    }

    /// An error here; where the text is over, that is the error.
    fn error(&self, kind: ErrorKind) -> Error {
        let is_over = self.at >= self.text.len() && kind != ErrorKind::TrailingBytes;
        Error {
            kind: if is_over {
                ErrorKind::UnexpectedEnd
            } else {
                kind
            },
            at: self.at,
        }
    }
}
