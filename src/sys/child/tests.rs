//! Tests of child processes.

use super::*;
use crate::sys::Environment;
use crate::sys::ipc::{TryRead, memfd, pipe, try_read};

/// How a shell that runs these commands exits, with these descriptors and variables.
fn shell(
    path: &[u8],
    commands: &[u8],
    fds: &[(usize, Option<&Descriptor>)],
) -> Result<ExitStatus, usize> {
    let environment = Environment::new();
    let arguments = [Some(&b"sh\0"[..]), Some(b"-c\0"), Some(commands), None];
    let child = Child::spawn(&Spawn {
        path,
        arguments: &arguments,
        environment: environment.envp_with(b"OF_THE_CHILD=its own\0"),
        fds,
    })?;
    Ok(child.wait())
}

#[test]
#[cfg_attr(miri, ignore = "starts a process")]
fn path_without_nul_is_refused() {
    let path = b"/bin/sh\0";
    assert!(matches!(shell(path, b":\0", &[]), Ok(ExitStatus::Exit(0))));
    let found = shell(path.split_at(7).0, b":\0", &[]);
    assert!(matches!(found, Err(14)), "EFAULT");
}

#[test]
#[cfg_attr(miri, ignore = "starts a process")]
fn spawn_failure_has_its_errno() {
    for (path, errno) in [(&b"/nonexistent/x\0"[..], 2), (b"/\0", 13)] {
        let found = shell(path, b":\0", &[]);
        assert!(matches!(found, Err(number) if number == errno), "{errno}");
    }
}

#[test]
#[cfg_attr(miri, ignore = "starts a process")]
fn child_descriptors_have_their_numbers_whatever_the_parent_has() {
    // Each has a number here that another one has in the child.
    let files = [0, 1, 2, 3].map(|number| memfd(&[b'a' + number, b'\n']).expect("a file"));
    let lowest = files.iter().map(|file| file.0).min().expect("four") as usize;
    let (out, its_out) = pipe().expect("a pipe");
    let fds = [
        (lowest + 3, Some(&files[0])),
        (lowest + 2, Some(&files[1])),
        (lowest, Some(&files[2])),
        (lowest + 1, Some(&files[3])),
        (STDERR, None),
        (STDOUT, Some(&its_out)),
    ];
    let paths: std::vec::Vec<_> = (lowest..lowest + 4)
        .map(|number| std::format!("/proc/self/fd/{number}"))
        .collect();
    let commands = std::format!("cat {}; echo \"$OF_THE_CHILD\"\0", paths.join(" "));
    let found = shell(b"/bin/sh\0", commands.as_bytes(), &fds);
    assert!(matches!(found, Ok(ExitStatus::Exit(0))));
    let mut buf = [0; 64];
    assert!(try_read(&out, &mut buf) == TryRead::Data(16));
    assert_eq!(&buf[..16], b"c\nd\nb\na\nits own\n");
}
