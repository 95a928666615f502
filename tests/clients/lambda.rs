//! A local Lambda with the function of the tests.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::harness::{Server, wait_until};
use crate::support::{self, TempDir, root};

/// A server, and the folder of its function.
pub struct Lambda {
    server: Server,
    pub folder: TempDir,
}

impl Lambda {
    /// The function in Python, which `bootstrap` hosts.
    pub fn start(options: &[&str]) -> Lambda {
        Lambda::with_handler("function.handler", options)
    }

    /// Another handler of the functions' folder.
    pub fn with_handler(handler: &str, options: &[&str]) -> Lambda {
        let folder = TempDir::new();
        for file in ["function.py", "index.mjs"] {
            copy(&functions().join(file), &folder.path().join(file));
        }
        // Starting Python takes longer than that of a test may, on a busy machine.
        let mut all = vec!["--handler", handler, "--init-timeout", "60"];
        if !options.contains(&"--timeout") {
            all.extend(["--timeout", "60"]);
        }
        all.extend(options);
        let task = folder.path().to_str().expect("UTF-8").to_string();
        all.extend(["--task-root", &task]);
        let server = Server::start_with(&support::bootstrap(), &all, clear_region);
        Lambda { server, folder }
    }

    /// A bootstrap, with its folder.
    pub fn with_bootstrap(bootstrap: &Path, folder: TempDir, options: &[&str]) -> Lambda {
        let server = Server::start_with(bootstrap, options, clear_region);
        Lambda { server, folder }
    }

    /// How many times stderr has a text.
    pub fn count(&self, text: &str) -> usize {
        self.server.stderr().matches(text).count()
    }

    /// Waits until stderr has a text this many times.
    pub fn wait_for_count(&self, text: &str, count: usize) {
        wait_until(&format!("{count} of {text}"), || self.count(text) >= count);
    }
}

impl Deref for Lambda {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

/// Takes the workstation's own region from the tool: ARNs have the region.
pub fn clear_region(command: &mut Command) {
    command
        .env_remove("AWS_REGION")
        .env_remove("AWS_DEFAULT_REGION");
}

/// The folder with the functions of these tests.
pub fn functions() -> PathBuf {
    root().join("tests/clients/functions")
}

/// Copies a file.
pub fn copy(from: &Path, to: &Path) {
    std::fs::copy(from, to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
}

/// The error in the answer of a function that failed: its type and its message.
pub fn function_error(body: &[u8]) -> (String, String) {
    let value: Value = serde_json::from_slice(body)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(body)));
    let text = |name: &str| value[name].as_str().unwrap_or_default().to_string();
    (text("errorType"), text("errorMessage"))
}
