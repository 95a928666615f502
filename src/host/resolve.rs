//! Resolves `_HANDLER`: to the file, the name of the function in it, and the kind of both.
//!
//! `[kind:]target[.function]`. A file that is named exactly so comes first; else the target is
//! split at a dot, the last one first (Ruby and Node have dots in the names of functions).

use crate::buffer::copy_at;
use crate::failure::Failure;
use crate::host::kinds::{KINDS, Kind, PROGRAM};
use crate::host::paths::{concat_into, freeze};
use crate::host::target::{normalise, split_kind};
use crate::limits::{PATH_BYTES_MAX, RESOLVE_MESSAGE_BYTES_MAX};
use crate::sys::files::{Program, is_file, program};
use crate::sys::{Environment, TakeOnce};
use crate::wire::{bytes_eq, find_from, slice_or_empty};

/// A resolved handler. The texts have a NUL at their end.
pub struct ResolvedHandler {
    /// Its kind.
    pub kind: &'static Kind,
    /// Its file.
    pub path: &'static [u8],
    /// The function in it; empty: the callable that the file returns.
    pub name: &'static [u8],
}

struct Buffers {
    /// The path that is tried, at last that of the handler.
    path: [u8; PATH_BYTES_MAX],
    name: [u8; PATH_BYTES_MAX],
    /// The paths that were tried, or those that were found.
    message: [u8; RESOLVE_MESSAGE_BYTES_MAX],
    /// The target in its shortest form.
    target: [u8; PATH_BYTES_MAX],
}

static BUFFERS: TakeOnce<Buffers> = TakeOnce::new(Buffers {
    path: [0; _],
    name: [0; _],
    message: [0; _],
    target: [0; _],
});

/// Resolves the handler that the environment names.
///
/// # Errors
/// `Runtime.HandlerNotFound`, with every path that was tried; `Runtime.AmbiguousHandler`, with
/// those that were found; `Runtime.MalformedHandlerName`, where `_HANDLER` cannot name a handler.
pub fn resolve_handler(environment: &Environment) -> Result<ResolvedHandler, Failure> {
    let handler = environment.get(b"_HANDLER=").unwrap_or_default();
    let root = environment.get(b"LAMBDA_TASK_ROOT=").unwrap_or(b".");
    let Some(buffers) = BUFFERS.take() else {
        return Err(Failure::new(NOT_FOUND, "init was called twice"));
    };
    if handler.is_empty() {
        let text = "_HANDLER is not set: set the function's handler";
        return Err(Failure::new(MALFORMED, text));
    }
    let mut resolver = Resolver {
        root,
        path: &mut buffers.path,
        message: &mut buffers.message,
        message_len: 0,
    };
    let outcome = resolver.run(handler, &mut buffers.target);
    let message_len = resolver.message_len;
    match outcome {
        Ok(candidate) => Ok(ResolvedHandler {
            kind: candidate.kind,
            path: freeze(&mut buffers.path, candidate.path_bytes),
            name: {
                let bytes = concat_into(&mut buffers.name, &[candidate.name, b"\0"]);
                freeze(&mut buffers.name, bytes)
            },
        }),
        Err(error_type) => Err(Failure::from_bytes(
            error_type,
            freeze(&mut buffers.message, message_len),
        )),
    }
}

/// The types of the failures; all but `AMBIGUOUS` are AWS's.
const NOT_FOUND: &str = "Runtime.HandlerNotFound";
const MALFORMED: &str = "Runtime.MalformedHandlerName";
const AMBIGUOUS: &str = "Runtime.AmbiguousHandler";

/// A handler that was found.
struct Candidate<'a> {
    kind: &'static Kind,
    path_bytes: usize,
    name: &'a [u8],
}

struct Resolver<'a> {
    root: &'a [u8],
    path: &'a mut [u8],
    message: &'a mut [u8],
    message_len: usize,
}

