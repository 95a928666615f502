//! The language of a handler that is no file: a module in a layer or a vendor folder, a package, a
//! compiled module. The language itself finds and loads it, as its managed runtime does; here is
//! only decided which one that is. It happens after all plain lookups have failed.

use crate::buffer::copy_at;
use crate::host::candidates::Search;
use crate::host::kinds::{KINDS, Kind};
use crate::host::resolve::{AMBIGUOUS, base_of};
use crate::sys::files::{exists, is_file};
use crate::wire::{bytes_eq, find_from, slice_or_empty};

/// Where a language has its modules. The folders are those of the managed runtimes: AWS Lambda
/// Developer Guide, "Packaging your layer content".
struct Places {
    /// The word of the kind.
    word: &'static [u8],
    /// Folders, with a slash at their end; one that does not begin with a slash is in the task
    /// root. `?` stands for each of the versions.
    folders: &'static [&'static [u8]],
    versions: &'static [&'static [u8]],
    /// What may follow the first part of the target.
    suffixes: &'static [&'static [u8]],
}

const PLACES: [Places; 3] = [
    Places {
        word: b"node",
        folders: &[
            b"node_modules/",
            b"/opt/nodejs/node_modules/",
            b"/opt/nodejs/node?/node_modules/",
        ],
        versions: &[b"18", b"20", b"22", b"24", b"26"],
        suffixes: &[b"", b".js"],
    },
    Places {
        word: b"python",
        folders: &[b"/opt/python/", b"/opt/python/lib/python3.?/site-packages/"],
        versions: MINORS,
        suffixes: &[b"", b".py", b".pyc", b".so"],
    },
    Places {
        word: b"ruby",
        folders: &[b"/opt/ruby/lib/"],
        versions: &[],
        suffixes: &[b"", b".rb"],
    },
];

/// The minor versions of Python 3 that the names of folders and of extension modules have.
const MINORS: &[&[u8]] = &[b"9", b"10", b"11", b"12", b"13", b"14", b"15"];

/// Where gems are; they are in folders with versions in their names, so the folder has to do.
const GEM_FOLDERS: &[&[u8]] = &[b"vendor/bundle/ruby", b"/opt/ruby/gems"];

/// The files that a package or a compiled module of Python may be.
const PYTHON_FILES: &[&[u8]] = &[b".py", b"/__init__.py", b".pyc", b".so", b".abi3.so"];

/// The end of the name of an extension module that is built for one version of Python.
#[cfg(target_arch = "x86_64")]
const PYTHON_ABI: &[u8] = b"-x86_64-linux-gnu.so";
#[cfg(not(target_arch = "x86_64"))]
const PYTHON_ABI: &[u8] = b"-aarch64-linux-gnu.so";

