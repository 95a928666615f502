//! The files that `_HANDLER` may mean: which of them exist.

use crate::buffer::copy_at;
use crate::host::interpreter::find_program;
use crate::host::kinds::{KINDS, Kind, PROGRAM, Target};
use crate::host::paths::concat_into;
use crate::host::resolve::AMBIGUOUS;
use crate::sys::Environment;
use crate::sys::files::{Program, is_file, is_folder, program};
use crate::wire::{find_from, slice_or_empty};

/// A handler that was found.
pub struct Candidate<'a> {
    pub kind: &'static Kind,
    /// The length of its path, with the NUL.
    pub path_bytes: usize,
    pub name: &'a [u8],
}

/// A search for the handler.
pub struct Search<'a> {
    pub environment: &'a Environment,
    /// The folder of relative targets; empty for an absolute one.
    pub root: &'a [u8],
    /// The path that is tried.
    pub path: &'a mut [u8],
    /// The error: the paths that were tried, or those that were found.
    pub message: &'a mut [u8],
    pub message_len: usize,
}

impl Search<'_> {
    /// A file that is named exactly so; it may be this program.
    #[inline(never)]
    pub fn exact<'a>(
        &mut self,
        kind: Option<&'static Kind>,
        target: &[u8],
        is_own: &mut bool,
    ) -> Option<Candidate<'a>> {
        let path_bytes = self.set_path(&[target]);
        let path = slice_or_empty(self.path, 0, path_bytes);
        let named = KINDS.iter().find(|kind| {
            let mut files = kind.files.iter();
            kind.is_name_optional && files.any(|(_, suffix)| target.ends_with(suffix))
        });
        let found = match kind {
            None if named.is_some() && is_file(path) => named,
            Some(kind) if kind.is_name_optional => Some(kind).filter(|_| is_file(path)),
            None => executable(path, PROGRAM, is_own),
            Some(kind) => match kind.target {
                Target::Executable => executable(path, kind, is_own),
                Target::File => Some(kind).filter(|_| is_file(path)),
                Target::Folder => Some(kind).filter(|_| is_folder(path)),
                Target::Named => None,
            },
        };
        if found.is_none() {
            let what: &[u8] = match kind.map(|kind| kind.target) {
                None | Some(Target::Executable) if is_file(path) => b" (no executable)",
                Some(Target::Folder) if is_file(path) => b" (no folder)",
                Some(Target::File) if is_folder(path) => b" (a folder)",
                _ => b"",
            };
            self.append_path(what);
        }
        found.map(|kind| Candidate {
            kind,
            path_bytes,
            name: b"",
        })
    }

    /// The file that a stem and a function mean: of each kind the first that exists. Of several
    /// kinds the one of `AWS_EXECUTION_ENV`, or the only one that can be run here.
    #[inline(never)]
    pub fn split<'a>(
        &mut self,
        kind: Option<&'static Kind>,
        stem: &[u8],
        name: &'a [u8],
        dotted: bool,
    ) -> Result<Option<Candidate<'a>>, &'static str> {
        let message_mark = self.message_len;
        let is_absolute = self.root.is_empty();
        let wanted = move |of: &&'static Kind| {
            kind.is_none_or(|kind| kind.word == of.word) && (dotted || of.is_name_optional)
        };
        let mut found = Kinds::none();
        for of in KINDS.iter().filter(wanted) {
            for (prefix, suffix) in of.files {
                if is_absolute && !prefix.is_empty() {
                    continue;
                }
                let path_bytes = self.set_path(&[prefix, stem, suffix]);
                if is_file(slice_or_empty(self.path, 0, path_bytes)) {
                    found.push(of, prefix, suffix);
                    break;
                }
                self.append_path(b"");
            }
        }
        if found.count() > 1 {
            let chosen = self.choose(&mut found.iter().map(|(kind, ..)| kind));
            if let Some(chosen) = chosen {
                found.retain(chosen);
            } else {
                self.message_len = 0;
                self.append(&[
                    b"more than one file for this _HANDLER (put the kind before it, as in \
                      node:index.handler):",
                ]);
                for (_, prefix, suffix) in found.iter() {
                    self.set_path(&[prefix, stem, suffix]);
                    self.append_path(b"");
                }
                return Err(AMBIGUOUS);
            }
        }
        let Some((kind, prefix, suffix)) = found.iter().next() else {
            return Ok(None);
        };
        self.message_len = message_mark;
        Ok(Some(Candidate {
            kind,
            path_bytes: self.set_path(&[prefix, stem, suffix]),
            name,
        }))
    }

    /// The whole target as a handler of this kind, whose language resolves it.
    pub fn whole<'a>(&mut self, kind: &'static Kind, target: &[u8]) -> Candidate<'a> {
        Candidate {
            kind,
            path_bytes: concat_into(self.path, &[target, b"\0"]),
            name: b"",
        }
    }

    /// Of several kinds, the one that the environment decides for.
    #[inline(never)]
    pub fn choose(
        &mut self,
        kinds: &mut dyn Iterator<Item = &'static Kind>,
    ) -> Option<&'static Kind> {
        let (mut chosen, mut count) = (None, 0);
        for kind in kinds {
            if self.is_execution_kind(kind) {
                return Some(kind);
            }
            if self.can_run(kind) {
                (chosen, count) = (Some(kind), count + 1);
            }
        }
        chosen.filter(|_| count == 1)
    }

    /// Whether `AWS_EXECUTION_ENV` names the managed runtime of this kind: `AWS_Lambda_python3.13`.
    pub fn is_execution_kind(&self, kind: &Kind) -> bool {
        let value = self.environment.get(b"AWS_EXECUTION_ENV=");
        let name = value.and_then(|value| value.strip_prefix(b"AWS_Lambda_"));
        !kind.interpreter.is_empty() && name.is_some_and(|name| name.starts_with(kind.word))
    }

    /// Whether there is an interpreter for this kind. (There is a shell, or no script at all.)
    #[inline(never)]
    pub fn can_run(&mut self, kind: &Kind) -> bool {
        kind.interpreter.is_empty()
            || find_program(self.environment, self.path, kind.interpreter).is_some()
    }

    /// Sets the path that is tried: the root, and the pieces. Returns its length with its NUL.
    pub fn set_path(&mut self, pieces: &[&[u8]]) -> usize {
        let bytes = concat_into(self.path, &[self.root, b"/"]);
        self.set_path_from(bytes, pieces)
    }

    /// Sets the path that is tried, without the root. Returns its length with its NUL.
    pub fn set_absolute_path(&mut self, pieces: &[&[u8]]) -> usize {
        self.set_path_from(0, pieces)
    }

    #[inline(never)]
    fn set_path_from(&mut self, start: usize, pieces: &[&[u8]]) -> usize {
        let mut bytes = start;
        for piece in pieces {
            bytes += copy_at(self.path, bytes, piece);
        }
        // A path that is too long has no NUL, and no file such a name.
        bytes += copy_at(self.path, bytes, b"\0");
        bytes
    }

    /// The path that was set last, with its NUL.
    pub fn path(&self) -> &[u8] {
        slice_or_empty(self.path, 0, find_from(self.path, 0, 0) + 1)
    }

    /// Appends to the message.
    #[inline(never)]
    pub fn append(&mut self, pieces: &[&[u8]]) {
        for piece in pieces {
            self.message_len += copy_at(self.message, self.message_len, piece);
        }
    }

    /// Appends the path that is tried to the message, followed by a text.
    #[inline(never)]
    pub fn append_path(&mut self, behind: &[u8]) {
        let path = slice_or_empty(self.path, 0, find_from(self.path, 0, 0));
        for piece in [b" ", path, behind] {
            self.message_len += copy_at(self.message, self.message_len, piece);
        }
    }
}

