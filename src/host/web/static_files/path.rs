//! Which paths may name a file: decided by their bytes alone, before anything is opened.

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
    for name in rest.split(|&byte| byte == b'/') {
        if name.starts_with(b".") {
            return false;
        }
        last = name;
    }
    !is_code(last)
}

/// The extensions of PHP's code, in lower case; versions such as `php5` besides. `.inc` is what
/// older code names the files that it includes, and `.phps` shows a source.
const CODE: [&[u8]; 6] = [b"php", b"phtml", b"pht", b"phar", b"phps", b"inc"];

/// Whether a name is that of PHP's code, or of an editor's copy of it (`index.php~`).
fn is_code(name: &[u8]) -> bool {
    let name = name.trim_ascii_end().strip_suffix(b"~").unwrap_or(name);
    let extension = extension(name);
    let plain = extension.trim_suffix_digits();
    CODE.iter().any(|code| is_lower(plain, code))
}

/// What follows the last dot of a name or a path; empty: it has none.
pub fn extension(name: &[u8]) -> &[u8] {
    let dot = name.iter().rposition(|&byte| matches!(byte, b'.' | b'/'));
    match dot.and_then(|dot| name.get(dot..)) {
        Some([b'.', extension @ ..]) => extension,
        _ => b"",
    }
}

/// Whether a text is this one, which is in lower case, but for its case.
pub fn is_lower(text: &[u8], lower: &[u8]) -> bool {
    let is_same = |(byte, lower): (&u8, &u8)| byte.to_ascii_lowercase() == *lower;
    text.len() == lower.len() && text.iter().zip(lower).all(is_same)
}

trait TrimDigits {
    fn trim_suffix_digits(&self) -> &Self;
}

impl TrimDigits for [u8] {
    fn trim_suffix_digits(&self) -> &[u8] {
        let mut text = self;
        while let [rest @ .., b'0'..=b'9'] = text {
            text = rest;
        }
        text
    }
}
