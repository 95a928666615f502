//! Resolves `_HANDLER`: to the file, the name of the function in it, and the kind of both.
//!
//! `[kind:]target[.function]`. A file that is named exactly so comes first; else the target is
//! split at a dot, the last one first (Ruby and Node have dots in the names of functions). A target
//! that is no file, but perhaps a module, is left to its language: see `modules`.

use crate::failure::Failure;
use crate::host::candidates::{Candidate, Search};
use crate::host::kinds::{KINDS, Kind, Target};
use crate::host::paths::{concat_into, freeze};
use crate::host::target::{normalise, split_kind};
use crate::limits::{PATH_BYTES_MAX, RESOLVE_MESSAGE_BYTES_MAX};
use crate::sys::{Environment, TakeOnce};
use crate::wire::{bytes_eq, parts, slice_or_empty};

/// A resolved handler. The texts have a NUL at their end.
pub struct ResolvedHandler {
    /// Its kind.
    pub kind: &'static Kind,
    /// Its file; or the whole target, which the language itself resolves: then the name is empty.
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

/// Resolves a handler.
///
/// # Errors
/// `Runtime.HandlerNotFound`, with every path that was tried; `Runtime.AmbiguousHandler`, with
/// those that were found; `Runtime.MalformedHandlerName`, where `_HANDLER` cannot name a handler.
#[inline(never)]
pub fn resolve_handler(
    handler: &[u8],
    environment: &Environment,
) -> Result<ResolvedHandler, Failure> {
    let Some(buffers) = BUFFERS.take() else {
        return Err(Failure::new(NOT_FOUND, "init was called twice"));
    };
    if handler.trim_ascii().is_empty() {
        let text = "_HANDLER is not set: set the function's handler";
        return Err(Failure::new(MALFORMED, text));
    }
    let mut search = Search {
        environment,
        root: environment.get(b"LAMBDA_TASK_ROOT=").unwrap_or(b"."),
        path: &mut buffers.path,
        message: &mut buffers.message,
        message_len: 0,
    };
    let outcome = resolve(&mut search, handler, &mut buffers.target);
    let message_len = search.message_len;
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
pub const AMBIGUOUS: &str = "Runtime.AmbiguousHandler";

fn resolve<'a>(
    search: &mut Search,
    handler: &'a [u8],
    buf: &'a mut [u8],
) -> Result<Candidate<'a>, &'static str> {
    let (kind, given) = split_kind(handler);
    if let Some(Err(word)) = kind {
        search.append(&[b"_HANDLER names the kind ", word, b", which is none of:"]);
        for kind in KINDS {
            search.append(&[b" ", kind.word]);
        }
        return Err(MALFORMED);
    }
    if given.is_empty() {
        search.append(&[b"_HANDLER names no file behind the kind: ", handler]);
        return Err(MALFORMED);
    }
    let kind = kind.and_then(Result::ok);
    let fits = given.len() < PATH_BYTES_MAX && !given.ends_with(b"/");
    let has_parent = parts(given, b'/').any(|name| name == b"..");
    let whole = normalise(given, buf);
    let target = whole.strip_prefix(b"/").unwrap_or(whole);
    if !fits || target.is_empty() || has_parent {
        search.append(&[
            b"not the name of a handler (no \"..\", and no \"/\" at its end): ",
            handler,
        ]);
        return Err(MALFORMED);
    }
    if whole.len() > target.len() {
        search.root = b"";
    }
    if bytes_eq(whole, b"bootstrap") {
        return Err(refuse_own(search, handler));
    }
    search.append(&[b"no handler ", handler, b", tried:"]);
    let mut is_own = false;
    if let Some(candidate) = search.exact(kind, target, &mut is_own) {
        if is_own {
            return Err(refuse_own(search, handler));
        }
        return Ok(candidate);
    }
    if kind.is_some_and(|kind| kind.target != Target::Named) {
        return Err(NOT_FOUND);
    }
    if let Some(candidate) = find_file(search, kind, target)? {
        return Ok(candidate);
    }
    match search.module_language(kind, target)? {
        Some(kind) => Ok(search.whole(kind, whole)),
        None => Err(NOT_FOUND),
    }
}

/// The file and the function that a target means, split at its last dot, or one before.
fn find_file<'a>(
    search: &mut Search,
    kind: Option<&'static Kind>,
    target: &'a [u8],
) -> Result<Option<Candidate<'a>>, &'static str> {
    let base = base_of(target);
    let mut end = target.len();
    loop {
        let stem = slice_or_empty(target, 0, end);
        let dot = stem.iter().rposition(|&byte| byte == b'.');
        // Without a dot, a function may be named like its file.
        let (stem, name, dotted) = match dot.filter(|&dot| dot > base) {
            Some(dot) => (
                slice_or_empty(target, 0, dot),
                slice_or_empty(target, dot + 1, target.len()),
                true,
            ),
            None if end < target.len() => return Ok(None),
            None => (target, slice_or_empty(target, base, target.len()), false),
        };
        if let Some(candidate) = search.split(kind, stem, name, dotted)? {
            return Ok(Some(candidate));
        }
        // A package of Python comes before a file with a shorter name.
        if !dotted || end == target.len() && search.is_python_package(kind, stem) {
            return Ok(None);
        }
        end = stem.len();
    }
}

/// Where the last part of a path begins.
pub fn base_of(path: &[u8]) -> usize {
    let slash = path.iter().rposition(|&byte| byte == b'/');
    slash.map_or(0, |slash| slash + 1)
}

/// The handler is this program, which would start itself without end.
fn refuse_own(search: &mut Search, handler: &[u8]) -> &'static str {
    search.message_len = 0;
    search.append(&[b"_HANDLER names the runtime itself: ", handler]);
    NOT_FOUND
}
