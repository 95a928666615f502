//! The workers for PHP, Node, Python and Ruby, as they are handed to the interpreters.
//!
//! All of it happens when this is compiled, but for `unpack`:
//!
//! 1. Each is thinned: comments that fill a line are dropped, and so is indentation where the
//!    language does not ask for it. The rule knows nothing else of the languages, so no string of a
//!    worker may go over a line. Each ends in a NUL, as an argument has to.
//! 2. They are packed together, to less than half: what stood before is named by its distance and
//!    its length. The text is ASCII, so a byte from 0x80 on begins such a name:
//!
//! | bits | copies | from so far back |
//! |---|---|---|
//! | `10LLLDDD DDDDDDDD` | 3 to 10 bytes | 1 to 2,048 bytes |
//! | `11LLLLLL DDDDDDDD DDDDDDDD` | 4 to 67 bytes | 1 to 65,536 bytes |

/// A worker.
#[derive(Clone, Copy)]
pub enum Shim {
    /// `php -d display_errors=stderr -d log_errors=0 -d html_errors=0 -r THIS -- FILE NAME`
    Php,
    /// `node --input-type=module -e THIS -- FILE NAME`
    Node,
    /// `python3 -u -c THIS FILE NAME`
    Python,
    /// `ruby --disable=gems -e THIS FILE NAME`
    Ruby,
}

/// The text, what begins a comment, whether indentation has a meaning: in the order of `Shim`.
const SOURCES: [(&[u8], &[u8], bool); 4] = [
    (include_bytes!("worker/worker.php"), b"//", false),
    (include_bytes!("worker/worker.mjs"), b"//", false),
    (include_bytes!("worker/worker.py"), b"#", true),
    (include_bytes!("worker/worker.rb"), b"#", false),
];

/// Room for all of them as they are.
const SOURCES_BYTES: usize = {
    let [(php, _, _), (node, _, _), (python, _, _), (ruby, _, _)] = SOURCES;
    php.len() + node.len() + python.len() + ruby.len() + 4
};

/// All of them, thinned, and where each ends.
const THINNED: ([u8; SOURCES_BYTES], [usize; 4]) = {
    let mut room = [0; _];
    let (mut ends, mut number, mut length) = ([0; 4], 0, 0);
    while number < 4 {
        let (text, comment, keep) = SOURCES[number];
        length += thin(text, comment, keep, room.split_at_mut(length).1);
        // The byte that is left 0 is the NUL.
        length += 1;
        ends[number] = length;
        number += 1;
    }
    (room, ends)
};

/// How long they are together: room for `unpack`.
pub const SHIMS_BYTES: usize = THINNED.1[3];

const _: () = assert!(THINNED.0.is_ascii(), "what is packed");
const _: () = assert!(SHIMS_BYTES <= 0x1_0000, "the farthest that a copy can be");

const PACKED_ROOM: ([u8; SHIMS_BYTES], usize) = {
    let mut room = [0; _];
    let length = pack(THINNED.0.split_at(SHIMS_BYTES).0, &mut room);
    (room, length)
};

/// An array of its own: a slice of the room would keep all of the room in the binary.
static PACKED: [u8; PACKED_ROOM.1] = {
    let mut packed = [0; _];
    packed.copy_from_slice(PACKED_ROOM.0.split_at(PACKED_ROOM.1).0);
    packed
};

/// The text of a worker, with a NUL at its end. The others lie in the room too.
pub fn text(shim: Shim, room: &mut [u8; SHIMS_BYTES]) -> &[u8] {
    unpack(&PACKED, room);
    let [php, node, python, ruby] = THINNED.1;
    let (start, end) = match shim {
        Shim::Php => (0, php),
        Shim::Node => (php, node),
        Shim::Python => (node, python),
        Shim::Ruby => (python, ruby),
    };
    room.get(start..end).unwrap_or_default()
}

