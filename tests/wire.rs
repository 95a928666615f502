//! The parsers of the wire: a corpus, each case cut at every offset, and a million mutations, each
//! compared with a naive parser that was written from the RFCs by another technique.
//!
//! `TINDERBOX_SOAK` set makes ten times as many mutations.

#[path = "wire/chunks.rs"]
mod chunks;
#[path = "wire/corpus.rs"]
mod corpus;
#[path = "wire/frames.rs"]
mod frames;
#[path = "wire/heads.rs"]
mod heads;
#[path = "wire/naive.rs"]
mod naive;
#[path = "wire/strings.rs"]
mod strings;

/// How many mutations, of a number for an ordinary run.
pub fn count(ordinary: usize) -> usize {
    let soak = if std::env::var_os("TINDERBOX_SOAK").is_some() {
        10
    } else {
        1
    };
    if cfg!(miri) { 30 } else { ordinary * soak }
}

/// Random numbers, the same in every run (xorshift64*, by S. Vigna).
pub struct Random(pub u64);

impl Random {
    /// A number below `limit`, which is not 0.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    }

    /// Changes a text in one to four places: a byte, a few bytes gone, doubled, or swapped in from
    /// what such texts are made of.
    pub fn mutate(&mut self, text: &[u8], pieces: &[&[u8]]) -> Vec<u8> {
        let mut text = text.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(text.len() + 1);
            let end = (at + self.below(8)).min(text.len());
            match self.below(6) {
                0 if at < text.len() => text[at] = self.below(256) as u8,
                1 => _ = text.drain(at..end),
                2 => {
                    let part = text[at..end].to_vec();
                    text.splice(at..at, part);
                }
                3 if at < text.len() => text[at] ^= 0x20,
                _ => {
                    let piece = pieces[self.below(pieces.len())];
                    text.splice(at..at, piece.iter().copied());
                }
            }
        }
        text
    }
}
