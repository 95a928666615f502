//! The errnos of each system call of the runtime, and the calls without faults because they cannot
//! fail. Sources: the man pages of section 2, under ERRORS, and the code of Linux where a page has
//! none.

/// The faults of a call.
pub struct Errnos {
    /// The system call, as `strace` names it.
    pub call: &'static str,
    /// The errnos of a single failure.
    pub errnos: &'static [&'static str],
    /// The errnos that last: every later call fails too, as a full table stays full.
    pub lasting: &'static [&'static str],
}

const fn once(call: &'static str, errnos: &'static [&'static str]) -> Errnos {
    Errnos {
        call,
        errnos,
        lasting: &[],
    }
}

const fn lasting(call: &'static str, errnos: &'static [&'static str]) -> Errnos {
    Errnos {
        call,
        errnos,
        lasting: errnos,
    }
}

/// A call without an entry here or in `INFALLIBLE` fails the test.
pub const ERRNOS: &[Errnos] = &[
    // The connection: reset or timed out by the network, and memory for what is sent (tcp(7),
    // socket(7); ENOBUFS and ENOMEM come from sk_stream_wait_memory and the socket's accounting).
    // A signal may interrupt each call that waits.
    Errnos {
        call: "sendto",
        errnos: &[
            "ECONNRESET",
            "EPIPE",
            "ETIMEDOUT",
            "ENOBUFS",
            "ENOMEM",
            "EINTR",
        ],
        lasting: &["ECONNRESET", "ENOBUFS"],
    },
    Errnos {
        call: "recvfrom",
        errnos: &["ECONNRESET", "ETIMEDOUT", "ENOMEM", "EINTR"],
        lasting: &["ECONNRESET"],
    },
    // SIGTERM, read from a descriptor; without it, SIGTERM ends the runtime alone (signalfd(2)).
    lasting("signalfd4", &["EMFILE", "ENFILE", "ENOMEM", "ENODEV"]),
    lasting(
        "socket",
        &["EMFILE", "ENFILE", "ENOMEM", "ENOBUFS", "EACCES"],
    ),
    // EINTR: the connection is being made nevertheless. EADDRNOTAVAIL: no local port is left.
    Errnos {
        call: "connect",
        errnos: &[
            "ECONNREFUSED",
            "ETIMEDOUT",
            "ENETUNREACH",
            "EADDRNOTAVAIL",
            "EINTR",
        ],
        lasting: &["ECONNREFUSED", "ETIMEDOUT"],
    },
    once("setsockopt", &["ENOMEM", "ENOBUFS"]),
    // The channel of a worker: a Unix socket (unix(7)).
    once(
        "sendmsg",
        &[
            "EPIPE",
            "ECONNRESET",
            "ENOMEM",
            "ENOBUFS",
            "EAGAIN",
            "EINTR",
        ],
    ),
    // Pipes, channels and files. ECONNRESET: the other end of a Unix socket was closed with bytes
    // unread. EIO: a file of a file system that lost its server or disk. EAGAIN is left out: no
    // kernel says that there is nothing where there is, and a run without faults has the true ones.
    once("read", &["ECONNRESET", "EIO", "ENOMEM", "EINTR"]),
    // The log (a pipe, a file, a terminal that is gone) and a file in memory.
    once(
        "write",
        &["EPIPE", "EAGAIN", "EIO", "ENOSPC", "ENOMEM", "EINTR"],
    ),
    once(
        "writev",
        &["EPIPE", "EAGAIN", "EIO", "ENOSPC", "ENOMEM", "EINTR"],
    ),
    // Descriptors: the process's table is full, the system's is, there is no memory for one.
    lasting("pipe2", &["EMFILE", "ENFILE", "ENOMEM"]),
    lasting("memfd_create", &["EMFILE", "ENFILE", "ENOMEM"]),
    lasting("socketpair", &["EMFILE", "ENFILE", "ENOMEM"]),
    // ENOSYS: a kernel or a sandbox that does not have it.
    lasting("pidfd_open", &["EMFILE", "ENFILE", "ENOMEM", "ENOSYS"]),
    once("openat", &["EMFILE", "ENFILE", "ENOMEM", "EACCES", "EIO"]),
    once("open", &["EMFILE", "ENFILE", "ENOMEM", "EACCES", "EIO"]),
    // Processes: the limit of the user or of the control group.
    lasting("clone", &["EAGAIN", "ENOMEM"]),
    lasting("vfork", &["EAGAIN", "ENOMEM"]),
    lasting("fork", &["EAGAIN", "ENOMEM"]),
    // ECHILD is left out: a wait that does not block gets it each time.
    once("wait4", &["EINTR"]),
    once("waitid", &["EINTR"]),
    once("kill", &["ESRCH", "EPERM"]),
    // A filter of system calls or a security module refuses a command of fcntl (seccomp(2)).
    once("fcntl", &["EPERM", "EACCES"]),
    once("ppoll", &["EINTR", "ENOMEM"]),
    once("poll", &["EINTR", "ENOMEM"]),
    once("madvise", &["ENOMEM", "EAGAIN"]),
    once("close", &["EINTR", "EIO"]),
    // Files on the way to a handler.
    once("access", &["EACCES", "ENOMEM", "EIO"]),
    once("faccessat", &["EACCES", "ENOMEM", "EIO"]),
    once("stat", &["EACCES", "ENOMEM", "EIO"]),
    once("newfstatat", &["EACCES", "ENOMEM", "EIO"]),
    once("readlink", &["EACCES", "ENOMEM", "EIO"]),
    once("readlinkat", &["EACCES", "ENOMEM", "EIO"]),
];

/// Calls that are not made to fail, and why: a kernel never lets them.
pub const INFALLIBLE: &[(&str, &str)] = &[
    (
        "execve",
        "it is what starts the binary, before there is a runtime",
    ),
    ("exit_group", "it does not return"),
    (
        "arch_prctl",
        "the C library's start: it fails for a wrong address or code alone",
    ),
    ("set_tid_address", "it always succeeds, set_tid_address(2)"),
    (
        "rt_sigaction",
        "it fails for a wrong signal or address alone",
    ),
    (
        "rt_sigprocmask",
        "it fails for a wrong command or address alone",
    ),
    (
        "clock_gettime",
        "it fails for a wrong clock or address alone",
    ),
    ("getpid", "it always succeeds, getpid(2)"),
    ("getppid", "it always succeeds, getpid(2)"),
    (
        "lseek",
        "to the start of a file in memory, which can always be sought",
    ),
    ("prctl", "it fails for a wrong command alone"),
];
