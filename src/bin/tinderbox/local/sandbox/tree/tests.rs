//! Trees of real processes, and what is read about them.

use super::Tree;
use super::ids::{NewIds, new_ids};
use super::member::Status;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

#[test]
fn status_lines_are_read() {
    let text = b"Name:\tx: y\nTgid:\t7\nPid:\t7\nPPid:\t3\nVmPeak:\t 9 kB\nVmHWM:\t  12 kB\n";
    let expected = Status {
        process: 7,
        parent: 3,
        peak_kib: 12,
    };
    assert_eq!(Status::parse(text), Some(expected));
    assert_eq!(Status::parse(b""), None);
    assert_eq!(Status::parse(b"Tgid:\tx\n"), None);
}

#[test]
fn ids_since_the_last_but_one_search_are_new() {
    assert_eq!(new_ids(5, 5, 5), NewIds::None);
    assert_eq!(new_ids(5, 5, 9), NewIds::Range(6, 9));
    assert_eq!(new_ids(5, 9, 9), NewIds::Range(6, 9));
    assert_eq!(new_ids(9, 9, 3), NewIds::All);
    assert_eq!(new_ids(5, 5, 5000), NewIds::All);
}

/// A shell with children: one `sleep` in the background, and one whose parent has exited.
fn family() -> (Child, Vec<u32>) {
    let script = "sleep 60 & echo $!; (sleep 60 & echo $!); exec sleep 60";
    let mut leader = Command::new("sh")
        .args(["-c", script])
        .stdout(Stdio::piped())
        .spawn()
        .expect("a shell");
    let mut lines = BufReader::new(leader.stdout.take().expect("piped")).lines();
    let mut pid = || lines.next()?.ok()?.parse().ok();
    let children = [pid(), pid()].into_iter().flatten().collect();
    (leader, children)
}

fn state(pid: u32) -> char {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit(") ")
        .next()
        .and_then(|rest| rest.chars().next());
    state.unwrap_or('X')
}

fn wait_for(pid: u32, expected: &[char]) {
    for _ in 0..2000 {
        if expected.contains(&state(pid)) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    panic!(
        "process {pid} is in state {}, not in {expected:?}",
        state(pid)
    );
}

#[test]
fn tree_is_measured_stopped_resumed_and_killed() {
    let (mut leader, children) = family();
    let mut tree = Tree::new(leader.id(), "none", None);
    let peak = tree.sample_peak_kib().expect("memory");
    assert!(
        tree.members.len() >= 2 && peak > 0,
        "{} {peak}",
        tree.members.len()
    );
    tree.freeze();
    wait_for(leader.id(), &['T']);
    wait_for(children[0], &['T']);
    tree.thaw();
    wait_for(leader.id(), &['S']);
    wait_for(children[0], &['S']);
    tree.kill();
    wait_for(children[0], &['Z', 'X']);
    let _ = leader.wait();
    assert_eq!(tree.sample_peak_kib(), Some(peak), "the peak does not sink");
    // The one that another process has adopted is not this tree's.
    let _ = Command::new("kill")
        .args(["-9", &children[1].to_string()])
        .status();
}
