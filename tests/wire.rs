//! The parsers of the wire: a corpus, each case cut at every offset, and a million mutations, each
//! compared with a naive parser that was written from the RFCs by another technique. What differs
//! between the two is listed in a table, with the reasons, and nothing else may differ.
//!
//! `TINDERBOX_SOAK` set makes ten times as many mutations. Each has a seed of its own, which is
//! printed when it fails; `TINDERBOX_SEED=17` makes the mutation of that seed alone.

#[path = "wire/base64.rs"]
mod base64;
#[path = "wire/chunks.rs"]
mod chunks;
#[path = "wire/corpus.rs"]
mod corpus;
#[path = "wire/differences.rs"]
mod differences;
#[path = "wire/fastcgi.rs"]
mod fastcgi;
#[path = "wire/frames.rs"]
mod frames;
#[path = "wire/heads.rs"]
mod heads;
#[path = "wire/json.rs"]
mod json;
#[path = "wire/naive.rs"]
mod naive;
#[path = "wire/numbers.rs"]
mod numbers;
#[path = "wire/requests.rs"]
mod requests;
#[path = "wire/strings.rs"]
mod strings;
#[path = "wire/uri.rs"]
mod uri;

/// How many mutations, of a number for an ordinary run.
pub fn count(ordinary: usize) -> usize {
    let soak = if std::env::var_os("TINDERBOX_SOAK").is_some() {
        10
    } else {
        1
    };
    if cfg!(miri) { 30 } else { ordinary * soak }
}

/// Calls `check` with the random numbers of one seed after the other, `rounds` of them, or of the
/// one that `TINDERBOX_SEED` names. Prints the seed when it fails. False: there was that one alone.
pub fn for_each_seed(test: &str, rounds: usize, mut check: impl FnMut(&mut Random)) -> bool {
    let only: Option<u64> = std::env::var("TINDERBOX_SEED")
        .ok()
        .map(|text| text.parse().expect("TINDERBOX_SEED is a number"));
    let seeds = match only {
        Some(seed) => seed..seed + 1,
        None => 0..rounds as u64,
    };
    for seed in seeds {
        let _failure = Failure { test, seed };
        check(&mut Random::new(seed));
    }
    only.is_none()
}

/// Prints how to make a mutation again, when it is dropped by a panic.
struct Failure<'a> {
    test: &'a str,
    seed: u64,
}

impl Drop for Failure<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Failure { test, seed } = self;
            println!("again: TINDERBOX_SEED={seed} cargo test --features tool --test wire {test}");
        }
    }
}

/// Random numbers, the same in every run (xorshift64*, by S. Vigna).
pub struct Random(u64);

impl Random {
    /// The random numbers of a seed (its bits mixed as splitmix64 does, by the same author).
    pub fn new(seed: u64) -> Random {
        let mut bits = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        Random((bits ^ bits >> 31).max(1))
    }

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

#[test]
#[ignore = "fails, to show how: see the test below"]
fn seed_17_fails() {
    for_each_seed("seed_17_fails", 100, |random| {
        assert_ne!(random.0, Random::new(17).0);
    });
}

#[test]
fn seed_of_a_failure_is_printed_and_repeats_it() {
    if cfg!(miri) {
        return; // no processes
    }
    let run = |seed: Option<&str>| {
        let program = std::env::current_exe().expect("the path of this program");
        let mut command = std::process::Command::new(program);
        command.args(["--ignored", "--exact", "seed_17_fails"]);
        command.env_remove("TINDERBOX_SEED");
        command.envs(seed.map(|seed| ("TINDERBOX_SEED", seed)));
        let output = command.output().expect("run this program");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.success(), text)
    };
    for seed in [None, Some("17")] {
        let (passed, text) = run(seed);
        assert!(!passed && text.contains("TINDERBOX_SEED=17 "), "{text}");
    }
    let (passed, text) = run(Some("18"));
    assert!(passed && text.contains("1 passed"), "{text}");
}
