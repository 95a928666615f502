//! Entity tags (RFC 9110, 8.8.3), made of the content of a file.
//!
//! The files of a package all have one time where it is built reproducibly, so time and size do not
//! distinguish two deployments. An inode is worse than it looks: the same order of unpacking gives
//! the same numbers to another deployment, whose file would then never be fetched, and other
//! numbers to another environment of the same deployment, so that nothing is found unchanged. The
//! content is the same in all environments, and different after each change; its hash takes less
//! than a millisecond for a megabyte that has to be read anyway.

use crate::buffer::FixedBytes;
use crate::wire::number::Decimal;
use crate::wire::{bytes_eq, parts};

/// A tag: a number of 64 bits, in quotes.
pub type Tag = FixedBytes<64>;

/// A hash of content that is read in pieces. It distinguishes versions of a file, and is no
/// protection against one who makes two files with the same hash.
pub struct ContentHash {
    state: u64,
    bytes: u64,
}

/// Odd, so that each step can be undone: files that differ in one word have different hashes.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15; // 2^64 divided by the golden ratio

impl ContentHash {
    /// Of nothing yet.
    pub const fn new() -> ContentHash {
        ContentHash { state: 0, bytes: 0 }
    }

    /// Adds a piece; all but the last have to be whole words of eight bytes.
    pub fn update(&mut self, piece: &[u8]) {
        self.bytes = self.bytes.wrapping_add(piece.len() as u64);
        let (words, tail) = piece.as_chunks::<8>();
        for word in words {
            self.mix(u64::from_le_bytes(*word));
        }
        let last = tail
            .iter()
            .fold(0, |word, byte| word << 8 | u64::from(*byte));
        self.mix(last);
    }

    #[inline(always)]
    fn mix(&mut self, word: u64) {
        let mixed = (self.state ^ word).wrapping_mul(FACTOR);
        self.state = mixed ^ mixed >> 32; // the high bits alone depend on all of the word
    }

    /// The tag, with its quotes.
    pub fn tag(mut self) -> Tag {
        self.mix(self.bytes);
        let mut tag = Tag::new();
        for piece in [b"\"", Decimal::new(self.state as usize).as_bytes(), b"\""] {
            tag.push(piece);
        }
        tag
    }
}

/// Whether an `If-None-Match` has this tag, or `*`. Weak tags count as equal (RFC 9110, 13.1.2): a
/// front that compresses makes ours weak. Ours has no comma, so a list is split at any.
pub fn is_in_list(list: &[u8], tag: &[u8]) -> bool {
    parts(list, b',').any(|item| {
        let item = item.trim_ascii();
        let item = item.strip_prefix(b"W/").unwrap_or(item);
        bytes_eq(item, tag) || bytes_eq(item, b"*")
    })
}
