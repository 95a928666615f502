//! Splits a command line into positional arguments and options.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use crate::output::Failure;

/// One element of the command line.
pub enum Arg {
    Positional(OsString),
    /// The option's name with its dashes.
    Option(String),
}

/// The rest of the command line.
pub struct Args {
    rest: VecDeque<OsString>,
    /// The last option and its value, if it was written `--name=value` and not used yet.
    inline_value: Option<(String, OsString)>,
}

impl Args {
    /// A command line without the program's name.
    pub fn new(args: Vec<OsString>) -> Args {
        Args {
            rest: args.into(),
            inline_value: None,
        }
    }

    /// The next argument, whatever its form.
    pub fn next_raw(&mut self) -> Option<OsString> {
        self.rest.pop_front()
    }

    /// The next positional argument or option.
    pub fn next(&mut self) -> Result<Option<Arg>, Failure> {
        if let Some((name, value)) = &self.inline_value {
            let value = value.display();
            return Err(Failure::new(format!(
                "unexpected value '{value}' for {name}, which takes none"
            )));
        }
        let Some(arg) = self.rest.pop_front() else {
            return Ok(None);
        };
        if !arg.as_bytes().starts_with(b"-") || arg == "-" {
            return Ok(Some(Arg::Positional(arg)));
        }
        let bytes = arg.as_bytes();
        let (name, value) = match bytes.iter().position(|&byte| byte == b'=') {
            Some(end) => (&bytes[..end], Some(&bytes[end + 1..])),
            None => (bytes, None),
        };
        match std::str::from_utf8(name) {
            // `-x=1` would be ambiguous for a short option.
            Ok(name) if value.is_none() || name.starts_with("--") => {
                let value = value.map(|value| OsString::from_vec(value.to_vec()));
                self.inline_value = value.map(|value| (name.to_string(), value));
                Ok(Some(Arg::Option(name.to_string())))
            }
            _ => {
                let arg = arg.display();
                Err(Failure::new(format!("unexpected option '{arg}'")))
            }
        }
    }

    /// The value of the last option.
    pub fn value(&mut self, name: &str) -> Result<OsString, Failure> {
        let value = match self.inline_value.take() {
            Some((_, value)) => Some(value),
            None => self.rest.pop_front(),
        };
        value.ok_or_else(|| Failure::new(format!("missing value for {name}")))
    }

    /// The value of the last option as text.
    pub fn text(&mut self, name: &str) -> Result<String, Failure> {
        self.value(name)?.into_string().map_err(|value| {
            let value = value.display();
            Failure::new(format!("invalid {name} '{value}': expected UTF-8"))
        })
    }
}
