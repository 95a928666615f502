//! One process of a tree, as `/proc` reports it.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use crate::sys::pidfd::Pidfd;

/// The lines that are read are in the first part of the file.
const STATUS_BYTES: usize = 4096;

/// A process. The open file stands for it, also when its id is used again.
pub struct Member {
    pub pid: u32,
    status: File,
    /// Once it has been stopped.
    pub pidfd: Option<Pidfd>,
}

/// What `status` reports.
#[derive(Debug, PartialEq, Eq)]
pub struct Status {
    /// The process that this is a thread of.
    pub process: u32,
    pub parent: u32,
    pub peak_kib: u64,
}

impl Member {
    /// The process with this id; `None` if there is none, or it is a thread of another.
    pub fn open(pid: u32) -> Option<(Member, Status)> {
        let member = Member {
            pid,
            status: File::open(format!("/proc/{pid}/status")).ok()?,
            pidfd: None,
        };
        let status = member.status()?;
        (status.process == pid).then_some((member, status))
    }

    /// `None` when it has been reaped.
    pub fn status(&self) -> Option<Status> {
        let mut text = [0; STATUS_BYTES];
        let length = self.status.read_at(&mut text, 0).ok()?;
        Status::parse(text.get(..length)?)
    }
}

impl Status {
    pub fn parse(text: &[u8]) -> Option<Status> {
        let mut status = Status {
            process: 0,
            parent: 0,
            peak_kib: 0, // a process that has exited has no memory
        };
        for line in text.split(|&byte| byte == b'\n') {
            let Some(at) = line.iter().position(|&byte| byte == b':') else {
                continue;
            };
            let number = || -> Option<u64> {
                let value = std::str::from_utf8(&line[at + 1..]).ok()?;
                value.split_ascii_whitespace().next()?.parse().ok()
            };
            match &line[..at] {
                b"Tgid" => status.process = u32::try_from(number()?).ok()?,
                b"PPid" => status.parent = u32::try_from(number()?).ok()?,
                b"VmHWM" => {
                    status.peak_kib = number()?;
                    break;
                }
                _ => {}
            }
        }
        (status.process != 0).then_some(status)
    }
}

/// Whether a process was started with this `NAME=VALUE`.
pub fn has_mark(pid: u32, mark: &[u8]) -> bool {
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment
        .split(|&byte| byte == 0)
        .any(|variable| variable == mark)
}