impl Resolver<'_> {
    fn run<'a>(
        &mut self,
        handler: &'a [u8],
        buf: &'a mut [u8],
    ) -> Result<Candidate<'a>, &'static str> {
        let (kind, target) = split_kind(handler);
        if let Some(Err(word)) = kind {
            self.append(&[b"_HANDLER names the kind ", word, b", which is none of:"]);
            for kind in &KINDS {
                self.append(&[b" ", kind.word]);
            }
            return Err(MALFORMED);
        }
        if target.is_empty() {
            self.append(&[b"_HANDLER names no file behind the kind: ", handler]);
            return Err(MALFORMED);
        }
        let kind = kind.and_then(Result::ok);
        let mut names = target.split(|&byte| byte == b'/');
        let ends = target.starts_with(b"/") || target.ends_with(b"/");
        let fits = target.len() < PATH_BYTES_MAX && !ends;
        let target = normalise(target, buf);
        if !fits || target.is_empty() || names.any(|name| name == b"..") {
            self.append(&[b"not the name of a handler within the task root: ", handler]);
            return Err(MALFORMED);
        }
        if bytes_eq(target, b"bootstrap") {
            return Err(self.refuse_own(handler));
        }
        self.append(&[b"no handler ", handler, b", tried:"]);
        let mut is_own = false;
        if let Some(candidate) = self.exact(kind, target, &mut is_own) {
            if is_own {
                return Err(self.refuse_own(handler));
            }
            return Ok(candidate);
        }
        if kind.is_some_and(|kind| kind.files.is_empty()) {
            return Err(NOT_FOUND);
        }
        let mut end = target.len();
        loop {
            let dot = slice_or_empty(target, 0, end)
                .iter()
                .rposition(|&byte| byte == b'.');
            // Without a dot, a function may be named like its file.
            let base = target
                .iter()
                .rposition(|&byte| byte == b'/')
                .map_or(0, |at| at + 1);
            let (stem, name, dotted) = match dot.filter(|&dot| dot > base) {
                Some(dot) => (
                    slice_or_empty(target, 0, dot),
                    slice_or_empty(target, dot + 1, target.len()),
                    true,
                ),
                None if end < target.len() => return Err(NOT_FOUND),
                None => (target, slice_or_empty(target, base, target.len()), false),
            };
            if let Some(candidate) = self.split(kind, stem, name, dotted)? {
                return Ok(candidate);
            }
            if !dotted {
                return Err(NOT_FOUND);
            }
            end = stem.len();
        }
    }

    /// A file that is named exactly so; it may be this program.
    fn exact<'a>(
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
            Some(kind) if kind.files.is_empty() => executable(path, kind, is_own),
            Some(_) => None,
        };
        if found.is_none() {
            let what: &[u8] = if is_file(path) {
                b" (no executable)"
            } else {
                b""
            };
            self.append_path(what);
        }
        found.map(|kind| Candidate {
            kind,
            path_bytes,
            name: b"",
        })
    }

    /// The files that a stem and a function may mean: one of them.
    fn split<'a>(
        &mut self,
        kind: Option<&'static Kind>,
        stem: &[u8],
        name: &'a [u8],
        dotted: bool,
    ) -> Result<Option<Candidate<'a>>, &'static str> {
        let message_mark = self.message_len;
        let mut chosen: Option<(&'static Kind, &[u8], &[u8])> = None;
        let mut count = 0;
        let wanted = move |of: &&'static Kind| {
            kind.is_none_or(|kind| kind.word == of.word) && (dotted || of.is_name_optional)
        };
        let files = || {
            let kinds = KINDS.iter().filter(wanted);
            kinds.flat_map(|kind| kind.files.iter().map(move |file| (kind, file)))
        };
        for (of, (prefix, suffix)) in files() {
            // A second place counts only where there is nothing at the first.
            if !prefix.is_empty() && chosen.is_some_and(|(kind, ..)| kind.word == of.word) {
                continue;
            }
            let bytes = self.set_path(&[prefix, stem, suffix]);
            if is_file(slice_or_empty(self.path, 0, bytes)) {
                count += 1;
                chosen = chosen.or(Some((of, prefix, suffix)));
            } else {
                self.append_path(b"");
            }
        }
        if count > 1 {
            self.message_len = 0;
            self.append(&[
                b"more than one file for this _HANDLER (say which kind: node:",
                stem,
            ]);
            self.append(&[b".", name, b"):"]);
            for (_, (prefix, suffix)) in files() {
                let bytes = self.set_path(&[prefix, stem, suffix]);
                if is_file(slice_or_empty(self.path, 0, bytes)) {
                    self.append_path(b"");
                }
            }
            return Err(AMBIGUOUS);
        }
        let Some((kind, prefix, suffix)) = chosen else {
            return Ok(None);
        };
        self.message_len = message_mark;
        Ok(Some(Candidate {
            kind,
            path_bytes: self.set_path(&[prefix, stem, suffix]),
            name,
        }))
    }

    /// Sets the path that is tried: the root, and the pieces. Returns its length with its NUL.
    fn set_path(&mut self, pieces: &[&[u8]]) -> usize {
        let mut bytes = concat_into(self.path, &[self.root, b"/"]);
        for piece in pieces {
            bytes += copy_at(self.path, bytes, piece);
        }
        // A path that is too long has no NUL, and no file such a name.
        bytes += copy_at(self.path, bytes, b"\0");
        bytes
    }

    fn append(&mut self, pieces: &[&[u8]]) {
        for piece in pieces {
            self.message_len += copy_at(self.message, self.message_len, piece);
        }
    }

    /// The handler is this program, which would start itself without end.
    fn refuse_own(&mut self, handler: &[u8]) -> &'static str {
        self.message_len = 0;
        self.append(&[b"_HANDLER names the runtime itself: ", handler]);
        NOT_FOUND
    }

    /// Appends the path that is tried to the message, followed by a text.
    fn append_path(&mut self, behind: &[u8]) {
        let path = slice_or_empty(self.path, 0, find_from(self.path, 0, 0));
        for piece in [b" ", path, behind] {
            self.message_len += copy_at(self.message, self.message_len, piece);
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
