//! What `/proc` reports about processes (proc(5)): the only reader of it in the tool.

use std::fs::{self, File};
use std::io::Read;

/// Fields of `/proc/PID/stat`.
pub struct Stat {
    pub parent: u32,
    /// It has exited and is not reaped.
    pub is_zombie: bool,
    /// Of the process and of its children that were waited for.
    pub minor_faults: u64,
    pub major_faults: u64,
    /// Processor time of children that were waited for, in clock ticks.
    pub children_ticks: u64,
}

/// The ids of all processes; none where `/proc` is not readable.
pub fn pids() -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect()
}

impl Stat {
    /// Reads `/proc/PID/stat`; `None` when the process is gone.
    pub fn read(pid: u32) -> Option<Stat> {
        // In one read, since all processes are looked at often; fs::read makes five.
        let mut line = [0; 1024];
        let mut file = File::open(format!("/proc/{pid}/stat")).ok()?;
        let length = file.read(&mut line).ok()?;
        Stat::parse(&line[..length])
    }

    fn parse(stat: &[u8]) -> Option<Stat> {
        // The second field, a name in parentheses, may hold any byte, also a parenthesis.
        let name_end = stat.iter().rposition(|&byte| byte == b')')?;
        let rest = std::str::from_utf8(&stat[name_end + 1..]).ok()?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        // Numbered as in proc(5); the first one after the name is field 3.
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        Some(Stat {
            parent: u32::try_from(field(4)?).ok()?,
            is_zombie: fields.first() == Some(&"Z"),
            minor_faults: field(10)? + field(11)?,
            major_faults: field(12)? + field(13)?,
            children_ticks: field(16)? + field(17)?,
        })
    }
}

/// Whether a process was started with this `NAME=VALUE`.
pub fn has_variable(pid: u32, variable: &str) -> bool {
    fs::read(format!("/proc/{pid}/environ")).is_ok_and(|all| {
        all.split(|&byte| byte == 0)
            .any(|one| one == variable.as_bytes())
    })
}

/// A field of `/proc/PID/FILE` in KiB, for instance `VmHWM` of `status`.
pub fn read_kib(pid: u32, file: &str, fields: &[&str]) -> Option<Vec<u64>> {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}")).ok()?;
    let field = |name: &&str| {
        let line = text.lines().find_map(|line| {
            let rest = line.strip_prefix(name)?;
            rest.strip_prefix(':')
        })?;
        line.trim().strip_suffix(" kB")?.trim().parse().ok()
    };
    fields.iter().map(field).collect()
}

#[cfg(test)]
mod tests {
    use super::{Stat, pids, read_kib};

    #[test]
    fn stat_name_with_parentheses_is_skipped() {
        let line = b"7 (a) b (1 2) S 42 7 7 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 9";
        let stat = Stat::parse(line).expect("a line as the kernel writes it");
        assert_eq!(stat.parent, 42);
        assert_eq!((stat.minor_faults, stat.major_faults), (3, 7));
        assert_eq!(stat.children_ticks, 15);
        assert!(Stat::parse(b"7 (a) S 42").is_none());
        assert!(Stat::parse(b"").is_none());
    }

    #[test]
    fn own_process_is_listed_with_its_memory() {
        let own = std::process::id();
        assert!(pids().contains(&own));
        assert!(Stat::read(own).is_some());
        let sizes = read_kib(own, "status", &["VmHWM", "VmRSS"]).expect("two fields");
        assert!(sizes[0] >= sizes[1] && sizes[1] > 0, "{sizes:?}");
        assert_eq!(read_kib(own, "status", &["VmNone"]), None);
    }
}