/// The files that a folder is a module of Node by; and a file without an extension.
const NODE_FILES: &[&[u8]] = &[b"/index.js", b"/package.json", b"/index.cjs", b"/index.mjs"];

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
        let holds = PLACES.map(|places| self.holds(&places, target, stem));
        let holding = || {
            let all = PLACES.iter().zip(holds);
            let held = all.filter(|(_, holds)| *holds);
            held.filter_map(|(places, _)| kind_of(places.word))
        };
        match holding().count() {
            0 => {}
            1 => return Ok(holding().next()),
            _ => {
                let chosen = self.choose(&mut holding());
                if chosen.is_some() {
                    return Ok(chosen);
                }
                self.message_len = 0;
                self.append(&[
                    b"several languages have the module ",
                    target,
                    b"; say which:",
                ]);
                for kind in holding() {
                    self.append(&[b" ", kind.word, b":", target]);
                }
                return Err(AMBIGUOUS);
            }
        }
        let mut languages = KINDS.iter().filter(|kind| !kind.interpreter.is_empty());
        if let Some(kind) = languages.find(|kind| self.is_execution_kind(kind)) {
            return Ok(Some(kind));
        }
        if GEM_FOLDERS.iter().any(|folder| self.has(&[folder])) {
            return Ok(kind_of(b"ruby"));
        }
        let mut languages = KINDS.iter().filter(|kind| !kind.interpreter.is_empty());
        let only = self.choose(&mut languages);
        if let Some(kind) = only.filter(|kind| !bytes_eq(kind.word, b"php")) {
            return Ok(Some(kind));
        }
        self.append(&[
            b" (and no such module in node_modules, /opt/nodejs, /opt/python or /opt/ruby): correct the \
              name, add the file to the package, or say the language of a module elsewhere, as in \
              python:",
            target,
        ]);
        Ok(None)
    }

    /// Whether a stem is a package or a module of Python below the task root, with dots or slashes
    /// between its parts.
    pub fn is_python_package(&mut self, kind: Option<&'static Kind>, stem: &[u8]) -> bool {
        let is_wanted = kind.is_none_or(|kind| kind.word == b"python");
        is_wanted && find_from(stem, 0, b'.') < stem.len() && self.is_python_module(stem)
    }

    #[inline(never)]
    fn is_python_module(&mut self, stem: &[u8]) -> bool {
        let mut buf = [0; 1024];
        let bytes = copy_at(&mut buf, 0, stem);
        if bytes < stem.len() {
            return false;
        }
        for byte in &mut buf {
            if *byte == b'.' {
                *byte = b'/';
            }
        }
        let stem = slice_or_empty(&buf, 0, bytes);
        let mut has_file = |pieces: &[&[u8]]| {
            let bytes = self.set_path(pieces);
            is_file(slice_or_empty(self.path, 0, bytes))
        };
        PYTHON_FILES.iter().any(|suffix| has_file(&[stem, suffix]))
            || (MINORS.iter()).any(|minor| has_file(&[stem, b".cpython-3", minor, PYTHON_ABI]))
    }

    /// Whether a language has the module of a target.
    #[inline(never)]
    fn holds(&mut self, places: &Places, target: &[u8], stem: &[u8]) -> bool {
        match places.word {
            b"python" if self.is_python_module(stem) => return true,
            b"node" if self.is_node_module(target) => return true,
            _ => {}
        }
        // `@scope/name`, `package.module`: a module has dots between its parts, or in its name.
        let first = slice_or_empty(target, 0, find_from(target, 0, b'/').min(target.len()));
        let mut end = first.len();
        loop {
            let name = slice_or_empty(first, 0, end);
            if self.has_module(places, name) {
                return true;
            }
            match name.iter().rposition(|&byte| byte == b'.') {
                Some(dot) if dot > 0 => end = dot,
                _ => return false,
            }
        }
    }

    #[inline(never)]
    fn has_module(&mut self, places: &Places, name: &[u8]) -> bool {
        places.folders.iter().any(|folder| {
            let mark = find_from(folder, 0, b'?');
            let before = slice_or_empty(folder, 0, mark.min(folder.len()));
            let behind = slice_or_empty(folder, mark + 1, folder.len());
            let versions = match behind {
                [] => &[&b""[..]],
                _ => places.versions,
            };
            versions.iter().any(|version| {
                let mut suffixes = places.suffixes.iter();
                suffixes.any(|suffix| self.has(&[before, version, behind, name, suffix]))
            })
        })
    }

    /// Whether a stem of the target is a folder that is a module of Node, or a file without an
    /// extension.
    #[inline(never)]
    fn is_node_module(&mut self, target: &[u8]) -> bool {
        let base = base_of(target);
        let mut end = target.len();
        while let Some(dot) = slice_or_empty(target, 0, end)
            .iter()
            .rposition(|&byte| byte == b'.')
            .filter(|&dot| dot > base)
        {
            let stem = slice_or_empty(target, 0, dot);
            let bytes = self.set_path(&[stem]);
            if is_file(slice_or_empty(self.path, 0, bytes))
                || NODE_FILES.iter().any(|file| self.has(&[stem, file]))
            {
                return true;
            }
            end = dot;
        }
        false
    }

    /// Whether there is something at a path of these pieces, which is absolute or in the task root.
    #[inline(never)]
    fn has(&mut self, pieces: &[&[u8]]) -> bool {
        let bytes = if pieces.first().is_some_and(|first| first.starts_with(b"/")) {
            self.set_absolute_path(pieces)
        } else {
            self.set_path(pieces)
        };
        exists(slice_or_empty(self.path, 0, bytes))
    }
}

/// The kind of a word.
fn kind_of(word: &[u8]) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| bytes_eq(kind.word, word))
}
