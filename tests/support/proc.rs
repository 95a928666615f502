//! Processes as `/proc` shows them.

/// The pids of all processes.
pub fn pids() -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").expect("read /proc").flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

/// The name of a process, as `ps` shows it.
pub fn name(pid: u32) -> String {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    name.trim().to_string()
}

/// Whether the process was started with this `NAME=VALUE` in its environment.
///
/// A zombie has no environment, so it has no mark: `assert_no_zombie` finds zombies.
pub fn has_mark(pid: u32, mark: &str) -> bool {
    let Ok(environment) = std::fs::read(format!("/proc/{pid}/environ")) else {
        return false;
    };
    let mut entries = environment.split(|byte| *byte == 0);
    entries.any(|entry| entry == mark.as_bytes())
}

/// The state (`R`, `S`, `Z`, ...) and the parent of a process.
pub fn state_and_parent(pid: u32) -> Option<(char, u32)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name is in brackets and may hold anything, brackets and spaces included: proc(5).
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((state, fields.next()?.parse().ok()?))
}

/// The children of a process; none when it is gone.
pub fn children(pid: u32) -> Vec<u32> {
    let is_child = |other: &u32| state_and_parent(*other).is_some_and(|(_, of)| of == pid);
    pids().into_iter().filter(is_child).collect()
}

/// The number of open descriptors of a process.
pub fn descriptors(pid: u32) -> usize {
    let dir = format!("/proc/{pid}/fd");
    std::fs::read_dir(dir).expect("read /proc/PID/fd").count()
}

/// Whether a process ignores a signal (proc_pid_status(5), `SigIgn`).
pub fn ignores(pid: u32, signal: i32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"));
    let status = status.expect("a process that runs");
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.expect("a mask of signals").trim();
    let mask = u64::from_str_radix(mask, 16).expect("a hexadecimal number");
    mask >> (signal - 1) & 1 == 1
}

/// The resident memory of a process in KiB. Not `VmRSS` of `/proc/PID/status`, which the kernel
/// counts per processor and sums up inexactly.
pub fn resident_kib(pid: u32) -> u64 {
    rollup_kib(pid, &["Rss:"])
}

/// The memory that a process has written to in KiB: what grows when memory leaks. Resident memory
/// also has pages of files, which come and go with the page cache.
pub fn written_kib(pid: u32) -> u64 {
    rollup_kib(pid, &["Private_Dirty:", "Shared_Dirty:", "Swap:"])
}

/// A sum of fields of `smaps_rollup` (proc(5)), which is counted when it is read.
fn rollup_kib(pid: u32, fields: &[&str]) -> u64 {
    let path = format!("/proc/{pid}/smaps_rollup");
    let rollup = std::fs::read_to_string(path).expect("read /proc/PID/smaps_rollup");
    let kib = |field: &&str| -> u64 {
        let line = rollup.lines().find_map(|line| line.strip_prefix(field));
        let number = line.and_then(|line| line.split_whitespace().next());
        number
            .and_then(|number| number.parse().ok())
            .unwrap_or_else(|| panic!("no {field} in {rollup}"))
    };
    fields.iter().map(kib).sum()
}

/// The resident memory of the heap (brk(2)) in KiB: small allocations of `malloc`.
pub fn heap_kib(pid: u32) -> u64 {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/smaps")).expect("read smaps");
    let (_, rest) = maps.split_once("[heap]\n").expect("a heap");
    let line = rest.lines().find_map(|line| line.strip_prefix("Rss:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|n| n.parse().ok()).expect("a number")
}
