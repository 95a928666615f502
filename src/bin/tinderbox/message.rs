//! How the tool speaks: answers on stdout, everything else as whole lines on stderr.
//!
//! `println!` and `eprintln!` panic when the other end is gone; nothing here does.

use std::io::{self, IsTerminal, Write};

/// Why a command did nothing: one line for the reader. The exit status is 2.
pub struct Failure(String);

impl Failure {
    /// A failure with its line, without the leading `tinderbox: `.
    pub fn new(text: impl Into<String>) -> Failure {
        Failure(text.into())
    }

    /// The line.
    pub fn text(&self) -> &str {
        &self.0
    }
}

/// One line of the tool's own on stderr.
pub fn say(text: &str) {
    line(&format!("tinderbox: {text}"));
}

/// A line break within a line: what follows is indented, so that it is taken for no other line.
const CONTINUED: &str = "\n    ";

/// One line on stderr, in one write, so that lines of others do not cut it. Texts of others in it
/// (names, messages, answers) do nothing to a terminal, and do not make lines of their own.
pub fn line(text: &str) {
    let parts = text.split(CONTINUED);
    let parts: Vec<String> = parts.map(|part| shown(part.as_bytes(), &['\t'])).collect();
    let mut bytes = parts.join(CONTINUED).into_bytes();
    bytes.push(b'\n');
    // Nobody is left to be told when stderr itself is gone.
    let _ = io::stderr().write_all(&bytes);
}

/// Bytes on stdout, exactly; on a terminal, as `shown`, and a missing last newline is added for the
/// reader's sake.
pub fn print(bytes: &[u8]) -> Result<(), Failure> {
    let out = io::stdout().lock();
    let is_cut = out.is_terminal() && !bytes.is_empty() && !bytes.ends_with(b"\n");
    print_piece(bytes)?;
    match is_cut {
        true => print_piece(b"\n"),
        false => Ok(()),
    }
}

/// Bytes on stdout, exactly; on a terminal, as `shown`.
pub fn print_piece(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let result = match out.is_terminal() {
        true => out.write_all(shown(bytes, &['\t', '\n']).as_bytes()),
        false => out.write_all(bytes),
    };
    result
        .and_then(|()| out.flush())
        .map_err(|error| Failure::new(format!("the answer cannot be written to stdout: {error}")))
}

/// Text that a terminal shows and does not obey: control characters but for these, C0 and C1
/// (ECMA-48), and those that turn the direction of writing, as `\u{1b}`; bytes that are no UTF-8 as
/// `\xff`.
pub fn shown(bytes: &[u8], allowed: &[char]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for letter in chunk.valid().chars() {
            let turns = matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}');
            match letter {
                '\n' if !allowed.contains(&letter) => text += "\\n",
                _ if (letter.is_control() || turns) && !allowed.contains(&letter) => {
                    text.extend(letter.escape_unicode());
                }
                _ => text.push(letter),
            }
        }
        for byte in chunk.invalid() {
            text += &format!("\\x{byte:02x}");
        }
    }
    text
}
