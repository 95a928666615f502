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

/// One line on stderr as it stands, in one write, so that lines of others do not cut it.
pub fn line(text: &str) {
    let mut bytes = text.as_bytes().to_vec();
    bytes.push(b'\n');
    // Nobody is left to be told when stderr itself is gone.
    let _ = io::stderr().write_all(&bytes);
}

/// Bytes on stdout, exactly; on a terminal a missing last newline is added for the reader's sake.
pub fn print(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let mut result = out.write_all(bytes);
    if result.is_ok() && out.is_terminal() && !bytes.is_empty() && !bytes.ends_with(b"\n") {
        result = out.write_all(b"\n");
    }
    result
        .and_then(|()| out.flush())
        .map_err(|error| Failure::new(format!("the answer cannot be written to stdout: {error}")))
}
