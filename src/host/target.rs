//! The parts of `_HANDLER`: the kind before the colon, and the path after it in its shortest form.

use crate::buffer::copy_at;
use crate::host::kinds::{KINDS, Kind};
use crate::wire::{bytes_eq, find_from, parts, slice_or_empty};

/// The kind that a handler names, or the word that is no kind; and the rest.
pub fn split_kind(handler: &[u8]) -> (Option<Result<&'static Kind, &[u8]>>, &[u8]) {
    let colon = find_from(handler, 0, b':');
    let word = slice_or_empty(handler, 0, colon);
    let letters = word.iter().all(u8::is_ascii_lowercase);
    // A name of Ruby has two colons.
    let behind = slice_or_empty(handler, colon, handler.len());
    if word.is_empty() || !letters || !behind.starts_with(b":") || behind.starts_with(b"::") {
        return (None, handler);
    }
    let kind = KINDS.iter().find(|kind| bytes_eq(kind.word, word));
    (
        Some(kind.ok_or(word)),
        slice_or_empty(handler, colon + 1, handler.len()),
    )
}

/// A path without the parts that name no folder: `./a//b` is `a/b`. The usual path has none, and
/// touches no memory.
pub fn normalise<'a>(path: &'a [u8], buf: &'a mut [u8]) -> &'a [u8] {
    let is_void = |name: &[u8]| name.is_empty() || name == b".";
    let relative = path.strip_prefix(b"/").unwrap_or(path);
    if !parts(relative, b'/').any(is_void) {
        return path;
    }
    let root = path.len() - relative.len();
    let mut bytes = copy_at(buf, 0, slice_or_empty(path, 0, root));
    for name in parts(relative, b'/') {
        if !is_void(name) {
            let slash = slice_or_empty(b"/", 0, usize::from(bytes > root));
            bytes += copy_at(buf, bytes, slash);
            bytes += copy_at(buf, bytes, name);
        }
    }
    slice_or_empty(buf, 0, bytes)
}
