//! The footprint of a process and its descendants: memory, page faults, CPU time.
//!
//! Sources: proc(5): `stat`, and `smaps_rollup`, which walks the page tables and so is exact, where
//! `status` counts in batches.

use std::collections::HashMap;
use std::time::Duration;

use crate::procfs::{self, Stat};
use crate::sys::resources;

/// The sums over a process and its descendants at one moment.
#[derive(Clone, Copy, Default)]
pub struct Footprint {
    pub processes: u64,
    /// Resident pages, KiB.
    pub resident_kib: u64,
    /// Pages that no other process shares, KiB.
    pub private_kib: u64,
    /// Since the start, including children that have exited.
    pub minor_faults: u64,
    pub major_faults: u64,
    /// Since the start, including children that have exited; those in steps of 10 ms.
    pub cpu: Duration,
}

impl Footprint {
    /// Reads that of a running process; `None` if it is gone, or its memory is not readable.
    pub fn read(root: u32) -> Option<Footprint> {
        let stats: HashMap<u32, Stat> = procfs::pids()
            .into_iter()
            .filter_map(|pid| Some((pid, Stat::read(pid)?)))
            .collect();
        let mut sum = Footprint::default();
        for pid in family(root, &stats) {
            let (Some(stat), Some((resident_kib, private_kib))) = (stats.get(&pid), memory(pid))
            else {
                if pid == root {
                    return None;
                }
                continue; // it has exited meanwhile
            };
            let ticks = Duration::from_secs(stat.children_ticks) / ticks_per_s();
            sum.processes += 1;
            sum.resident_kib += resident_kib;
            sum.private_kib += private_kib;
            sum.minor_faults += stat.minor_faults;
            sum.major_faults += stat.major_faults;
            sum.cpu += ticks + resources::cpu_time(pid).unwrap_or_default();
        }
        Some(sum)
    }
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

/// Resident and private pages, KiB.
fn memory(pid: u32) -> Option<(u64, u64)> {
    let fields = ["Rss", "Private_Clean", "Private_Dirty"];
    match procfs::read_kib(pid, "smaps_rollup", &fields)?[..] {
        [resident, clean, dirty] => Some((resident, clean + dirty)),
        _ => None,
    }
}

fn ticks_per_s() -> u32 {
    u32::try_from(resources::ticks_per_s()).unwrap_or(100)
}
