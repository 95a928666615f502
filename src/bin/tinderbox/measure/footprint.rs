//! What a process and all that it has started use: memory, page faults, processors.
//!
//! Sources: proc(5): `stat` (fields 4, 10 to 13, 16 and 17) and `smaps_rollup`, which walks the
//! page tables and so is exact where `status` counts in batches.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use crate::sys::meter;

/// Of a process and its descendants, at one moment.
#[derive(Clone, Copy, Default)]
pub struct Footprint {
    pub processes: u64,
    /// Pages that are there, summed over the processes; KiB.
    pub resident_kib: u64,
    /// Those that no other process shares.
    pub private_kib: u64,
    /// Since the start, also of children that have ended.
    pub minor_faults: u64,
    pub major_faults: u64,
    /// Since the start, also of children that have ended; those in steps of 10 ms.
    pub cpu: Duration,
}

/// Of one process.
struct Stat {
    parent: u32,
    minor_faults: u64,
    major_faults: u64,
    /// Ticks of children that were waited for.
    children_ticks: u64,
}

/// Looks at a live process; `None` when it is gone, or its memory is not for us to see.
pub fn take(root: u32) -> Option<Footprint> {
    let stats = stats();
    let mut sum = Footprint::default();
    for pid in family(root, &stats) {
        let (Some(stat), Some((resident_kib, private_kib))) = (stats.get(&pid), memory(pid)) else {
            if pid == root {
                return None;
            }
            continue; // ended meanwhile
        };
        let ticks = Duration::from_secs(stat.children_ticks) / ticks_per_s();
        sum.processes += 1;
        sum.resident_kib += resident_kib;
        sum.private_kib += private_kib;
        sum.minor_faults += stat.minor_faults;
        sum.major_faults += stat.major_faults;
        sum.cpu += ticks + meter::cpu_time(pid).unwrap_or_default();
    }
    Some(sum)
}

/// A process and its descendants.
fn family(root: u32, stats: &HashMap<u32, Stat>) -> Vec<u32> {
    let mut family = vec![root];
    let mut next = 0;
    while let Some(&parent) = family.get(next) {
        let children = stats.iter().filter(|(_, stat)| stat.parent == parent);
        family.extend(children.map(|(&pid, _)| pid));
        next += 1;
    }
    family
}

fn stats() -> HashMap<u32, Stat> {
    let Ok(folder) = fs::read_dir("/proc") else {
        return HashMap::new();
    };
    folder
        .filter_map(|entry| {
            let pid = entry.ok()?.file_name().to_str()?.parse().ok()?;
            Some((pid, stat(pid)?))
        })
        .collect()
}

fn stat(pid: u32) -> Option<Stat> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    // The second field, a name in brackets, may hold anything.
    let name_end = stat.iter().rposition(|&byte| byte == b')')?;
    let rest = std::str::from_utf8(&stat[name_end + 1..]).ok()?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    Some(Stat {
        parent: u32::try_from(number(4)?).ok()?,
        minor_faults: number(10)? + number(11)?,
        major_faults: number(12)? + number(13)?,
        children_ticks: number(16)? + number(17)?,
    })
}

/// Resident and private pages, KiB.
fn memory(pid: u32) -> Option<(u64, u64)> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let field = |name: &str| -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix(" kB")?.trim().parse().ok()
    };
    let private = field("Private_Clean:")? + field("Private_Dirty:")?;
    Some((field("Rss:")?, private))
}

fn ticks_per_s() -> u32 {
    u32::try_from(meter::ticks_per_s()).unwrap_or(100)
}
