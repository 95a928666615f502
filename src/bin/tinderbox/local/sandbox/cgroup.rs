//! Control groups (cgroups(7)): a memory limit for a whole tree of processes, and its freezer.
//!
//! Version 2 has both; of version 1 there is the memory limit. A group is made below the tool's own
//! group or one of those above it, whichever the system allows: a group with processes of its own
//! cannot pass on the memory controller, so below systemd that is the first one above.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::sys::enter::Enter;

/// Where groups can be made.
pub struct Parents {
    memory: Option<(PathBuf, Version)>,
    freezer: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// The groups of one process and its descendants; dropping it removes them.
pub struct Group {
    memory: Option<(PathBuf, Version)>,
    freezer: Option<PathBuf>,
    /// The groups of a tool that lives are locked.
    _locks: Vec<File>,
}

/// A mounted hierarchy: its folder, and the tool's own group in it.
struct Hierarchy {
    mount_point: PathBuf,
    own: PathBuf,
}

/// The prefix of a group's name; the id of the tool's process and a number follow.
const PREFIX: &str = "tinderbox-";

impl Parents {
    /// Looks for places by making a group and moving a process into it.
    pub fn find(needs_memory: bool, needs_freezer: bool) -> Parents {
        let two = Hierarchy::find(Version::Two);
        let mut found = Parents {
            memory: None,
            freezer: None,
        };
        if needs_memory {
            let place = two.as_ref().and_then(|two| {
                two.place(|parent| {
                    let passed_on = fs::read_to_string(parent.join("cgroup.subtree_control"));
                    passed_on.is_ok_and(|names| names.split_whitespace().any(|n| n == "memory"))
                })
            });
            found.memory = place.map(|place| (place, Version::Two)).or_else(|| {
                let one = Hierarchy::find(Version::One)?;
                Some((one.place(|_| true)?, Version::One))
            });
        }
        if needs_freezer {
            found.freezer = match &found.memory {
                Some((place, Version::Two)) => Some(place.clone()),
                _ => two.and_then(|two| two.place(|_| true)),
            };
        }
        found
    }

    /// Whether a group can limit memory.
    pub fn limits_memory(&self) -> bool {
        self.memory.is_some()
    }

    /// Whether a group can be frozen.
    pub fn freezes(&self) -> bool {
        self.freezer.is_some()
    }

    /// A new group; the process joins it by the steps.
    pub fn make(&self, memory_bytes: u64, enter: &mut Enter) -> io::Result<Group> {
        let name = new_name();
        let mut group = Group {
            memory: None,
            freezer: None,
            _locks: Vec::new(),
        };
        if let Some((parent, version)) = &self.memory {
            let folder = make_folder(parent, &name)?;
            group._locks.push(lock(&folder)?);
            enter.write_file(&folder.join("cgroup.procs"), "0")?;
            group.memory = Some((folder.clone(), *version));
            let (limit, swap, swap_limit) = match version {
                Version::Two => ("memory.max", "memory.swap.max", 0),
                Version::One => (
                    "memory.limit_in_bytes",
                    "memory.memsw.limit_in_bytes",
                    memory_bytes,
                ),
            };
            fs::write(folder.join(limit), memory_bytes.to_string())?;
            // Not where the kernel does not account for swap.
            let _ = fs::write(folder.join(swap), swap_limit.to_string());
        }
        match (&self.freezer, &group.memory) {
            (Some(parent), Some((folder, Version::Two))) if folder.starts_with(parent) => {
                group.freezer = Some(folder.clone());
            }
            (Some(parent), _) => {
                let folder = make_folder(parent, &name)?;
                group._locks.push(lock(&folder)?);
                enter.write_file(&folder.join("cgroup.procs"), "0")?;
                group.freezer = Some(folder);
            }
            (None, _) => {}
        }
        Ok(group)
    }
}

impl Group {
    /// Whether the kernel has killed a process of the group because of the limit.
    pub fn is_out_of_memory(&self) -> bool {
        self.memory.as_ref().is_some_and(|(folder, version)| {
            let file = match version {
                Version::Two => "memory.events",
                Version::One => "memory.oom_control",
            };
            let text = fs::read_to_string(folder.join(file)).unwrap_or_default();
            let mut counts = text
                .lines()
                .filter_map(|line| line.strip_prefix("oom_kill "));
            counts.any(|count| count.trim() != "0")
        })
    }

    /// The most memory that the group has had so far, KiB.
    pub fn peak_kib(&self) -> Option<u64> {
        let (folder, version) = self.memory.as_ref()?;
        let file = match version {
            Version::Two => "memory.peak", // Linux 5.19
            Version::One => "memory.max_usage_in_bytes",
        };
        let text = fs::read_to_string(folder.join(file)).ok()?;
        Some(text.trim().parse::<u64>().ok()?.div_ceil(1024))
    }

    /// Stops or resumes all processes; false if that is not possible here.
    pub fn freeze(&self, is_frozen: bool) -> bool {
        let text = if is_frozen { "1" } else { "0" };
        let file = self
            .freezer
            .as_ref()
            .map(|folder| folder.join("cgroup.freeze"));
        file.is_some_and(|file| fs::write(file, text).is_ok())
    }

