//! Writes a JSON object whose members have the order in which they are added.

use std::time::Duration;

use crate::output::controls_terminal;

/// The members of an object that is being written.
pub struct Members<'a> {
    out: &'a mut Vec<u8>,
    is_empty: bool,
}

/// Appends an object.
pub fn write_object(out: &mut Vec<u8>, add: impl FnOnce(&mut Members)) {
    out.push(b'{');
    add(&mut Members {
        out,
        is_empty: true,
    });
    out.push(b'}');
}

/// Appends a string. Characters that control a terminal are escaped, also where JSON has no need.
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut plain = 0; // where the characters begin that are written as they are
    for (at, character) in text.char_indices() {
        let escape = match character {
            '"' => "\\\"".to_string(),
            '\\' => "\\\\".to_string(),
            '\n' => "\\n".to_string(),
            '\t' => "\\t".to_string(),
            ' '..='~' => continue,
            // All of them are in the basic plane.
            _ if controls_terminal(character) => format!("\\u{:04x}", u32::from(character)),
            _ => continue,
        };
        out.extend_from_slice(&text.as_bytes()[plain..at]);
        out.extend_from_slice(escape.as_bytes());
        plain = at + character.len_utf8();
    }
    out.extend_from_slice(&text.as_bytes()[plain..]);
    out.push(b'"');
}

impl Members<'_> {
    fn name(&mut self, name: &str) {
        if !self.is_empty {
            self.out.push(b',');
        }
        self.is_empty = false;
        write_string(self.out, name);
        self.out.push(b':');
    }

    pub fn text(&mut self, name: &str, text: &str) {
        self.name(name);
        write_string(self.out, text);
    }

    pub fn integer(&mut self, name: &str, number: u64) {
        self.name(name);
        self.out.extend_from_slice(number.to_string().as_bytes());
    }

    /// Milliseconds with one to three decimals, as Lambda writes them.
    pub fn milliseconds(&mut self, name: &str, duration: Duration) {
        self.name(name);
        let ms = (duration.as_secs_f64() * 1e6).round() / 1e3;
        self.out.extend_from_slice(format!("{ms:?}").as_bytes());
    }

    pub fn object(&mut self, name: &str, add: impl FnOnce(&mut Members)) {
        self.name(name);
        write_object(self.out, add);
    }

    /// A value that is JSON already.
    pub fn value(&mut self, name: &str, json: &[u8]) {
        self.name(name);
        self.out.extend_from_slice(json);
    }
}
