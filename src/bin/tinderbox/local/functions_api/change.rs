//! What a call changes.

use std::fmt;

/// What the engine has to do after a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// There is a new function.
    Created(String),
    /// The code or the configuration of `$LATEST` has changed: its environments finish their
    /// events and are replaced.
    Restart(String),
    /// The function is gone, or one of its published versions.
    Deleted {
        name: String,
        version: Option<String>,
    },
}

impl fmt::Display for Change {
    /// The line of the tool's log.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::Created(name) => write!(out, "the function {name} is created"),
            Change::Restart(name) => write!(out, "the function {name} is updated"),
            Change::Deleted {
                name,
                version: None,
            } => write!(out, "the function {name} is deleted"),
            Change::Deleted {
                name,
                version: Some(version),
            } => write!(out, "version {version} of the function {name} is deleted"),
        }
    }
}
