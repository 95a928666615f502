//! The option `--function NAME=DIR,handler=H,...`: one of several functions of a tool.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::time::Duration;

use crate::arguments;
use crate::output::Failure;

/// A function of the command line; what is `None` has the value that all functions have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionOptions {
    pub name: String,
    /// The bootstrap, or the folder with it.
    pub target: PathBuf,
    pub task_root: Option<PathBuf>,
    pub handler: Option<String>,
    pub timeout: Option<Duration>,
    pub memory_mb: Option<u32>,
    pub variables: Vec<(OsString, OsString)>,
}

impl FunctionOptions {
    /// A function without settings of its own.
    pub fn new(name: String, target: PathBuf) -> FunctionOptions {
        FunctionOptions {
            name,
            target,
            task_root: None,
            handler: None,
            timeout: None,
            memory_mb: None,
            variables: Vec::new(),
        }
    }

    /// Parses the option's value. Two commas stand for one within a setting.
    pub fn parse(value: &OsStr) -> Result<FunctionOptions, Failure> {
        let mut parts = split_at_commas(value.as_bytes()).into_iter();
        let first = parts.next().unwrap_or_default();
        let (name, target) = match split_at_equals(&first) {
            Some((name, target)) if !target.is_empty() => (name, target),
            _ => {
                return Err(Failure::new(format!(
                    "invalid --function '{}': expected NAME=DIR or NAME=BOOTSTRAP, then settings",
                    value.display()
                )));
            }
        };
        let name = arguments::plain_function_name("--function", text(name)?)?;
        let mut options = FunctionOptions::new(name, owned(target).into());
        for part in parts {
            options.set(&part)?;
        }
        Ok(options)
    }

    fn set(&mut self, part: &[u8]) -> Result<(), Failure> {
        let (key, value) = split_at_equals(part).unwrap_or((part, b""));
        match key {
            b"handler" => self.handler = Some(arguments::handler(text(value)?)?),
            b"timeout" => {
                let timeout = arguments::seconds("timeout of a function", &text(value)?)?;
                self.timeout = Some(timeout);
            }
            b"memory" => self.memory_mb = Some(arguments::memory(&text(value)?)?),
            b"task-root" if !value.is_empty() => self.task_root = Some(owned(value).into()),
            _ => match part.strip_prefix(b"env:") {
                Some(variable) => {
                    let variable = arguments::variable(&owned(variable))?;
                    self.variables.push(variable);
                }
                None => {
                    return Err(Failure::new(format!(
                        "invalid setting '{}' of the function {}: expected handler=H, timeout=S, \
                         memory=MB, task-root=DIR or env:NAME=VALUE after a comma (write two \
                         commas for one in a value)",
                        String::from_utf8_lossy(part),
                        self.name
                    )));
                }
            },
        }
        Ok(())
    }
}

fn owned(bytes: &[u8]) -> OsString {
    OsString::from_vec(bytes.to_vec())
}

fn text(bytes: &[u8]) -> Result<String, Failure> {
    String::from_utf8(bytes.to_vec()).map_err(|_| {
        let shown = String::from_utf8_lossy(bytes);
        Failure::new(format!("invalid --function '{shown}': expected UTF-8"))
    })
}

fn split_at_equals(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|&byte| byte == b'=')?;
    Some((&text[..at], &text[at + 1..]))
}

fn split_at_commas(text: &[u8]) -> Vec<Vec<u8>> {
    let mut parts = vec![Vec::new()];
    let mut bytes = text.iter().peekable();
    while let Some(&byte) = bytes.next() {
        match byte {
            b',' if bytes.next_if_eq(&&b',').is_none() => parts.push(Vec::new()),
            _ => parts
                .last_mut()
                .into_iter()
                .for_each(|part| part.push(byte)),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<FunctionOptions, String> {
        FunctionOptions::parse(OsStr::new(text)).map_err(|failure| failure.text().to_string())
    }

    #[test]
    fn function_option_with_all_settings_is_parsed() {
        let parsed = parse(
            "api=target/api,handler=a.b,timeout=1.5,memory=256,task-root=/srv,env:A=1=2,env:B=x,,y",
        );
        let pair = |name: &str, value: &str| (name.into(), value.into());
        let expected = FunctionOptions {
            name: "api".to_string(),
            target: "target/api".into(),
            task_root: Some("/srv".into()),
            handler: Some("a.b".to_string()),
            timeout: Some(Duration::from_millis(1500)),
            memory_mb: Some(256),
            variables: vec![pair("A", "1=2"), pair("B", "x,y")],
        };
        assert_eq!(parsed, Ok(expected));
        let plain = FunctionOptions::new("a".to_string(), "b,c".into());
        assert_eq!(parse("a=b,,c"), Ok(plain));
    }

    #[test]
    fn function_option_with_a_fault_is_refused() {
        for (text, message) in [
            ("", "invalid --function ''"),
            ("api", "invalid --function 'api'"),
            ("api=", "invalid --function 'api='"),
            ("=dir", "invalid --function ''"),
            ("a b=dir", "invalid --function 'a b'"),
            ("a:1=dir", "invalid --function 'a:1'"),
            ("api=dir,", "invalid setting '' of the function api"),
            (
                "api=dir,env=A=1",
                "invalid setting 'env=A=1' of the function api",
            ),
            ("api=dir,handler=a b", "invalid --handler 'a b'"),
            ("api=dir,timeout=0", "invalid timeout of a function '0'"),
            ("api=dir,memory=1", "invalid --memory '1'"),
            ("api=dir,env:A", "invalid --env 'A'"),
        ] {
            let found = parse(text).expect_err(text);
            assert!(found.starts_with(message), "{text}: {found}");
        }
    }
}
