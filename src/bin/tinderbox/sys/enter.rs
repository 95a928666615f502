//! What a new process does before it executes its program: namespaces, mounts, control groups,
//! limits.
//!
//! The parent prepares the steps, with every string that they need. The child performs them between
//! its start and `execve`, in memory that it shares with the parent: system calls only, no
//! allocation. The first failure ends the child.

use std::ffi::{CString, c_char, c_int, c_ulong, c_void};
use std::fmt;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

/// The prepared steps, in their order. The default has none.
#[derive(Default)]
pub struct Enter {
    steps: Vec<Step>,
}

enum Step {
    Unshare(c_int),
    WriteFile(CString, Vec<u8>),
    /// A mount: source, target, type, flags, options of the file system.
    Mount(CString, CString, CString, c_ulong, CString),
    SetReadOnly(CString, c_int),
    MakeFolder(CString),
    MakeFile(CString),
    MakeLink(CString, CString),
    PivotRoot(CString),
    LimitData(libc::rlim_t),
}

/// Whose user namespace the mount namespace belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Privilege {
    /// The tool's: it has CAP_SYS_ADMIN.
    Own,
    /// A new one, in which user and group keep their numbers.
    NewUserNamespace,
}

/// `struct mount_attr` of mount_setattr(2).
#[repr(C)]
struct MountAttributes {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
}

impl Enter {
    /// A mount namespace of its own: later mounts are seen by the process and its children alone.
    pub fn unshare_mounts(&mut self, privilege: Privilege) -> io::Result<()> {
        match privilege {
            Privilege::Own => self.steps.push(Step::Unshare(libc::CLONE_NEWNS)),
            Privilege::NewUserNamespace => {
                // SAFETY: no memory is involved.
                let (user, group) = unsafe { (libc::geteuid(), libc::getegid()) };
                let flags = libc::CLONE_NEWNS | libc::CLONE_NEWUSER;
                self.steps.push(Step::Unshare(flags));
                // Without it a user without privileges may not map a group (user_namespaces(7)).
                self.write_file(Path::new("/proc/self/setgroups"), "deny")?;
                self.write_file(Path::new("/proc/self/uid_map"), &format!("{user} {user} 1"))?;
                let groups = format!("{group} {group} 1");
                self.write_file(Path::new("/proc/self/gid_map"), &groups)?;
            }
        }
        let flags = libc::MS_REC | libc::MS_PRIVATE;
        self.mount(Path::new("none"), Path::new("/"), c"", flags, c"")
    }

    /// Writes this text to an existing file.
    pub fn write_file(&mut self, path: &Path, text: &str) -> io::Result<()> {
        let step = Step::WriteFile(c_path(path)?, text.as_bytes().to_vec());
        self.steps.push(step);
        Ok(())
    }

    /// Makes `source`, with everything that is mounted below it, appear at `target`.
    pub fn bind(&mut self, source: &Path, target: &Path) -> io::Result<()> {
        self.mount(source, target, c"", libc::MS_BIND | libc::MS_REC, c"")
    }

    /// An empty file system in memory.
    pub fn mount_tmpfs(&mut self, target: &Path) -> io::Result<()> {
        let flags = libc::MS_NOSUID;
        self.mount(Path::new("tmpfs"), target, c"tmpfs", flags, c"mode=755")
    }

    /// A mount, or with `is_recursive` also those below it, becomes read-only where the kernel can
    /// do that (mount_setattr(2), Linux 5.12).
    pub fn set_read_only(&mut self, target: &Path, is_recursive: bool) -> io::Result<()> {
        let flags = if is_recursive { libc::AT_RECURSIVE } else { 0 };
        self.steps.push(Step::SetReadOnly(c_path(target)?, flags));
        Ok(())
    }

    /// A folder, unless something of that name exists.
    pub fn make_folder(&mut self, path: &Path) -> io::Result<()> {
        self.steps.push(Step::MakeFolder(c_path(path)?));
        Ok(())
    }

    /// An empty file, unless it exists.
    pub fn make_file(&mut self, path: &Path) -> io::Result<()> {
        self.steps.push(Step::MakeFile(c_path(path)?));
        Ok(())
    }

    /// A symbolic link.
    pub fn make_link(&mut self, target: &Path, path: &Path) -> io::Result<()> {
        let step = Step::MakeLink(c_path(target)?, c_path(path)?);
        self.steps.push(step);
        Ok(())
    }

    /// A mount becomes the root, and the old root disappears.
    pub fn pivot_root(&mut self, root: &Path) -> io::Result<()> {
        self.steps.push(Step::PivotRoot(c_path(root)?));
        Ok(())
    }

    /// The process may not have more private writable memory (RLIMIT_DATA).
    pub fn limit_data(&mut self, bytes: u64) {
        let bytes = libc::rlim_t::try_from(bytes).unwrap_or(libc::RLIM_INFINITY);
        self.steps.push(Step::LimitData(bytes));
    }

    fn mount(
        &mut self,
        source: &Path,
        target: &Path,
        kind: &std::ffi::CStr,
        flags: c_ulong,
        data: &std::ffi::CStr,
    ) -> io::Result<()> {
        let (source, target) = (c_path(source)?, c_path(target)?);
        let step = Step::Mount(source, target, kind.into(), flags, data.into());
        self.steps.push(step);
        Ok(())
    }

