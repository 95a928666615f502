//! Tests of the system-call layer.

use super::*;
use crate::limits::{ENVIRONMENT_MAX, TRACE_ID_BYTES_MAX};
use std::os::unix::ffi::OsStrExt;
use std::process::Command;
use std::string::String;
use std::vec;

#[test]
fn take_once_second_take_is_none() {
    static REGION: TakeOnce<[u8; 8]> = TakeOnce::new([0; 8]);
    let region = REGION.take().expect("the first take");
    region.fill(7);
    assert!(REGION.take().is_none());
    assert_eq!(region, &[7; 8]);
}

#[test]
fn handoff_gives_a_value_once() {
    static REGION: TakeOnce<u32> = TakeOnce::new(1);
    static SLOT: Handoff<u32> = Handoff::new();
    assert!(SLOT.take().is_none());
    SLOT.put(REGION.take().expect("first"));
    let value = SLOT.take().expect("the value");
    *value += 1;
    assert!(SLOT.take().is_none());
    SLOT.put(value);
    assert_eq!(SLOT.take(), Some(&mut 2));
}

#[test]
fn copy_longer_than_the_target_is_cut() {
    let mut to = [0; 3];
    assert_eq!(copy_prefix(&mut to, b"abcd"), 3);
    assert_eq!(copy_prefix(&mut to, b"x"), 1);
    assert_eq!(copy_prefix(&mut to, b""), 0);
    assert_eq!(copy_prefix(&mut [], b"abc"), 0);
    assert_eq!(&to, b"xbc");
}

