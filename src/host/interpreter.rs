//! Where interpreters are: `$LAMBDA_TASK_ROOT/bin`, `/opt/bin`, where layers have theirs, then
//! `$PATH`; and which one a script asks for.

use crate::host::resolve::join;
use crate::limits::PATH_BYTES_MAX;
use crate::sys::files::{is_executable, read_prefix};
use crate::sys::{Environment, TakeOnce};
use crate::wire::{find, part};

static PATH: TakeOnce<[u8; PATH_BYTES_MAX]> = TakeOnce::new([0; _]);

/// What `PATH` is where it is not set, as Lambda has it.
const USUAL_PATH: &[u8] = b"/usr/local/bin:/usr/bin:/bin:/opt/bin";

/// The room for the path of an interpreter.
pub struct InterpreterSearch<'a> {
    environment: &'a Environment,
    path: &'static mut [u8],
}

impl<'a> InterpreterSearch<'a> {
    /// Once.
    pub fn new(environment: &'a Environment) -> Option<InterpreterSearch<'a>> {
        let path = PATH.take()?;
        Some(InterpreterSearch { environment, path })
    }

    /// The path of a program, with a NUL at its end.
    pub fn program(mut self, name: &[u8]) -> Option<&'static [u8]> {
        let bytes = self.look_for(name)?;
        Some(self.keep(bytes))
    }

    /// The path of the shell for a script: that of its first line; without one, bash where there
    /// is such, as the functions of AWS's tutorial want it, else sh.
    pub fn shell(mut self, script: &[u8]) -> Option<&'static [u8]> {
        let mut start = [0; 256];
        let bytes = read_prefix(script, &mut start);
        let line = part(&start, 0, find(&start, 0, b'\n').min(bytes));
        let bytes = match line.strip_prefix(b"#!") {
            Some(line) => self.asked_for(line)?,
            None => self.look_for(b"bash").or_else(|| self.look_for(b"sh"))?,
        };
        Some(self.keep(bytes))
    }

    /// What the first line of a script asks for, also by way of env(1).
    fn asked_for(&mut self, line: &[u8]) -> Option<usize> {
        let mut words = line
            .split(|byte| byte.is_ascii_whitespace())
            .filter(|word| !word.is_empty() && !word.starts_with(b"-"));
        let mut path = words.next()?;
        if path.ends_with(b"/env") {
            path = words.next()?;
        }
        let bytes = join(self.path, &[path, b"\0"]);
        if path.starts_with(b"/") && is_executable(part(self.path, 0, bytes)) {
            return Some(bytes);
        }
        let name = path.rsplit(|byte| *byte == b'/').next()?;
        self.look_for(name)
    }

    /// Looks for a program, and leaves its path. Returns its length.
    fn look_for(&mut self, name: &[u8]) -> Option<usize> {
        let value = |variable| self.environment.get(variable);
        let root = value(b"LAMBDA_TASK_ROOT=").unwrap_or(b".");
        let path = value(b"PATH=").unwrap_or(USUAL_PATH);
        let mut bytes = join(self.path, &[root, b"/bin/", name, b"\0"]);
        if is_executable(part(self.path, 0, bytes)) {
            return Some(bytes);
        }
        let mut folders =
            core::iter::once(&b"/opt/bin"[..]).chain(path.split(|byte| *byte == b':'));
        folders.find_map(|folder| {
            bytes = join(self.path, &[folder, b"/", name, b"\0"]);
            is_executable(part(self.path, 0, bytes)).then_some(bytes)
        })
    }

    fn keep(self, bytes: usize) -> &'static [u8] {
        part(self.path, 0, bytes)
    }
}
