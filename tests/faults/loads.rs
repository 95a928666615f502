//! The events of a subject while calls fail.

use crate::judge::Verdict;
use crate::support::api::{Event, now_ms};
use crate::support::bound;
use crate::support::hosting::events;
use crate::support::random::noise;

/// The time until an event's deadline, in milliseconds at native speed: a handler that a fault
/// delays fails then.
pub const DEADLINE_MS: u64 = 6_000;

/// The same for the event that misses its deadline.
const LATE_MS: u64 = 500;

/// The events of a run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// Short, empty, longer than a pipe or a segment, short.
    Sizes,
    /// The same with one over 256 KiB, and enough short ones that its memory is released
    /// (`RESIDENT_EVENTS`).
    Release,
    /// An event that misses its deadline after a part of its response, and one that does not.
    Late,
}

/// The event with a deadline this far ahead.
fn due(event: Event, native_ms: u64) -> Event {
    let ahead_ms = bound(native_ms).as_millis() as u64;
    let deadline_ms = now_ms() + ahead_ms;
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

    /// The verdict on a run without a fault.
    pub fn verdict(self) -> Verdict {
        match self {
            Load::Late => Verdict::SomeFailed,
            _ => Verdict::AllAnswered,
        }
    }

    /// Whether faults of this call are tried. A late run takes long, so only the calls that decide
    /// whether the deadline is met are: those that wait for an exit, for output and for time.
    pub fn concerns(self, call: &str) -> bool {
        self != Load::Late || ["fcntl", "pidfd_open", "ppoll"].contains(&call)
    }
}
