//! The code that makes workers of interpreters, packed by the compiler: half of it repeats what
//! came before.
//!
//! Packed, a byte below 128 is itself (the code is ASCII). Two bytes `1LLLOOOO OOOOOOOO` stand for
//! `L + 3` bytes that came `O + 1` bytes before.

use crate::limits::CODE_BYTES_MAX;

const SHORTEST: usize = 3;
const LONGEST: usize = SHORTEST + 7;
const FARTHEST: usize = 4096;

/// So many lists of places that begin alike.
const LISTS: usize = 1024;

/// Packed code in the making, and how much of it there is.
pub struct Text {
    /// Room for it.
    pub bytes: [u8; CODE_BYTES_MAX],
    /// How many of these bytes are in use.
    pub length: usize,
}

/// Packs code: at each place the longest of what repeats, as the list of its beginning has it.
pub const fn pack(code: &[u8]) -> Text {
    let mut packed = Text {
        bytes: [0; _],
        length: 0,
    };
    // The last place of each list, and the one before of each place; one more, so that 0 is none.
    let mut last = [0; LISTS];
    let mut before = [0; CODE_BYTES_MAX];
    let mut at = 0;
    while at < code.len() {
        let (bytes, place) = longest(code, at, last[list_of(code, at)], &before);
        if bytes < SHORTEST {
            packed.bytes[packed.length] = code[at];
            packed.length += 1;
        } else {
            let token = (bytes - SHORTEST) << 12 | (at - place - 1) | 0x8000;
            packed.bytes[packed.length] = (token >> 8) as u8;
            packed.bytes[packed.length + 1] = token as u8;
            packed.length += 2;
        }
        let next = at + if bytes < SHORTEST { 1 } else { bytes };
        while at < next {
            let list = list_of(code, at);
            before[at] = last[list];
            last[list] = at + 1;
            at += 1;
        }
    }
    packed
}

/// The list of the places that begin like this one, and perhaps of others.
const fn list_of(code: &[u8], at: usize) -> usize {
    let mut number = 0;
    let mut index = at;
    while index < at + SHORTEST && index < code.len() {
        number = number * 31 + code[index] as usize;
        index += 1;
    }
    number % LISTS
}

/// The longest run of bytes before `at` that repeats there: how long, and where.
const fn longest(
    code: &[u8],
    at: usize,
    last: usize,
    before: &[usize; CODE_BYTES_MAX],
) -> (usize, usize) {
    let (mut best, mut found) = (0, 0);
    let mut next = last;
    while next > 0 && at - (next - 1) <= FARTHEST {
        let place = next - 1;
        let mut bytes = 0;
        while bytes < LONGEST && at + bytes < code.len() && code[place + bytes] == code[at + bytes]
        {
            bytes += 1;
        }
        if bytes > best {
            (best, found) = (bytes, place);
        }
        next = before[place];
    }
    (best, found)
}

/// The front of a text, which is all of it.
pub const fn cut<const N: usize>(text: &Text) -> [u8; N] {
    let mut bytes = [0; N];
    let mut at = 0;
    while at < N {
        bytes[at] = text.bytes[at];
        at += 1;
    }
    bytes
}

/// Unpacks code into a room, as far as that goes, and returns its length.
pub fn unpack(packed: &[u8], room: &mut [u8]) -> usize {
    let mut length: usize = 0;
    let mut rest = packed.iter();
    while let Some(&byte) = rest.next() {
        let (bytes, back) = if byte < 128 {
            (1, 0)
        } else {
            let low = rest.next().copied().unwrap_or_default();
            let back = usize::from(byte & 15) << 8 | usize::from(low);
            (usize::from(byte >> 4 & 7) + SHORTEST, back + 1)
        };
        for _ in 0..bytes {
            let copied = match back {
                0 => Some(byte),
                _ => room.get(length.wrapping_sub(back)).copied(),
            };
            let (Some(copied), Some(place)) = (copied, room.get_mut(length)) else {
                return length;
            };
            *place = copied;
            length += 1;
        }
    }
    length
}

/// Packs what is at hand when it is compiled.
macro_rules! packed {
    ($code:expr) => {{
        const _: () = assert!($code.is_ascii());
        const PACKED: $crate::host::code::Text = $crate::host::code::pack($code);
        static CODE: [u8; PACKED.length] = $crate::host::code::cut(&PACKED);
        &CODE
    }};
}
pub(crate) use packed;

#[cfg(test)]
mod tests;
