//! Reproducible random numbers and bytes, and the replay of a failure.
//!
//! A test with random cases runs the seeds of `seeds(...)`; with `TINDERBOX_SEED` in the
//! environment only that one. `Replay` prints the variable to set when a test panics.

/// xorshift64*.
pub struct Random(u64);

impl Random {
    /// A generator; different seeds give different sequences.
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() >> 16) as usize % end
    }

    /// One of the choices.
    pub fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }

    /// True once in `times`.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

/// Random bytes: a shift or a loss of any part shows.
pub fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut random = Random::new(seed);
    let mut noise = Vec::with_capacity(bytes + 8);
    while noise.len() < bytes {
        noise.extend_from_slice(&random.next().to_le_bytes());
    }
    noise.truncate(bytes);
    noise
}

/// Random letters and digits, which need no escaping in JSON and in shells.
pub fn letters(seed: u64, bytes: usize) -> Vec<u8> {
    const LETTERS: &[u8; 64] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789az";
    let mut letters = noise(seed, bytes);
    for byte in &mut letters {
        *byte = LETTERS[usize::from(*byte % 64)];
    }
    letters
}

/// The seeds to run: `count` of them from `first`, or the one of `TINDERBOX_SEED`.
pub fn seeds(first: u64, count: usize) -> Vec<u64> {
    match std::env::var("TINDERBOX_SEED") {
        Ok(text) => vec![text.parse().expect("TINDERBOX_SEED is a number")],
        Err(_) => (first..first + count as u64).collect(),
    }
}

/// The rounds of `TINDERBOX_SOAK` times `factor`; without that, `usual` divided by the slowness.
pub fn soak_or(what: &str, factor: usize, usual: usize) -> usize {
    match std::env::var("TINDERBOX_SOAK") {
        Ok(text) => factor * text.parse::<usize>().expect("TINDERBOX_SOAK is a number"),
        Err(_) => super::rounds(what, usual),
    }
}

/// Prints how to replay a seed when the test panics before this is dropped.
pub struct Replay<'a> {
    /// The name of the run.
    pub what: &'a str,
    /// The seed.
    pub seed: u64,
}

impl Drop for Replay<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("{}: TINDERBOX_SEED={} replays this", self.what, self.seed);
        }
    }
}
