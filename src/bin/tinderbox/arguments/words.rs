//! A command line, word by word.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use crate::message::Failure;

/// One step through the command line.
pub enum Word {
    Argument(OsString),
    /// With its dashes; what stood behind `=` is the next value.
    Option(String),
}

/// What is left of the command line.
pub struct Words(VecDeque<OsString>);

impl Words {
    /// A command line.
    pub fn new(words: Vec<OsString>) -> Words {
        Words(words.into())
    }

    /// The next word, whatever it is.
    pub fn plain(&mut self) -> Option<OsString> {
        self.0.pop_front()
    }

    /// The next argument or option.
    pub fn next(&mut self) -> Result<Option<Word>, Failure> {
        let Some(word) = self.0.pop_front() else {
            return Ok(None);
        };
        if !word.as_bytes().starts_with(b"-") || word == "-" {
            return Ok(Some(Word::Argument(word)));
        }
        let bytes = word.as_bytes();
        let end = bytes
            .iter()
            .position(|&byte| byte == b'=')
            .unwrap_or(bytes.len());
        if let Some(value) = bytes.get(end + 1..) {
            self.0.push_front(OsString::from_vec(value.to_vec()));
        }
        match std::str::from_utf8(&bytes[..end]) {
            Ok(name) if end == bytes.len() || name.starts_with("--") => {
                Ok(Some(Word::Option(name.to_string())))
            }
            _ => Err(Failure::new(format!("'{}' is no option", word.display()))),
        }
    }

    /// The value of the option that was read last.
    pub fn value(&mut self, name: &str) -> Result<OsString, Failure> {
        let missing = || Failure::new(format!("{name} needs a value"));
        self.0.pop_front().ok_or_else(missing)
    }

    /// The same as text.
    pub fn text(&mut self, name: &str) -> Result<String, Failure> {
        let value = self.value(name)?;
        let shown = value.display().to_string();
        let wrong = |_| Failure::new(format!("{name} '{shown}' is not UTF-8"));
        value.into_string().map_err(wrong)
    }
}