/// A kind, with prefix and suffix of the file that was found.
type Found = (&'static Kind, &'static [u8], &'static [u8]);

/// The kinds that were found.
struct Kinds([Option<Found>; NAMED_KINDS_MAX]);

/// The most kinds whose files are searched.
const NAMED_KINDS_MAX: usize = 8;

impl Kinds {
    fn none() -> Kinds {
        Kinds([None; _])
    }

    fn push(&mut self, kind: &'static Kind, prefix: &'static [u8], suffix: &'static [u8]) {
        if let Some(place) = self.0.iter_mut().find(|place| place.is_none()) {
            *place = Some((kind, prefix, suffix));
        }
    }

    fn iter(&self) -> impl Iterator<Item = Found> {
        self.0.iter().flatten().copied()
    }

    fn count(&self) -> usize {
        self.iter().count()
    }

    fn retain(&mut self, chosen: &Kind) {
        for place in &mut self.0 {
            *place = place.filter(|(kind, ..)| core::ptr::eq(*kind, chosen));
        }
    }
}

/// This kind, if there is an executable at the path.
fn executable(path: &[u8], kind: &'static Kind, is_own: &mut bool) -> Option<&'static Kind> {
    program(path).map(|program| {
        *is_own = program == Program::Own;
        kind
    })
}
