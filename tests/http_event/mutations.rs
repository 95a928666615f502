//! Mutations of events: the reader agrees with the oracle on every one, and never panics.

use crate::corpus::{EVENTS, PIECES};
use crate::random::{Random, Replay, seeds, soak_or};
use crate::{Verdict, agree};

/// A number of changes at random places: bytes gone, doubled, changed or put in.
fn mutate(random: &mut Random, text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len() + 1);
        let end = (at + random.below(8)).min(bytes.len());
        match random.below(8) {
            0 if at < bytes.len() => bytes[at] = random.below(256) as u8,
            1 => _ = bytes.drain(at..end),
            2 => {
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            3 if at < bytes.len() => bytes[at] ^= 0x20,
            _ => {
                let piece = random.pick(PIECES);
                bytes.splice(at..at, piece.bytes());
            }
        }
    }
    bytes
}

#[test]
fn event_mutations_agree_with_oracle() {
    let count = soak_or("mutations of events", 1_000_000, 300_000);
    let (mut requests, mut malformed, mut others) = (0, 0, 0);
    let seeds = seeds(0, count);
    let is_one = seeds.len() == 1;
    for seed in seeds {
        let _replay = Replay {
            what: "event_mutations_agree_with_oracle",
            seed,
        };
        let random = &mut Random::new(seed);
        let event = random.pick(EVENTS);
        match agree(&mutate(random, event)) {
            Verdict::Request(_) => requests += 1,
            Verdict::Malformed(_) => malformed += 1,
            Verdict::NotHttp => others += 1,
        }
    }
    println!("{requests} requests, {malformed} malformed, {others} others");
    let enough = requests * 10 >= count && malformed * 1_000 >= count && others * 10 >= count;
    assert!(enough || is_one || cfg!(miri), "a mixture of all three");
}