    /// Kills all processes at once, if that is possible here (Linux 5.14).
    pub fn kill(&self) -> bool {
        let file = self
            .freezer
            .as_ref()
            .map(|folder| folder.join("cgroup.kill"));
        file.is_some_and(|file| fs::write(file, "1").is_ok())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let folders = [
            self.memory.take().map(|(folder, _)| folder),
            self.freezer.take(),
        ];
        for folder in folders.into_iter().flatten() {
            let _ = fs::remove_dir(folder); // the same one twice, or one with a process left
        }
    }
}

impl Hierarchy {
    fn find(version: Version) -> Option<Hierarchy> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
        let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
        Hierarchy::parse(&mounts, &groups, version)
    }

    /// From `/proc/self/mountinfo` and `/proc/self/cgroup`, as proc(5) describes them.
    fn parse(mounts: &str, groups: &str, version: Version) -> Option<Hierarchy> {
        let own = groups.lines().find_map(|line| {
            let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
            let is_wanted = match version {
                Version::Two => controllers.is_empty(),
                Version::One => controllers.split(',').any(|name| name == "memory"),
            };
            is_wanted.then_some(path)
        })?;
        mounts.lines().find_map(|line| {
            let (mount, file_system) = line.split_once(" - ")?;
            let mut fields = mount.split(' ').skip(3);
            let (root, mount_point) = (fields.next()?, fields.next()?);
            let mut fields = file_system.split(' ');
            let (kind, options) = (fields.next()?, fields.nth(1).unwrap_or_default());
            let is_wanted = match version {
                Version::Two => kind == "cgroup2",
                Version::One => kind == "cgroup" && options.split(',').any(|o| o == "memory"),
            };
            let below = Path::new(own).strip_prefix(root).ok()?;
            is_wanted.then(|| Hierarchy {
                mount_point: mount_point.into(),
                own: Path::new(mount_point).join(below),
            })
        })
    }

    /// The first folder in which a group can be made and joined, from the tool's own group upwards.
    fn place(&self, is_suitable: impl Fn(&Path) -> bool) -> Option<PathBuf> {
        let upwards = self.own.ancestors();
        let mut folders = upwards.take_while(|folder| folder.starts_with(&self.mount_point));
        let found = folders.find(|folder| is_suitable(folder) && is_usable(folder))?;
        remove_abandoned(found);
        Some(found.to_path_buf())
    }
}

fn is_usable(parent: &Path) -> bool {
    let Ok(folder) = make_folder(parent, &new_name()) else {
        return false;
    };
    let mut enter = Enter::default();
    let joined = enter
        .write_file(&folder.join("cgroup.procs"), "0")
        .and_then(|()| enter.attempt());
    let _ = fs::remove_dir(&folder);
    joined.is_ok()
}

fn lock(folder: &Path) -> io::Result<File> {
    let file = File::open(folder.join("cgroup.procs"))?;
    file.lock()?;
    Ok(file)
}

/// Removes the groups of tools that were killed, with their processes, which may be frozen.
fn remove_abandoned(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| {
            let (pid, _) = name.strip_prefix(PREFIX)?.split_once('-')?;
            pid.parse::<u32>().ok()
        });
        // A process of another namespace may be the owner: the lock decides.
        let is_gone = owner.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists());
        let lock = is_gone.then(|| File::open(entry.path().join("cgroup.procs")));
        if let Some(Ok(lock)) = lock
            && lock.try_lock().is_ok()
        {
            let _ = fs::write(entry.path().join("cgroup.kill"), "1");
            let _ = fs::remove_dir(entry.path()); // a later tool does it if a process is left
        }
    }
}

fn make_folder(parent: &Path, name: &str) -> io::Result<PathBuf> {
    let folder = parent.join(name);
    fs::create_dir(&folder)?;
    Ok(folder)
}

fn new_name() -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!("{PREFIX}{}-{number}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::{Hierarchy, Version};
    use std::path::Path;

    const MOUNTS: &str = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:1 - cgroup2 cgroup2 rw
";

    #[test]
    fn hierarchies_of_both_versions_are_found() {
        let groups = "9:name=systemd:/\n4:memory:/a/b\n0::/user.slice/x.scope\n";
        let own = |version| Hierarchy::parse(MOUNTS, groups, version).map(|found| found.own);
        let two = Path::new("/sys/fs/cgroup/unified/user.slice/x.scope");
        assert_eq!(own(Version::Two).as_deref(), Some(two));
        let one = Path::new("/sys/fs/cgroup/memory/a/b");
        assert_eq!(own(Version::One).as_deref(), Some(one));
        assert!(Hierarchy::parse(MOUNTS, "", Version::Two).is_none());
        assert!(Hierarchy::parse("", groups, Version::Two).is_none());
    }

    #[test]
    fn mount_of_a_subtree_is_subtracted() {
        let mounts = "41 31 0:38 /docker/c1 /sys/fs/cgroup rw - cgroup2 cgroup rw\n";
        let found = Hierarchy::parse(mounts, "0::/docker/c1/leaf\n", Version::Two);
        let own = found.map(|found| found.own);
        assert_eq!(own.as_deref(), Some(Path::new("/sys/fs/cgroup/leaf")));
        assert!(Hierarchy::parse(mounts, "0::/elsewhere\n", Version::Two).is_none());
    }
}
