//! Which process ids are new, by the last one that the system has assigned (proc(5), `loadavg`).

use std::fs::File;
use std::os::unix::fs::FileExt;

/// Up to so many new ids are looked at one by one; `/proc` is listed for more.
const NEW_IDS_MAX: u32 = 256;

/// The last process id that the system had assigned, at the last two searches. A process appears in
/// `/proc` a moment after its id was assigned, so each range is searched twice.
pub struct LastIds {
    loadavg: File,
    previous: u32,
    latest: u32,
}

/// Ids to look at.
#[derive(Debug, PartialEq, Eq)]
pub enum NewIds {
    None,
    /// From the first to the second, both included.
    Range(u32, u32),
    All,
}

impl LastIds {
    /// The state after a process with this id was started; `None` where it cannot be read.
    pub fn after(leader: u32) -> Option<LastIds> {
        Some(LastIds {
            loadavg: File::open("/proc/loadavg").ok()?,
            previous: leader,
            latest: leader,
        })
    }

    /// The ids that were assigned since the last search but one.
    pub fn advance(&mut self) -> NewIds {
        let mut text = [0; 128];
        let length = self.loadavg.read_at(&mut text, 0).unwrap_or(0);
        let last = std::str::from_utf8(&text[..length]).ok();
        let last = last.and_then(|text| text.split_ascii_whitespace().nth(4)?.parse().ok());
        let Some(last) = last else {
            return NewIds::All;
        };
        let found = new_ids(self.previous, self.latest, last);
        (self.previous, self.latest) = (self.latest, last);
        found
    }
}

/// The ids to look at, from the last assigned ones at the last two searches and now.
pub fn new_ids(previous: u32, latest: u32, now: u32) -> NewIds {
    match now {
        _ if now == latest && latest == previous => NewIds::None,
        _ if now >= latest && latest >= previous && now - previous <= NEW_IDS_MAX => {
            NewIds::Range(previous + 1, now)
        }
        _ => NewIds::All, // also where the ids began again from the lowest
    }
}
