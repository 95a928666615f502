//! Tests of packed code.

use super::*;
use crate::host::shims::{NODE, PHP, PYTHON, RUBY, SHELL};

#[test]
fn what_is_packed_is_unpacked() {
    for code in [
        PHP,
        NODE,
        PYTHON,
        RUBY,
        SHELL,
        b"",
        b"a",
        b"aaaaaaaaaaaaaaaaaaaaaaaaaa",
    ] {
        let packed = pack(code);
        let mut room = [0; CODE_BYTES_MAX];
        let length = unpack(&packed.bytes[..packed.length], &mut room);
        assert_eq!(&room[..length], code);
        let bytes = packed.length;
        assert!(
            code.len() < 1000 || bytes * 5 < code.len() * 3,
            "{bytes} of {}",
            code.len()
        );
    }
}

#[test]
fn what_was_never_packed_ends_within_the_room() {
    let mut room = [0; 16];
    assert_eq!(unpack(&[0xff, 0xff], &mut room), 0, "nothing came before");
    assert_eq!(unpack(&[b'a', 0xf0], &mut room), 11);
    assert_eq!(unpack(&[b'a', 0xf0, 0, 0xf0, 0, b'b'], &mut room), 16);
}
