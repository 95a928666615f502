//! The processes that a bootstrap has started, at any depth: their memory, freezing, killing.
//!
//! A sample costs one `pread` for each process and one for the system's last process id: while that
//! is the same, there are no new processes, and `/proc` is not searched. A process belongs to the
//! tree if its parent does; one whose parents have exited, which the tool has then adopted, if its
//! environment has the tree's Runtime API. An open `status` file stands for one process also when
//! its id is used again.

mod ids;
mod member;
#[cfg(test)]
mod tests;

use super::cgroup::Group;
use crate::procfs;
use crate::sys::pidfd::{Pidfd, Signal};
use ids::{LastIds, NewIds};
use member::{Member, Status, has_mark};

/// More processes are neither counted nor frozen; each costs a descriptor, or two when frozen.
const MEMBERS_MAX: usize = 256;

/// How often a search for processes that start others is repeated.
const SEARCHES_MAX: usize = 64;

/// A bootstrap's process with its descendants.
pub struct Tree {
    tool: u32,
    /// `AWS_LAMBDA_RUNTIME_API=...`, as it stands in the environment.
    mark: Vec<u8>,
    group: Option<Group>,
    members: Vec<Member>,
    last_ids: Option<LastIds>,
    peak_kib: u64,
    is_frozen: bool,
}

impl Tree {
    /// The tree of a process that was just started with this Runtime API.
    pub fn new(leader: u32, runtime_api: &str, group: Option<Group>) -> Tree {
        let mut tree = Tree {
            tool: std::process::id(),
            mark: format!("AWS_LAMBDA_RUNTIME_API={runtime_api}").into_bytes(),
            group,
            members: Vec::new(),
            last_ids: LastIds::after(leader),
            peak_kib: 0,
            is_frozen: false,
        };
        if let Some((member, _)) = Member::open(leader) {
            tree.members.push(member);
        }
        tree
    }

    /// The peak of the memory so far, KiB; `None` if it cannot be read. Without a control group it
    /// is the largest sum of the processes' peaks at the times of the samples.
    pub fn sample_peak_kib(&mut self) -> Option<u64> {
        if let Some(peak) = self.group.as_ref().and_then(Group::peak_kib) {
            return Some(peak);
        }
        self.search();
        let mut sum = 0;
        self.members.retain(|member| {
            let status = member.status();
            sum += status.as_ref().map_or(0, |status| status.peak_kib);
            status.is_some()
        });
        self.peak_kib = self.peak_kib.max(sum);
        (self.peak_kib > 0).then_some(self.peak_kib)
    }

    /// Whether the memory limit has had a process of the tree killed.
    pub fn is_out_of_memory(&self) -> bool {
        self.group.as_ref().is_some_and(Group::is_out_of_memory)
    }

    /// Stops all processes until `thaw`.
    pub fn freeze(&mut self) {
        if self.is_frozen {
            return;
        }
        self.is_frozen = true;
        if !self.group.as_ref().is_some_and(|group| group.freeze(true)) {
            self.stop_all();
        }
    }

    /// Resumes all processes.
    pub fn thaw(&mut self) {
        if !self.is_frozen {
            return;
        }
        self.is_frozen = false;
        if !self.group.as_ref().is_some_and(|group| group.freeze(false)) {
            self.send_all(Signal::Continue);
            self.members
                .iter_mut()
                .for_each(|member| member.pidfd = None);
        }
    }

    /// Kills all processes, also those that are started meanwhile. They remain to be reaped.
    pub fn kill(&mut self) {
        if !self.group.as_ref().is_some_and(Group::kill) {
            self.stop_all();
            self.send_all(Signal::Kill);
        }
    }

    /// Stops members until no other is found: a stopped process starts none.
    fn stop_all(&mut self) {
        let mut stable_searches = 0;
        for _ in 0..SEARCHES_MAX {
            self.search();
            let mut is_stable = true;
            for member in &mut self.members {
                if member.pidfd.is_some() {
                    continue;
                }
                // If the process is there after the descriptor was opened, the id is its own.
                member.pidfd = Pidfd::open(member.pid).ok();
                if let (Some(pidfd), Some(_)) = (&member.pidfd, member.status()) {
                    pidfd.send(Signal::Stop);
                    is_stable = false;
                }
            }
            // A process is found by the second search after its start at the latest.
            stable_searches = if is_stable { stable_searches + 1 } else { 0 };
            if stable_searches == 2 {
                return;
            }
        }
    }

    fn send_all(&self, signal: Signal) {
        for member in &self.members {
            if let (Some(pidfd), Some(_)) = (&member.pidfd, member.status()) {
                pidfd.send(signal);
            }
        }
    }

    /// Adds the processes that were started since the last search.
    fn search(&mut self) {
        let new_ids = self.last_ids.as_mut().map_or(NewIds::All, LastIds::advance);
        let ids = match new_ids {
            NewIds::None => return,
            NewIds::Range(first, last) => (first..=last).collect(),
            NewIds::All => procfs::pids(),
        };
        self.members.retain(|member| member.status().is_some());
        let is_known = |pid: &u32| self.members.iter().any(|member| member.pid == *pid);
        let mut others: Vec<(Member, Status)> = ids
            .into_iter()
            .filter(|pid| *pid != self.tool && !is_known(pid))
            .filter_map(Member::open)
            .collect();
        loop {
            let before = self.members.len();
            let mut left = Vec::new();
            for (other, status) in others {
                match self.members.len() < MEMBERS_MAX && self.includes(other.pid, &status) {
                    true => self.members.push(other),
                    false => left.push((other, status)),
                }
            }
            others = left;
            if self.members.len() == before {
                return;
            }
        }
    }

    fn is_alive(&self, pid: u32) -> bool {
        let mut members = self.members.iter().filter(|member| member.pid == pid);
        members.any(|member| member.status().is_some())
    }

    fn includes(&self, pid: u32, status: &Status) -> bool {
        if status.parent == self.tool {
            return has_mark(pid, &self.mark);
        }
        self.is_alive(status.parent)
    }
}
