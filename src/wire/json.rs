//! JSON as the runtime writes it: strings of any bytes.

/// Writes `text` as the inside of a JSON string (RFC 8259, 7), in pieces.
///
/// Quotes, backslashes and control bytes are escaped; what is not UTF-8 becomes U+FFFD, one for
/// each maximal part of a character, as the Unicode standard (3.9, U+FFFD substitution) and
/// `String::from_utf8_lossy` have it.
pub fn escape(text: &[u8], write: &mut dyn FnMut(&[u8])) {
    let mut rest = text;
    while let Some(&byte) = rest.first() {
        let (wanted, right) = character(rest);
        match byte {
            _ if right < wanted => write("\u{fffd}".as_bytes()),
            b'"' | b'\\' => write(&[b'\\', byte]),
            0..=0x1f => {
                let low = byte & 15;
                let digit = if low < 10 {
                    b'0' + low
                } else {
                    b'a' - 10 + low
                };
                write(&[b'\\', b'u', b'0', b'0', b'0' + (byte >> 4), digit]);
            }
            _ => write(rest.get(..right).unwrap_or_default()),
        }
        rest = rest.get(right.max(1)..).unwrap_or_default();
    }
}

/// How many bytes the character at the front should have, and how many of them are right (Unicode
/// standard, table 3-7).
fn character(text: &[u8]) -> (usize, usize) {
    let first = text.first().copied().unwrap_or_default();
    let (wanted, mut low, mut high) = match first {
        0..=0x7f => (1, 0x80, 0xbf),
        0xc2..=0xdf => (2, 0x80, 0xbf),
        0xe0..=0xef => (3, 0x80, 0xbf),
        0xf0..=0xf4 => (4, 0x80, 0xbf),
        _ => return (1, 0),
    };
    // Neither longer than need be, nor a surrogate, nor beyond U+10FFFF.
    match first {
        0xe0 => low = 0xa0,
        0xed => high = 0x9f,
        0xf0 => low = 0x90,
        0xf4 => high = 0x8f,
        _ => {}
    }
    let mut right = 1;
    while right < wanted
        && text
            .get(right)
            .is_some_and(|&byte| low <= byte && byte <= high)
    {
        (low, high) = (0x80, 0xbf);
        right += 1;
    }
    (wanted, right)
}
