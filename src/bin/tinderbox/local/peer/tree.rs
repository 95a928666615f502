//! The processes of an environment, and which of them holds a socket (proc(5)).

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::sync::OnceLock;

use crate::procfs::{self, Stat};
use crate::sys::socket_diag::SocketOwner;

/// The most descriptors that one search looks at. A tree with more is judged by its users.
const DESCRIPTORS_MAX: usize = 100_000;

/// The tree of an environment.
pub struct Tree {
    /// The tool: it adopts orphans.
    pub tool: u32,
    /// The bootstrap's process, or the runner's; `None` while there is none.
    pub leader: Option<u32>,
    /// The leaders of other environments, whose trees are not this one's.
    pub others: Vec<u32>,
}

/// A search for the holder of one socket.
struct Search {
    link: String,
    /// Processes that were searched, or whose children are not of this tree.
    seen: HashSet<u32>,
    /// Processes that do not show their descriptors.
    hidden: Vec<u32>,
    descriptors: usize,
}

impl Search {
    fn new(inode: u64) -> Search {
        Search {
            link: format!("socket:[{inode}]"),
            seen: HashSet::new(),
            hidden: Vec::new(),
            descriptors: 0,
        }
    }

    /// Whether the process has the socket.
    fn is_holder(&mut self, pid: u32) -> bool {
        let entries = match fs::read_dir(format!("/proc/{pid}/fd")) {
            Ok(entries) => entries,
            Err(error) => {
                if error.kind() == io::ErrorKind::PermissionDenied {
                    self.hidden.push(pid);
                }
                return false;
            }
        };
        for entry in entries {
            // A process that ends shows none; one without permission, an error for each.
            let Ok(entry) = entry else { return false };
            self.descriptors += 1;
            if self.descriptors > DESCRIPTORS_MAX {
                self.hidden.push(pid);
                return false;
            }
            if fs::read_link(entry.path()).is_ok_and(|link| link.as_os_str() == &*self.link) {
                return true;
            }
        }
        false
    }

    /// Searches a process and its descendants by the lists of children that the kernel has for each
    /// thread. They may lack entries while children exit (proc(5)).
    fn walk(&mut self, root: u32) -> bool {
        let mut pending = vec![root];
        while let Some(pid) = pending.pop() {
            if !self.seen.insert(pid) {
                continue;
            }
            if self.is_holder(pid) {
                return true;
            }
            pending.extend(children(pid));
        }
        false
    }
}

impl Tree {
    /// Whether a process of the tree holds the socket; `None` where `/proc` is not readable.
    ///
    /// Twice before a no: a process may have been started, adopted or given the socket in between.
    pub fn holds(&self, owner: SocketOwner) -> Option<bool> {
        for _ in 0..2 {
            let mut search = Search::new(owner.inode);
            if self.search(&mut search) {
                return Some(true);
            }
            if search.hidden.into_iter().any(|pid| may_own(pid, owner)) {
                return Some(true);
            }
        }
        fs::read_dir("/proc/self/fd").is_ok().then_some(false)
    }

    /// By the shortest way: the bootstrap itself, its descendants, orphans. Its cost depends on the
    /// tree, not on the machine, if the kernel lists children.
    fn search(&self, search: &mut Search) -> bool {
        if !has_lists_of_children() {
            return self.members().into_iter().any(|pid| search.is_holder(pid));
        }
        search.seen.extend(&self.others);
        search.seen.insert(self.tool);
        let orphans = || children(self.tool).into_iter();
        self.leader
            .into_iter()
            .chain(orphans())
            .any(|root| search.walk(root))
    }

    /// All processes of the tree, by their parents.
    fn members(&self) -> Vec<u32> {
        let pids = procfs::pids();
        let parent = |&pid: &u32| Some((pid, Stat::read(pid)?.parent));
        let parents: HashMap<u32, u32> = pids.iter().filter_map(parent).collect();
        let is_member = |pid: &u32| {
            let mut current = *pid;
            // No line of ancestors is longer than the list; a cycle is read when ids are reused.
            for _ in 0..parents.len() {
                match parents.get(&current) {
                    _ if self.others.contains(&current) => return false,
                    Some(&parent) if parent == self.tool => return true,
                    Some(&parent) => current = parent,
                    None => return false,
                }
            }
            false
        };
        pids.iter().copied().filter(is_member).collect()
    }
}

/// Whether this kernel has lists of children (CONFIG_PROC_CHILDREN).
fn has_lists_of_children() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| {
        let own = std::process::id();
        fs::metadata(format!("/proc/self/task/{own}/children")).is_ok()
    })
}

/// The children of a process, as far as the kernel lists them.
fn children(pid: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    let mut children = Vec::new();
    for thread in threads.flatten() {
        let list = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        children.extend(
            list.split_ascii_whitespace()
                .filter_map(|pid| pid.parse::<u32>().ok()),
        );
    }
    children
}

/// Whether a process that shows no descriptors has the socket's user as one of its own: real,
/// effective, saved or that of the file system. A socket has the one that created it.
fn may_own(pid: u32, owner: SocketOwner) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let uids = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    let uid = owner.uid.to_string();
    uids.is_some_and(|uids| uids.split_ascii_whitespace().any(|text| text == uid))
}

/// A process of this machine that holds a socket, if it shows that.
pub fn any_holder(inode: u64) -> Option<u32> {
    let mut search = Search::new(inode);
    procfs::pids()
        .into_iter()
        .find(|&pid| search.is_holder(pid))
}

#[cfg(test)]
mod tests {
    use super::{Search, Tree, children};
    use std::os::fd::AsRawFd;

    /// The test's own process as the bootstrap.
    fn tree() -> Tree {
        let own = std::process::id();
        let parent = crate::procfs::Stat::read(own).expect("/proc").parent;
        Tree {
            tool: parent,
            leader: Some(own),
            others: Vec::new(),
        }
    }

    fn own_socket() -> (std::net::TcpListener, u64) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bind 127.0.0.1:0");
        let link = std::fs::read_link(format!("/proc/self/fd/{}", listener.as_raw_fd()));
        let link = link.expect("an open descriptor").display().to_string();
        let digits: String = link.chars().filter(char::is_ascii_digit).collect();
        (listener, digits.parse().expect("an inode"))
    }

    #[test]
    fn both_ways_find_the_holder_of_a_socket() {
        let (_listener, inode) = own_socket();
        let own = std::process::id();
        for (inode, is_found) in [(inode, true), (u64::MAX, false)] {
            let tree = tree();
            assert_eq!(tree.search(&mut Search::new(inode)), is_found);
            let mut search = Search::new(inode);
            let members = tree.members();
            assert!(members.contains(&own) && !members.contains(&tree.tool));
            assert_eq!(
                members.into_iter().any(|pid| search.is_holder(pid)),
                is_found
            );
        }
    }

    #[test]
    fn tree_of_another_environment_is_left_out() {
        let (_listener, inode) = own_socket();
        let tree = Tree {
            leader: None,
            others: vec![std::process::id()],
            ..tree()
        };
        assert!(!tree.search(&mut Search::new(inode)));
        assert!(!tree.members().contains(&std::process::id()));
        assert!(children(tree.tool).contains(&std::process::id()));
    }
}
