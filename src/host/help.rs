//! The output when a person starts the program by hand: `bootstrap --help`, `--version`.

use crate::sys::files::read_prefix;
use crate::sys::{Environment, exit, write_log};

/// Answers `--help` and `--version`, and ends the process then.
///
/// Lambda and every emulator set `AWS_LAMBDA_RUNTIME_API`. Where it is set, the arguments belong to
/// the function (the `CMD` of a container image is the name of the handler), and are not read.
pub fn answer_help_and_version() {
    if Environment::new().get(b"AWS_LAMBDA_RUNTIME_API=").is_some() {
        return;
    }
    let mut arguments = [0; 512];
    let bytes = read_prefix(b"/proc/self/cmdline\0", &mut arguments);
    // The path of the program, one argument, and nothing: each ends with a NUL (proc(5)).
    let mut words = arguments
        .get(..bytes)
        .unwrap_or_default()
        .split(|byte| *byte == 0);
    let text = match (words.nth(1), words.next(), words.next()) {
        (Some(b"--help" | b"-h"), Some(b""), None) => HELP,
        (Some(b"--version" | b"-V"), Some(b""), None) => VERSION,
        _ => return,
    };
    write_log(1, text.as_bytes());
    exit(0)
}

const VERSION: &str = concat!("tinderbox bootstrap ", env!("CARGO_PKG_VERSION"), "\n");

const HELP: &str = concat!(
    "tinderbox bootstrap ",
    env!("CARGO_PKG_VERSION"),
    ": a custom runtime for AWS Lambda.

Not to be started by hand: put this file, named bootstrap, into the zip of a function or into a
layer, and Lambda starts it. On a workstation, \"tinderbox run\" does.

_HANDLER names what it runs for each event: a shell function (function.handler), a program, or a
function in PHP, Node, Python or Ruby (index.handler).
"
);
