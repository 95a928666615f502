//! The machine of the measurement.

use std::fs;

use crate::clock;

/// The machine's description.
pub struct Machine {
    pub kernel: String,
    pub cpu: String,
    pub cpus: usize,
    pub time: String,
}

impl Machine {
    /// Reads `/proc`.
    pub fn read() -> Machine {
        let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
        let info = read("/proc/cpuinfo");
        // x86 has the model's name; arm64 only numbers, of which the part identifies it best.
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
            // Not available_parallelism: the tool is pinned to one CPU by now.
            cpus: info
                .lines()
                .filter(|line| line.starts_with("processor"))
                .count(),
            time: clock::timestamp(),
        }
    }
}
