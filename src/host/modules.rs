//! The language of a handler that is no file: a module in a layer or a vendor folder, a package, a
//! compiled module. The language itself finds and loads it, as its managed runtime does; this
//! module only decides which one that is. It happens after all plain lookups have failed, so the
//! tables are short, and not fast.

use crate::buffer::copy_at;
use crate::host::candidates::Search;
use crate::host::kinds::{KINDS, Kind};
use crate::host::resolve::{AMBIGUOUS, base_of};
use crate::sys::files::{exists, is_file};
use crate::wire::number::Decimal;
use crate::wire::{bytes_eq, find_from, parts, slice_or_empty};

/// The languages, and the folders of their modules, which are those of the managed runtimes (AWS
/// Lambda Developer Guide, "Packaging your layer content"). One that does not begin with a slash is
/// in the task root. `?` stands for a version.
const FOLDERS: [(&[u8], &[u8]); 3] = [
    (
        b"node",
        b"node_modules/:/opt/nodejs/node_modules/:/opt/nodejs/node?/node_modules/",
    ),
    (
        b"python",
        b"/opt/python/:/opt/python/lib/python3.?/site-packages/",
    ),
    (b"ruby", b"/opt/ruby/lib/"),
];

/// What may follow the name of a module in such a folder: nothing, for a folder.
const ENDINGS: &[u8] = b":.js:.py:.pyc:.so:.rb";

/// The files by which a name in the task root is a module of Python, with dots or slashes between
/// its parts. `?` stands for a version of Python 3.
#[cfg(target_arch = "x86_64")]
const PYTHON_ENDINGS: &[u8] = b".py:/__init__.py:.pyc:.so:.abi3.so:.cpython-3?-x86_64-linux-gnu.so";
#[cfg(not(target_arch = "x86_64"))]
const PYTHON_ENDINGS: &[u8] =
    b".py:/__init__.py:.pyc:.so:.abi3.so:.cpython-3?-aarch64-linux-gnu.so";

/// The files by which a name in the task root is a module of Node; also one without an ending.
const NODE_ENDINGS: &[u8] = b":/index.js:/package.json:/index.cjs:/index.mjs";

/// Where gems are; they are in folders with versions in their names, so the folder has to do.
const GEM_FOLDERS: &[u8] = b"vendor/bundle/ruby:/opt/ruby/gems";

/// The versions that are tried: 3.9 to 3.31 of Python, 9 to 31 of Node.
const VERSIONS: core::ops::Range<usize> = 9..32;

