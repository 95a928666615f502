//! Which paths may name a file: decided by their bytes alone, before anything is opened.

use crate::wire::http1::eq_ignore_ascii_case_lower;
use crate::wire::parts;

/// Whether a decoded path may name a file: no control byte, no hidden name, no code of PHP. `..`
/// begins with a dot, and counts as hidden. `.well-known` is the one hidden folder that is meant
/// for the public (RFC 8615).
pub fn is_public(path: &[u8]) -> bool {
    let Some(path) = path.strip_prefix(b"/") else {
        return false;
    };
    if path.iter().any(u8::is_ascii_control) {
        return false;
    }
    let rest = path.strip_prefix(b".well-known/").unwrap_or(path);
    let mut last: &[u8] = b"";
    for name in parts(rest, b'/') {
        if name.starts_with(b".") {
            return false;
        }
        last = name;
    }
    !is_code(last)
}

/// The extensions of PHP's code, without the number of a version. `.phps` shows a source, and
/// `.inc` is what older code names the files that it includes.
const CODE: [&[u8]; 6] = [b"php", b"phtml", b"pht", b"phar", b"phps", b"inc"];

/// Whether a name is that of PHP's code, or of an editor's copy of it (`index.php~`).
fn is_code(name: &[u8]) -> bool {
    let mut kind = extension(name);
    while let [rest @ .., b'0'..=b'9' | b'~'] = kind {
        kind = rest;
    }
    CODE.iter()
        .any(|code| eq_ignore_ascii_case_lower(kind, code))
}

/// What follows the last dot of the last name of a path; empty: it has none.
pub fn extension(path: &[u8]) -> &[u8] {
    let last = path.iter().rposition(|byte| matches!(byte, b'.' | b'/'));
    match last.and_then(|last| path.get(last..)) {
        Some([b'.', extension @ ..]) => extension,
        _ => b"",
    }
}