    /// The error of a failed step.
    pub(super) fn error(&self, step: usize, errno: i32) -> io::Error {
        let cause = io::Error::from_raw_os_error(errno);
        match self.steps.get(step) {
            Some(step) => io::Error::other(format!("cannot {step}: {cause}")),
            None => cause,
        }
    }

    /// In the child: performs the steps. The error is the number of the failed one; errno is set.
    pub(super) fn run(&self) -> Result<(), usize> {
        for (number, step) in self.steps.iter().enumerate() {
            if !step.run() {
                return Err(number);
            }
        }
        Ok(())
    }
}

impl Step {
    /// `false` with errno set.
    fn run(&self) -> bool {
        // SAFETY: system calls with terminated strings, and buffers and structures of the lengths
        // that are passed, all owned by self or this frame.
        unsafe {
            match self {
                Step::Unshare(flags) => libc::unshare(*flags) == 0,
                Step::WriteFile(path, text) => write_text(path, text),
                Step::Mount(source, target, kind, flags, data) => {
                    let data = data.as_ptr().cast::<c_void>();
                    let (source, target) = (source.as_ptr(), target.as_ptr());
                    libc::mount(source, target, kind.as_ptr(), *flags, data) == 0
                }
                Step::SetReadOnly(target, flags) => {
                    set_read_only(target.as_ptr(), *flags);
                    true
                }
                Step::MakeFolder(path) => succeeded_or_exists(libc::mkdir(path.as_ptr(), 0o755)),
                Step::MakeFile(path) => {
                    let flags = libc::O_CREAT | libc::O_WRONLY | libc::O_CLOEXEC;
                    let fd = libc::open(path.as_ptr(), flags, 0o644);
                    fd >= 0 && libc::close(fd) == 0
                }
                Step::MakeLink(target, path) => {
                    succeeded_or_exists(libc::symlink(target.as_ptr(), path.as_ptr()))
                }
                Step::PivotRoot(root) => pivot_root(root.as_ptr()),
                Step::LimitData(bytes) => {
                    let limit = libc::rlimit {
                        rlim_cur: *bytes,
                        rlim_max: *bytes,
                    };
                    libc::setrlimit(libc::RLIMIT_DATA, &limit) == 0
                }
            }
        }
    }
}

unsafe fn write_text(path: &CString, text: &[u8]) -> bool {
    // SAFETY: a terminated string, and a buffer with its length.
    unsafe {
        let fd = libc::open(path.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        if fd < 0 {
            return false;
        }
        // `close` after a failed write leaves errno alone: the descriptor is valid.
        let written = libc::write(fd, text.as_ptr().cast(), text.len());
        libc::close(fd);
        usize::try_from(written) == Ok(text.len())
    }
}

unsafe fn set_read_only(target: *const c_char, flags: c_int) {
    let attributes = MountAttributes {
        set: libc::MOUNT_ATTR_RDONLY,
        clear: 0,
        propagation: 0,
        user_namespace: 0,
    };
    // SAFETY: a terminated string, and the structure with its size.
    unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            target,
            flags,
            &raw const attributes,
            size_of::<MountAttributes>(),
        );
    }
}

unsafe fn succeeded_or_exists(result: c_int) -> bool {
    result == 0 || io::Error::last_os_error().raw_os_error() == Some(libc::EEXIST)
}

/// The old root is stacked upon the new one and then detached (pivot_root(2), "pivot_root(".",
/// ".")"). The first root file system of a system, from which the kernel cannot pivot, is covered.
unsafe fn pivot_root(root: *const c_char) -> bool {
    let here = c".".as_ptr();
    // SAFETY: terminated strings.
    unsafe {
        if libc::chdir(root) != 0 {
            return false;
        }
        let is_pivoted = libc::syscall(libc::SYS_pivot_root, here, here) == 0;
        let is_done = match is_pivoted {
            true => libc::umount2(here, libc::MNT_DETACH) == 0,
            false => {
                let slash = c"/".as_ptr();
                libc::mount(here, slash, ptr::null(), libc::MS_MOVE, ptr::null()) == 0
                    && libc::chroot(here) == 0
            }
        };
        is_done && libc::chdir(c"/".as_ptr()) == 0
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |text: &CString| text.to_string_lossy().into_owned();
        match self {
            Step::Unshare(flags) if flags & libc::CLONE_NEWUSER != 0 => {
                f.write_str("make a user namespace")
            }
            Step::Unshare(_) => f.write_str("make a mount namespace"),
            Step::WriteFile(path, _) => write!(f, "write '{}'", shown(path)),
            Step::Mount(source, target, ..) => {
                write!(f, "mount '{}' on '{}'", shown(source), shown(target))
            }
            Step::SetReadOnly(path, _) => write!(f, "make '{}' read-only", shown(path)),
            Step::MakeFolder(path) | Step::MakeFile(path) | Step::MakeLink(_, path) => {
                write!(f, "create '{}'", shown(path))
            }
            Step::PivotRoot(path) => write!(f, "make '{}' the root", shown(path)),
            Step::LimitData(bytes) => write!(f, "limit the memory to {bytes} bytes"),
        }
    }
}

fn c_path(path: &Path) -> io::Result<CString> {
    Ok(CString::new(path.as_os_str().as_bytes())?)
}