impl Search<'_> {
    /// The language that a target is handed to.
    ///
    /// # Errors
    /// `AMBIGUOUS`, where several languages have the module.
    #[inline(never)]
    pub fn module_language(
        &mut self,
        kind: Option<&'static Kind>,
        target: &[u8],
    ) -> Result<Option<&'static Kind>, &'static str> {
        if let Some(kind) = kind {
            return Ok(Some(kind).filter(|kind| !kind.interpreter.is_empty()));
        }
        // A class of PHP, with its namespace.
        if find_from(target, 0, b'\\') < target.len() {
            return Ok(kind_of(b"php"));
        }
        // The other languages need a function behind a dot.
        let base = base_of(target);
        let dot = target.iter().rposition(|&byte| byte == b'.');
        let Some(dot) = dot.filter(|&dot| dot > base) else {
            return Ok(None);
        };
        let stem = slice_or_empty(target, 0, dot);
        let mut holding = [None; FOLDERS.len()];
        for (place, (word, folders)) in holding.iter_mut().zip(&FOLDERS) {
            if self.holds(word, folders, target, stem) {
                *place = kind_of(word);
            }
        }
        let mut kinds = holding.iter().flatten();
        match (kinds.next(), kinds.next()) {
            (Some(kind), None) => return Ok(Some(kind)),
            (Some(_), Some(_)) => {
                let chosen = self.choose(&mut holding.iter().flatten().copied());
                if chosen.is_some() {
                    return Ok(chosen);
                }
                self.message_len = 0;
                self.append(&[b"several languages have a module ", target, b"; give one:"]);
                for kind in holding.iter().flatten() {
                    self.append(&[b" ", kind.word, b":", target]);
                }
                return Err(AMBIGUOUS);
            }
            _ => {}
        }
        let only = self.choose(&mut KINDS.iter().filter(|kind| !kind.interpreter.is_empty()));
        match only.filter(|kind| !bytes_eq(kind.word, b"php")) {
            Some(kind) if self.is_execution_kind(kind) => return Ok(Some(kind)),
            _ if self.has_any(b"", GEM_FOLDERS) => return Ok(kind_of(b"ruby")),
            Some(kind) => return Ok(Some(kind)),
            None => {}
        }
        self.append(&[
            b" (and no such module in node_modules, /opt/nodejs, /opt/python or /opt/ruby): \
              correct the name, add the file to the package, or give the language of a module \
              elsewhere, as in python:",
            target,
        ]);
        Ok(None)
    }

    /// Whether a stem is a package or a module of Python below the task root, with dots or slashes
    /// between its parts.
    pub fn is_python_package(&mut self, kind: Option<&'static Kind>, stem: &[u8]) -> bool {
        let is_wanted = kind.is_none_or(|kind| bytes_eq(kind.word, b"python"));
        is_wanted && find_from(stem, 0, b'.') < stem.len() && self.is_python_module(stem)
    }

    #[inline(never)]
    fn is_python_module(&mut self, stem: &[u8]) -> bool {
        let mut buf = [0; 1024];
        let bytes = copy_at(&mut buf, 0, stem);
        for byte in &mut buf {
            if *byte == b'.' {
                *byte = b'/';
            }
        }
        bytes == stem.len() && self.has_any(slice_or_empty(&buf, 0, bytes), PYTHON_ENDINGS)
    }

    /// Whether a language has the module of a target.
    fn holds(&mut self, word: &[u8], folders: &[u8], target: &[u8], stem: &[u8]) -> bool {
        match word {
            b"python" if self.is_python_module(stem) => return true,
            b"node" if self.is_node_module(target) => return true,
            _ => {}
        }
        // `@scope/name`, `package.module`: a module has dots between its parts, or in its name.
        let first = slice_or_empty(target, 0, find_from(target, 0, b'/').min(target.len()));
        let mut end = first.len();
        loop {
            let name = slice_or_empty(first, 0, end);
            let mut folders = parts(folders, b':');
            let endings = || parts(ENDINGS, b':');
            if folders.any(|folder| endings().any(|ending| self.has(&[folder, name, ending]))) {
                return true;
            }
            match name.iter().rposition(|&byte| byte == b'.') {
                Some(dot) if dot > 0 => end = dot,
                _ => return false,
            }
        }
    }

    /// Whether a stem of the target is a folder that is a module of Node, or a file without an
    /// ending.
    fn is_node_module(&mut self, target: &[u8]) -> bool {
        let base = base_of(target);
        let mut stem = target;
        while let Some(dot) = stem.iter().rposition(|&byte| byte == b'.')
            && dot > base
        {
            stem = slice_or_empty(stem, 0, dot);
            if self.has_any(stem, NODE_ENDINGS) {
                return true;
            }
        }
        false
    }

    /// Whether there is a file of this stem with one of the endings; or, without a stem, one of the
    /// folders.
    fn has_any(&mut self, stem: &[u8], endings: &[u8]) -> bool {
        let mut endings = parts(endings, b':');
        endings.any(|ending| {
            let is_there = self.has(&[stem, ending]);
            is_there && (stem.is_empty() || is_file(self.path()))
        })
    }

    /// Whether there is something at a path of these pieces, which is absolute or in the task root.
    #[inline(never)]
    fn has(&mut self, pieces: &[&[u8]]) -> bool {
        let mut buf = [0; 1024];
        let mut bytes = 0;
        for piece in pieces {
            bytes += copy_at(&mut buf, bytes, piece);
        }
        let text = slice_or_empty(&buf, 0, bytes);
        let mark = find_from(text, 0, b'?');
        let before = slice_or_empty(text, 0, mark.min(text.len()));
        let behind = slice_or_empty(text, mark + 1, text.len());
        for version in VERSIONS {
            let version = Decimal::new(version);
            let version = match behind {
                [] => b"",
                _ => version.as_bytes(),
            };
            let path = [before, version, behind];
            let bytes = match before {
                [b'/', ..] => self.set_absolute_path(&path),
                _ => self.set_path(&path),
            };
            if exists(slice_or_empty(self.path, 0, bytes)) {
                return true;
            }
            if behind.is_empty() {
                break;
            }
        }
        false
    }
}

/// The kind of a word.
#[inline(never)]
fn kind_of(word: &[u8]) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| bytes_eq(kind.word, word))
}
