//! On what it was measured.

use std::fs;

use crate::local::clock;

/// The machine, as it says itself.
pub struct Machine {
    pub kernel: String,
    pub cpu: String,
    pub cpus: usize,
    pub time: String,
}

/// Reads what `/proc` says.
pub fn look() -> Machine {
    let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
    let info = read("/proc/cpuinfo");
    // x86 names the model; arm64 has numbers alone, of which the part tells most.
    let field = |name: &str| {
        let line = info.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_string())
    };
    let part = || Some(format!("CPU part {}", field("CPU part")?));
    Machine {
        kernel: read("/proc/sys/kernel/osrelease").trim().to_string(),
        cpu: field("model name")
            .or_else(part)
            .unwrap_or("unknown CPU".to_string()),
        // What the tool may use says less: it has kept itself to one by now.
        cpus: info
            .lines()
            .filter(|line| line.starts_with("processor"))
            .count(),
        time: clock::timestamp(),
    }
}
