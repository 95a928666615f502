//! What a subject is given to do while calls fail.

use crate::judge::Verdict;
use crate::support::api::{Event, now_ms};
use crate::support::bound;
use crate::support::hosting::events;
use crate::support::random::noise;

/// An event has so long, in milliseconds at native speed: what a fault makes late fails by then.
pub const DEADLINE_MS: u64 = 6_000;

/// The event that is late has so long.
const LATE_MS: u64 = 500;

/// A number of events.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// Short, none, more than a pipe or a segment holds, short.
    Sizes,
    /// The same, and as many short ones as release the memory of one over 256 KiB
    /// (`RESIDENT_EVENTS`).
    Release,
    /// One that the handler is late with, having written a part, and one that it is not.
    Late,
}

/// The event with a deadline so far ahead.
fn due(event: Event, native_ms: u64) -> Event {
    let deadline_ms = now_ms() + bound(native_ms).as_millis() as u64;
    event.deadline(&deadline_ms.to_string())
}

impl Load {
    /// The events.
    pub fn events(self) -> Vec<Event> {
        let (long, more) = match self {
            Load::Sizes => (150_000, 0),
            Load::Release => (300_000, 17),
            Load::Late => {
                let late = due(Event::new("late", "late"), LATE_MS);
                return vec![late, due(Event::new("after", "plain"), DEADLINE_MS)];
            }
        };
        let mut bodies = vec![noise(1, 40), Vec::new(), noise(2, long), noise(3, 40)];
        bodies.extend((0..more).map(|seed| noise(4 + seed, 40)));
        let events = events(bodies).into_iter();
        events.map(|event| due(event, DEADLINE_MS)).collect()
    }

    /// What a run without a fault comes to.
    pub fn verdict(self) -> Verdict {
        match self {
            Load::Late => Verdict::SomeFailed,
            _ => Verdict::AllAnswered,
        }
    }

    /// Whether faults of this call are tried. A late run takes long, so only what decides whether
    /// the deadline is kept is: how the end of a process, output and time are waited for.
    pub fn concerns(self, call: &str) -> bool {
        self != Load::Late || ["fcntl", "pidfd_open", "ppoll"].contains(&call)
    }
}