#[test]
fn move_down_overlapping_or_out_of_bounds_is_safe() {
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
fn released_pages_read_as_zeros_and_the_rest_stays() {
    let mut bytes = vec![1u8; 64 * 1024];
    release_pages(&mut bytes, 10_000);
    assert!(bytes[..10_000].iter().all(|byte| *byte == 1));
    assert!(bytes[10_000 + 4096..60_000].iter().all(|byte| *byte == 0));
    assert!(bytes.iter().rev().take_while(|byte| **byte == 1).count() < 4096);
    bytes.fill(1);
    release_pages(&mut bytes[32_000..], usize::MAX - 4095);
    release_pages(&mut bytes[32_000..], usize::MAX);
    assert!(bytes.iter().all(|byte| *byte == 1));
    release_pages(&mut bytes[..100], 0);
    release_pages(&mut [], 0);
}

/// The trace id in the environment of a child.
fn trace_id_of_child() -> String {
    let command = "printf %s \"${_X_AMZN_TRACE_ID-unset}\"";
    let output = Command::new("sh")
        .args(["-c", command])
        .output()
        .expect("run sh");
    String::from_utf8(output.stdout).expect("text")
}

// One test for all: the environment belongs to the process. Miri starts no processes, and its
// getenv(3) does not read `environ`; there the test reads the list itself.
#[test]
fn trace_id_is_in_the_environment_of_process_and_children() {
    let listed = || {
        std::env::vars_os()
            .find_map(|(name, value)| (name == NAME).then(|| value.into_string().expect("text")))
    };
    let variable = || {
        if cfg!(miri) {
            listed()
        } else {
            std::env::var(NAME).ok()
        }
    };
    // SAFETY: no other test of this program reads or changes the environment.
    unsafe { std::env::set_var(NAME, "inherited") };
    get_matches_whole_names(&Environment::new());
    let others = std::env::vars_os().filter(|(name, _)| name != NAME).count();
    for id in ["Root=1-5bef4de7;Parent=9a91;Sampled=1", "", "short", "", ""] {
        set_trace_id(id.as_bytes());
        let wanted = (!id.is_empty()).then_some(id);
        assert_eq!(variable().as_deref(), wanted);
        assert_eq!(listed().as_deref(), wanted);
        let own = Environment::new();
        assert_eq!(own.get(b"_X_AMZN_TRACE_ID="), wanted.map(str::as_bytes));
        let entries = std::env::vars_os().count();
        assert_eq!(
            entries,
            others + usize::from(wanted.is_some()),
            "the others stay"
        );
        if !cfg!(miri) {
            assert_eq!(trace_id_of_child(), wanted.unwrap_or("unset"));
        }
    }
    let longest = [b'x'; TRACE_ID_BYTES_MAX];
    set_trace_id(&longest);
    assert_eq!(variable().map(|id| id.len()), Some(TRACE_ID_BYTES_MAX));
    set_trace_id(b"a");
    assert_eq!(
        variable().as_deref(),
        Some("a"),
        "nothing of the longest is left"
    );
    set_trace_id(&[b'x'; TRACE_ID_BYTES_MAX + 1]);
    assert_eq!(variable(), None, "too long");
    child_envp_has_each_variable_of_the_event_once();
    if !cfg!(miri) {
        setenv_of_the_program_keeps_the_trace_id();
        environment_too_large_is_unchanged();
    }
}

const NAME: &str = "_X_AMZN_TRACE_ID";

fn get_matches_whole_names(environment: &Environment) {
    assert_eq!(
        environment.get(b"_X_AMZN_TRACE_ID="),
        Some(&b"inherited"[..])
    );
    for absent in [
        "_X_AMZN_TRACE_I=",
        "X_AMZN_TRACE_ID=",
        "_x_amzn_trace_id=",
        "NO_SUCH=",
    ] {
        assert_eq!(environment.get(absent.as_bytes()), None, "{absent}");
    }
    for (name, value) in std::env::vars_os() {
        let found = environment.get(&[name.as_bytes(), b"="].concat());
        assert_eq!(found, Some(value.as_bytes()), "{name:?}");
    }
}

/// The program's setenv allocates another list; its variables stay, and ours is set again.
fn setenv_of_the_program_keeps_the_trace_id() {
    for round in ["1", "2", "3"] {
        // SAFETY: as above.
        unsafe { std::env::set_var("OF_THE_FUNCTION", round) };
        set_trace_id(b"again");
        let variable = std::env::var(NAME);
        assert_eq!(
            (variable.as_deref(), &*trace_id_of_child()),
            (Ok("again"), "again")
        );
        assert_eq!(std::env::var("OF_THE_FUNCTION").as_deref(), Ok(round));
        let ours = std::env::vars_os().filter(|(name, _)| name == NAME);
        assert_eq!(ours.count(), 1);
    }
}

/// The entries of a list.
fn entries_of(list: usize) -> std::vec::Vec<String> {
    let mut list = list as *mut *mut core::ffi::c_char;
    let mut texts = vec![];
    while let Some(entry) = environment::next_entry(list) {
        // SAFETY: C strings of the test below.
        let text = unsafe { core::ffi::CStr::from_ptr(entry) };
        texts.push(text.to_str().expect("text").into());
        list = list.wrapping_add(1);
    }
    texts
}

/// With duplicates, which execve(2) passes on unchanged, and with more entries than fit.
fn child_envp_has_each_variable_of_the_event_once() {
    let own = [
        "PATH=/first",
        "ID=a",
        "PATH=/second",
        "IDS=b",
        "ID=c",
        "I=d",
        "ID",
        "XID=e",
    ];
    let filling = (0..ENVIRONMENT_MAX).map(|number| std::format!("FILLING_{number}=x"));
    let texts = own.iter().map(|text| String::from(*text)).chain(filling);
    let mut texts: std::vec::Vec<_> = texts
        .map(|text| std::ffi::CString::new(text).expect("no NUL").into_raw())
        .collect();
    let mut list = texts.clone();
    list.push(null_mut());
    // SAFETY: no other test of this program reads or changes the environment.
    let environ = unsafe { &environment::ENVIRON };
    let before = environ.swap(list.as_mut_ptr(), Ordering::Relaxed);
    let here = Environment::new();
    assert_eq!(here.get(b"PATH="), Some(&b"/first"[..]), "as getenv(3)");
    let found = entries_of(here.envp_with(b"ID=new\0OTHER=o\0ZZ=no NUL").address());
    let wanted = [
        "ID=new",
        "OTHER=o",
        "PATH=/first",
        "PATH=/second",
        "IDS=b",
        "I=d",
        "ID",
        "XID=e",
    ];
    assert_eq!(found[..wanted.len()], wanted);
    assert_eq!(found.len(), ENVIRONMENT_MAX + 1);
    let found = entries_of(here.envp_with(b"").address());
    assert_eq!(found[..own.len()], own);
    unset(b"ID=");
    let found = entries_of(here.envp().address());
    let wanted = ["PATH=/first", "PATH=/second", "IDS=b", "I=d", "ID", "XID=e"];
    assert_eq!(found[..wanted.len()], wanted);
    environ.store(before, Ordering::Relaxed);
    for text in texts.drain(..) {
        // SAFETY: from `into_raw`, once.
        drop(unsafe { std::ffi::CString::from_raw(text) });
    }
}

/// The largest number of entries, and one more.
fn environment_too_large_is_unchanged() {
    let own = std::env::vars_os().filter(|(name, _)| name != NAME).count();
    for number in own..ENVIRONMENT_MAX {
        // SAFETY: as above.
        unsafe { std::env::set_var(std::format!("FILLING_{number}"), "") };
    }
    set_trace_id(b"with the most");
    assert_eq!(std::env::var(NAME).as_deref(), Ok("with the most"));
    assert_eq!(std::env::vars_os().count(), ENVIRONMENT_MAX + 1);
    // SAFETY: as above.
    unsafe { std::env::set_var("ONE_MORE", "") };
    set_trace_id(b"with one more");
    assert_eq!(std::env::var("ONE_MORE").as_deref(), Ok(""));
    let id = std::env::var(NAME);
    assert_ne!(id.as_deref(), Ok("with one more"));
}
