//! Searches in the text of a string, eight bytes at a time: a body of megabytes is one string.

/// Each byte of a word is 1.
const ONES: u64 = u64::MAX / 255;
/// The highest bit of each byte of a word.
const HIGHS: u64 = ONES << 7;

/// How many bytes are worth a look one by one, after one that is not plain: others are near.
pub const DENSE_BYTES: usize = 16;

/// How many bytes at the front stand for themselves in a string and are ASCII: no quote, no
/// backslash, no control byte.
pub fn plain_bytes(text: &[u8]) -> usize {
    find(text, HIGHS)
}

/// The offset of the first backslash; the length if there is none.
pub fn find_backslash(text: &[u8]) -> usize {
    find(text, 0)
}

/// The offset of the first backslash, or, where `others` is `HIGHS`, of the first byte that is not
/// plain.
#[inline(never)]
fn find(text: &[u8], others: u64) -> usize {
    let (words, tail) = text.as_chunks::<8>();
    let mut at = 0;
    for bytes in words {
        let word = u64::from_le_bytes(*bytes);
        // The highest bit of a byte: it is above ASCII, a control byte, or a quote. A borrow may
        // set bits above those of a byte that was found, never below.
        let special = word | word.wrapping_sub(ONES * 0x20) & !word | zeros(word ^ (ONES * 0x22));
        let found = (special & others | zeros(word ^ (ONES * 0x5c))) & HIGHS;
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let is_plain = |byte: &&u8| match **byte {
        b'\\' => false,
        b' ' | b'!' | b'#'..=0x7f => true,
        _ => others == 0,
    };
    at + tail.iter().take_while(is_plain).count()
}

/// Sets the highest bit of the lowest byte that is zero; bits above it may be set too.
#[inline(always)]
fn zeros(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word
}
