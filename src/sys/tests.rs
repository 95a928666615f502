//! Tests of the door to the system.

use super::*;
use std::process::Command;
use std::string::String;
use std::vec;

#[test]
fn a_region_is_handed_out_once() {
    static REGION: Region<[u8; 8]> = Region::new([0; 8]);
    let region = REGION.take().expect("the first has it");
    region.fill(7);
    assert!(REGION.take().is_none());
    assert_eq!(region, &[7; 8]);
}

#[test]
fn a_slot_gives_what_was_left_once() {
    static REGION: Region<u32> = Region::new(1);
    static SLOT: Slot<u32> = Slot::new();
    assert!(SLOT.take().is_none());
    SLOT.put(REGION.take().expect("first"));
    let value = SLOT.take().expect("left there");
    *value += 1;
    assert!(SLOT.take().is_none());
    SLOT.put(value);
    assert_eq!(SLOT.take(), Some(&mut 2));
}

#[test]
fn copies_take_what_there_is_room_for() {
    let mut to = [0; 3];
    assert_eq!(copy(&mut to, b"abcd"), 3);
    assert_eq!(copy(&mut to, b"x"), 1);
    assert_eq!(copy(&mut to, b""), 0);
    assert_eq!(copy(&mut [], b"abc"), 0);
    assert_eq!(&to, b"xbc");
}

#[test]
fn bytes_move_down_over_themselves_or_not_at_all() {
    let mut bytes = *b"0123456789";
    move_down(&mut bytes, 4, 2, 6);
    assert_eq!(&bytes, b"0145678989");
    for (from, to, count) in [
        (4, 4, 2),
        (2, 4, 2),
        (8, 0, 3),
        (11, 0, 0),
        (1, 0, usize::MAX),
    ] {
        let before = bytes;
        move_down(&mut bytes, from, to, count);
        assert_eq!(bytes, before, "{from} {to} {count}");
    }
    move_down(&mut bytes, 8, 0, 2);
    assert_eq!(&bytes, b"8945678989");
}

#[test]
#[cfg_attr(miri, ignore = "makes a system call")]
fn pages_given_back_read_as_zeros_and_the_rest_stays() {
    let mut bytes = vec![1u8; 64 * 1024];
    give_back(&mut bytes, 10_000);
    assert!(bytes[..10_000].iter().all(|byte| *byte == 1));
    assert!(bytes[10_000 + 4096..60_000].iter().all(|byte| *byte == 0));
    assert!(bytes.iter().rev().take_while(|byte| **byte == 1).count() < 4096);
    give_back(&mut bytes[..100], 0);
    give_back(&mut [], 0);
}

/// What a child finds in its environment.
fn seen_by_a_child() -> String {
    let command = "printf %s \"${_X_AMZN_TRACE_ID-unset}\"";
    let output = Command::new("sh")
        .args(["-c", command])
        .output()
        .expect("run sh");
    String::from_utf8(output.stdout).expect("text")
}

// One test for all of it: the environment is the process's.
#[test]
#[cfg_attr(miri, ignore = "starts a process")]
fn the_trace_id_is_in_the_environment_of_the_process_and_of_children_or_is_not() {
    let variable = || std::env::var("_X_AMZN_TRACE_ID").ok();
    // SAFETY: no other test of this program reads or writes the environment.
    unsafe { std::env::set_var("_X_AMZN_TRACE_ID", "inherited") };
    for id in ["Root=1-5bef4de7;Parent=9a91;Sampled=1", "", "short", "", ""] {
        set_trace_id(id.as_bytes());
        assert_eq!(variable().unwrap_or_default(), id);
        assert_eq!(seen_by_a_child(), if id.is_empty() { "unset" } else { id });
        let own = Environment::new();
        assert_eq!(
            own.get(b"_X_AMZN_TRACE_ID=").unwrap_or_default(),
            id.as_bytes()
        );
    }
    // A program's own setenv makes an array of its own; what it set stays, and ours is set again.
    for round in ["1", "2", "3"] {
        // SAFETY: as above.
        unsafe { std::env::set_var("OF_THE_FUNCTION", round) };
        set_trace_id(b"again");
        assert_eq!(
            (variable().as_deref(), seen_by_a_child().as_str()),
            (Some("again"), "again")
        );
        assert_eq!(std::env::var("OF_THE_FUNCTION").as_deref(), Ok(round));
        assert_eq!(
            std::env::vars()
                .filter(|(name, _)| name == "_X_AMZN_TRACE_ID")
                .count(),
            1
        );
    }
    let longest = [b'x'; TRACE_ID_BYTES_MAX];
    set_trace_id(&longest);
    assert_eq!(variable().map(|id| id.len()), Some(TRACE_ID_BYTES_MAX));
    set_trace_id(&[b'x'; TRACE_ID_BYTES_MAX + 1]);
    assert_eq!(variable(), None, "as good as none");
}

#[test]
#[cfg_attr(miri, ignore = "reads the environment of the process")]
fn the_environment_is_found_by_whole_names() {
    let environment = Environment::new();
    assert_eq!(
        environment.get(b"PATH="),
        std::env::var("PATH").ok().as_deref().map(str::as_bytes)
    );
    assert_eq!(environment.get(b"PAT="), None);
    assert_eq!(environment.get(b"NO_SUCH_VARIABLE="), None);
}
