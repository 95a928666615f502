//! The search for interpreters: in `$LAMBDA_TASK_ROOT/bin`, in `/opt/bin`, where layers have
//! theirs, then in `$PATH`; and which shell a script names.

#[cfg(feature = "web")]
use crate::buffer::FixedBytes;
use crate::host::paths::{concat_into, freeze};
use crate::limits::PATH_BYTES_MAX;
use crate::sys::files::{is_executable, read_prefix};
use crate::sys::{Environment, TakeOnce};
#[cfg(feature = "web")]
use crate::wire::number::Decimal;
use crate::wire::{find_from, parts, slice_or_empty};

static PATH: TakeOnce<[u8; PATH_BYTES_MAX]> = TakeOnce::new([0; _]);

/// `PATH` where it is not set, as Lambda has it.
const DEFAULT_PATH: &[u8] = b"/usr/local/bin:/usr/bin:/bin:/opt/bin";

/// Where a server is searched for.
#[cfg(feature = "web")]
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the function, and in layers.
    Package,
    /// In `PATH`, and in the folders of administrators.
    System,
}

/// A search for one interpreter.
pub struct InterpreterSearch<'a> {
    environment: &'a Environment,
    path: &'static mut [u8],
}

impl<'a> InterpreterSearch<'a> {
    /// `None` on the second call: the path buffer is static.
    pub fn new(environment: &'a Environment) -> Option<InterpreterSearch<'a>> {
        let path = PATH.take()?;
        Some(InterpreterSearch { environment, path })
    }

    /// The path of a program, with a NUL at its end.
    pub fn program(mut self, name: &[u8]) -> Option<&'static [u8]> {
        let bytes = self.search_path(name)?;
        Some(freeze(self.path, bytes))
    }

    /// The path of the first of these programs that is found, with a NUL at its end: what the
    /// function or a layer brings comes before what the system has.
    #[cfg(feature = "web")]
    pub fn server(mut self, names: &[&[u8]]) -> Option<&'static [u8]> {
        for place in [Place::Package, Place::System] {
            for name in names {
                if let Some(bytes) = self.search_versions(name, place) {
                    return Some(freeze(self.path, bytes));
                }
            }
        }
        None
    }

    /// Searches for a server whose name may have the version of its language behind it, as
    /// distributions of Linux have it: `php-fpm8.2`, `php-fpm82`, `php-fpm8`. The latest version
    /// counts.
    #[cfg(feature = "web")]
    fn search_versions(&mut self, stem: &[u8], place: Place) -> Option<usize> {
        let mut found = self.search_server(&[stem], place);
        // From 9.9 down to 7.0.
        let mut version = 100;
        while found.is_none() && version > 70 {
            version -= 1;
            let digits = Decimal::new(version);
            let major = slice_or_empty(digits.as_bytes(), 0, 1);
            let minor = slice_or_empty(digits.as_bytes(), 1, 2);
            found = self.search_server(&[stem, major, b".", minor], place);
            found = found.or_else(|| self.search_server(&[stem, major, minor], place));
            if matches!(minor, [b'0']) {
                found = found.or_else(|| self.search_server(&[stem, major], place));
            }
        }
        found
    }

    /// Searches for a server, also where systems have programs that only their administrator
    /// starts.
    #[cfg(feature = "web")]
    fn search_server(&mut self, name_pieces: &[&[u8]], place: Place) -> Option<usize> {
        let mut name = FixedBytes::<32>::new();
        for piece in name_pieces {
            name.push(piece);
        }
        let name = name.as_bytes();
        let region = &mut *self.path;
        let mut find = |pieces: [&[u8]; 2]| {
            let [folder, between] = pieces;
            let bytes = concat_into(region, &[folder, between, name, b"\0"]);
            is_executable(slice_or_empty(region, 0, bytes)).then_some(bytes)
        };
        match place {
            Place::Package => {
                let root = self.environment.get(b"LAMBDA_TASK_ROOT=").unwrap_or(b".");
                find([root, b"/bin/"]).or_else(|| find([b"/opt", b"/bin/"]))
            }
            Place::System => {
                let path = self.environment.get(b"PATH=").unwrap_or(DEFAULT_PATH);
                let folders = parts(path, b':');
                folders
                    .chain([&b"/usr/local/sbin"[..], b"/usr/sbin"])
                    .find_map(|folder| find([folder, b"/"]))
            }
        }
    }

    /// The path of the shell for a script: that of its shebang; without one, bash, which the
    /// functions of AWS's tutorial need, or else sh.
    pub fn shell(mut self, script: &[u8]) -> Option<&'static [u8]> {
        let mut start = [0; 256];
        let bytes = read_prefix(script, &mut start);
        let line = slice_or_empty(&start, 0, find_from(&start, 0, b'\n').min(bytes));
        let bytes = match line.strip_prefix(b"#!") {
            Some(line) => self.shebang_interpreter(line)?,
            None => self
                .search_path(b"bash")
                .or_else(|| self.search_path(b"sh"))?,
        };
        Some(freeze(self.path, bytes))
    }

    /// The interpreter that a shebang names, also by way of env(1). Returns the length of its path.
    fn shebang_interpreter(&mut self, line: &[u8]) -> Option<usize> {
        let mut words = line
            .split(|byte| byte.is_ascii_whitespace())
            .filter(|word| !word.is_empty() && !word.starts_with(b"-"));
        let mut path = words.next()?;
        if path.ends_with(b"/env") {
            path = words.next()?;
        }
        let bytes = concat_into(self.path, &[path, b"\0"]);
        if path.starts_with(b"/") && is_executable(slice_or_empty(self.path, 0, bytes)) {
            return Some(bytes);
        }
        let name = path.rsplit(|byte| *byte == b'/').next()?;
        self.search_path(name)
    }

    fn search_path(&mut self, name: &[u8]) -> Option<usize> {
        find_program(self.environment, self.path, name)
    }
}

/// Searches for a program, and writes its path. Returns the length of that.
pub fn find_program(environment: &Environment, region: &mut [u8], name: &[u8]) -> Option<usize> {
    let root = environment.get(b"LAMBDA_TASK_ROOT=").unwrap_or(b".");
    let path = environment.get(b"PATH=").unwrap_or(DEFAULT_PATH);
    let mut bytes = concat_into(region, &[root, b"/bin/", name, b"\0"]);
    if is_executable(slice_or_empty(region, 0, bytes)) {
        return Some(bytes);
    }
    let mut folders = core::iter::once(&b"/opt/bin"[..]).chain(parts(path, b':'));
    folders.find_map(|folder| {
        bytes = concat_into(region, &[folder, b"/", name, b"\0"]);
        is_executable(slice_or_empty(region, 0, bytes)).then_some(bytes)
    })
}