/// Unpacks, as far as there is room and a sense in it, and says how much that is.
pub fn unpack(mut packed: &[u8], room: &mut [u8]) -> usize {
    let mut length = 0;
    loop {
        let (bytes, back);
        (bytes, back, packed) = match *packed {
            [byte @ ..0x80, ref rest @ ..] => {
                let Some(to) = room.get_mut(length) else {
                    return length;
                };
                *to = byte;
                length += 1;
                packed = rest;
                continue;
            }
            [a @ ..0xc0, b, ref rest @ ..] => {
                (3 + (a >> 3 & 7), u16::from_be_bytes([a & 7, b]), rest)
            }
            [a, b, c, ref rest @ ..] => (4 + (a & 0x3f), u16::from_be_bytes([b, c]), rest),
            _ => return length,
        };
        for _ in 0..bytes {
            let from = length.wrapping_sub(usize::from(back) + 1);
            let byte = room.get(from).copied();
            let (Some(byte), Some(to)) = (byte, room.get_mut(length)) else {
                return length;
            };
            *to = byte;
            length += 1;
        }
    }
}

/// How many places with the same start are tried for the longest copy.
const TRIES: usize = 24;
const NOWHERE: usize = usize::MAX;
const HASHES: usize = 2048;

/// Packs an ASCII text, no longer than the sources, into `room`, and says how long it is then.
pub const fn pack(text: &[u8], room: &mut [u8]) -> usize {
    // For each hash of three bytes the last place, and for each place the one before it.
    let (mut last, mut before) = ([NOWHERE; HASHES], [NOWHERE; SOURCES_BYTES]);
    let (mut at, mut length) = (0, 0);
    while at < text.len() {
        let (bytes, back) = longest(text, at, last[hash(text, at)], &before);
        if bytes == 1 {
            room[length] = text[at];
            length += 1;
        } else {
            let far = back - 1;
            if is_near(bytes, back) {
                room[length] = (0x80 | (bytes - 3) << 3 | far >> 8) as u8;
                length += 1;
            } else {
                room[length] = (0xc0 | (bytes - 4)) as u8;
                room[length + 1] = (far >> 8) as u8;
                length += 2;
            }
            room[length] = far as u8;
            length += 1;
        }
        let end = at + bytes;
        while at < end {
            let hash = hash(text, at);
            before[at] = last[hash];
            last[hash] = at;
            at += 1;
        }
    }
    length
}

const fn is_near(bytes: usize, back: usize) -> bool {
    bytes <= 10 && back <= 2048
}

/// Of three bytes, if there are so many.
const fn hash(text: &[u8], at: usize) -> usize {
    if text.len() - at < 3 {
        return 0;
    }
    (text[at] as usize ^ (text[at + 1] as usize) << 2 ^ (text[at + 2] as usize) << 4) % HASHES
}

/// The copy that saves most: how many bytes, from how far back. One byte where none saves any.
const fn longest(text: &[u8], at: usize, first: usize, before: &[usize]) -> (usize, usize) {
    let (mut from, mut tries) = (first, 0);
    let (mut best, mut best_saves) = ((1, 0), 0);
    while from != NOWHERE && tries < TRIES {
        // One that is no longer than the best differs at its end, mostly.
        let mut bytes = 0;
        if at + best.0 < text.len() && text[from + best.0] == text[at + best.0] {
            while bytes < 67 && at + bytes < text.len() && text[from + bytes] == text[at + bytes] {
                bytes += 1;
            }
        }
        let back = at - from;
        let saves = bytes.saturating_sub(if is_near(bytes, back) { 2 } else { 3 });
        if saves > best_saves {
            (best, best_saves) = ((bytes, back), saves);
        }
        from = before[from];
        tries += 1;
    }
    best
}

const fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// Thins a text into `room`, and says how long it is then.
///
/// `comment` is what begins a comment; `keep` says that indentation has a meaning.
pub const fn thin(text: &[u8], comment: &[u8], keep: bool, room: &mut [u8]) -> usize {
    let (mut at, mut length) = (0, 0);
    while at < text.len() {
        let line = at;
        while at < text.len() && is_blank(text[at]) {
            at += 1;
        }
        let mut same = 0;
        while same < comment.len() && at + same < text.len() && text[at + same] == comment[same] {
            same += 1;
        }
        let drop = same == comment.len() || at == text.len() || text[at] == b'\n';
        if keep {
            at = line;
        }
        while at < text.len() {
            if !drop {
                room[length] = text[at];
                length += 1;
            }
            at += 1;
            if text[at - 1] == b'\n' {
                break;
            }
        }
    }
    length
}
