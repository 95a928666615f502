//! The arguments of a command, from an event.
//!
//! | event | arguments |
//! |---|---|
//! | empty | none |
//! | a JSON string | its words |
//! | a list of JSON strings and numbers | the elements, as they are |
//! | `{"cli": ...}` | those of its value, a string or a list; other members do not count |
//!
//! Words are split as a shell does it, which is what events for Bref were written for, and nothing
//! else of a shell has a meaning: white space separates; `'...'` is taken as it is; in `"..."` a
//! backslash quotes `"`, `\`, `$` and a backtick; outside of both it quotes any byte. A backslash
//! before a line feed vanishes with it.

use crate::buffer::FixedBytes;
use crate::limits::{CONSOLE_ARGUMENT_BYTES_MAX, CONSOLE_ARGUMENTS_MAX};
use crate::wire::json::{self, Reader, Text, Token};
use crate::wire::{find_from, slice_or_empty};

/// Why there are no arguments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The event is none of the forms.
    NoSuchForm,
    /// A quote has no end.
    OpenQuote,
    /// An argument has a NUL, which no process can be given.
    Nul,
    /// There are too many of them, or they are too long.
    TooLong,
}

/// Arguments, one after the other, each with a NUL at its end.
pub struct Words {
    text: FixedBytes<CONSOLE_ARGUMENT_BYTES_MAX>,
    count: usize,
    is_too_long: bool,
    has_nul: bool,
}

impl Words {
    /// None.
    pub const fn new() -> Words {
        Words {
            text: FixedBytes::new(),
            count: 0,
            is_too_long: false,
            has_nul: false,
        }
    }

    /// The arguments, each with its NUL.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let text = self.text.as_bytes();
        let mut start = 0;
        core::iter::from_fn(move || {
            let end = find_from(text, start, 0) + 1;
            let word = slice_or_empty(text, start, end);
            start = end;
            (!word.is_empty()).then_some(word)
        })
    }

    /// Takes those of an event instead.
    ///
    /// # Errors
    /// It has none that a process can be given.
    pub fn read(&mut self, event: &[u8]) -> Result<(), Fault> {
        self.text.set(b"");
        (self.count, self.is_too_long, self.has_nul) = (0, false, false);
        if event.trim_ascii().is_empty() {
            return Ok(());
        }
        match json::members(event, [b"cli"]) {
            Ok([Some(cli)]) => self.read_value(cli)?,
            Ok([None]) => return Err(Fault::NoSuchForm),
            Err(_) => self.read_value(event)?,
        }
        if self.has_nul {
            return Err(Fault::Nul);
        }
        if self.is_too_long {
            return Err(Fault::TooLong);
        }
        Ok(())
    }

    /// Reads a string or a list.
    fn read_value(&mut self, value: &[u8]) -> Result<(), Fault> {
        let mut reader = Reader::new(value);
        let mut next = || reader.next().map_err(|_| Fault::NoSuchForm);
        match next()? {
            Some(Token::String(text)) => {
                let mut splitter = Splitter::new(self);
                text.unescape(&mut |piece| splitter.split(piece));
                splitter.finish()?;
            }
            Some(Token::StartArray) => loop {
                match next()? {
                    Some(Token::String(text)) => self.push_text(text),
                    Some(Token::Number(digits)) => {
                        self.push(digits);
                        self.end();
                    }
                    Some(Token::EndArray) => break,
                    _ => return Err(Fault::NoSuchForm),
                }
            },
            _ => return Err(Fault::NoSuchForm),
        }
        match next()? {
            None => Ok(()),
            Some(_) => Err(Fault::NoSuchForm),
        }
    }

    /// An element of a list.
    fn push_text(&mut self, text: Text<'_>) {
        text.unescape(&mut |piece| self.push(piece));
        self.end();
    }

    fn push(&mut self, piece: &[u8]) {
        self.has_nul |= find_from(piece, 0, 0) < piece.len();
        self.is_too_long |= !self.text.try_push(piece);
    }

    fn end(&mut self) {
        self.is_too_long |= !self.text.try_push(b"\0");
        self.count += 1;
        self.is_too_long |= self.count > CONSOLE_ARGUMENTS_MAX;
    }
}

/// Splits a text, which comes in pieces, into words.
struct Splitter<'a> {
    words: &'a mut Words,
    /// The quote that is open; 0: none.
    quote: u8,
    /// A backslash came before.
    is_escaped: bool,
    /// A word has begun; it may be empty.
    in_word: bool,
}

impl<'a> Splitter<'a> {
    fn new(words: &'a mut Words) -> Splitter<'a> {
        Splitter {
            words,
            quote: 0,
            is_escaped: false,
            in_word: false,
        }
    }

    fn split(&mut self, piece: &[u8]) {
        let mut rest = piece;
        while let [byte, behind @ ..] = rest {
            if core::mem::take(&mut self.is_escaped) {
                rest = behind;
                self.push_escaped(*byte);
                continue;
            }
            // A run at once: a call for each byte would be slow.
            let run = rest.iter().take_while(|byte| self.is_plain(**byte)).count();
            if run > 0 {
                self.in_word = true;
                self.words.push(slice_or_empty(rest, 0, run));
                rest = slice_or_empty(rest, run, rest.len());
                continue;
            }
            rest = behind;
            match byte {
                b'\\' => self.is_escaped = true,
                b'\'' | b'"' => {
                    self.quote ^= byte; // opens it, or closes the one that is open
                    self.in_word = true;
                }
                _ => self.end_word(),
            }
        }
    }

    /// Whether a byte stands for itself here.
    fn is_plain(&self, byte: u8) -> bool {
        match (self.quote, byte) {
            (b'\'', _) => byte != b'\'',
            (_, b'\\') => false,
            (0, b'\'' | b'"' | b' ' | b'\t'..=b'\r') => false,
            (b'"', b'"') => false,
            _ => true,
        }
    }

    /// A byte after a backslash, outside of single quotes.
    fn push_escaped(&mut self, byte: u8) {
        if byte == b'\n' {
            return;
        }
        self.in_word = true;
        if self.quote != 0 && !matches!(byte, b'"' | b'\\' | b'$' | b'`') {
            self.words.push(b"\\");
        }
        self.words.push(&[byte]);
    }

    fn end_word(&mut self) {
        if core::mem::take(&mut self.in_word) {
            self.words.end();
        }
    }

    fn finish(mut self) -> Result<(), Fault> {
        if self.quote != 0 {
            return Err(Fault::OpenQuote);
        }
        if self.is_escaped {
            self.in_word = true;
            self.words.push(b"\\"); // with nothing to quote
        }
        self.end_word();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
