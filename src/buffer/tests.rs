//! Tests of the buffers.

use super::*;
use crate::sys::Region;

#[test]
fn a_text_is_put_before_with_fields_in_its_holes() {
    let mut room = [b'.'; 16];
    let start = prepend(&mut room, 14, b"<%|%>", &[b"ab", b""]);
    assert_eq!((start, &room), (9, b".........<ab|>.."));
    let start = prepend(&mut room, 9, b"plain%", &[b"!"]);
    assert_eq!((start, &room), (3, b"...plain!<ab|>.."));
}

#[test]
fn a_hole_without_a_field_stays_and_what_has_no_room_is_left_out() {
    let mut room = [b'.'; 4];
    assert_eq!(prepend(&mut room, 4, b"a%b", &[]), 1);
    assert_eq!(&room, b".a%b");
    let mut room = [b'.'; 4];
    assert_eq!(prepend(&mut room, 4, b"%", &[b"too long"]), 4);
    assert_eq!(&room, b"....");
}

#[test]
fn a_body_grows_behind_and_its_head_before() {
    static BUFFER: Region<Buffer> = Region::new(Buffer::new());
    let buffer = BUFFER.take().expect("first");
    assert_eq!((buffer.bytes(), buffer.body_bytes()), (&b""[..], 0));
    buffer.append(b"body");
    assert!(!buffer.has_head());
    buffer.prepend(b"head %;", &[b"4"]);
    assert!(buffer.has_head());
    buffer.append(b", and more");
    assert_eq!(
        (buffer.bytes(), buffer.body_bytes()),
        (&b"head 4;body, and more"[..], 14)
    );
    buffer.clear_head();
    assert_eq!(buffer.bytes(), b"body, and more");
    buffer.clear();
    assert_eq!(buffer.bytes(), b"");
}

#[test]
fn what_does_not_fit_behind_is_cut_off() {
    let mut room = [b'.'; 4];
    assert_eq!(put(&mut room, 2, b"abc"), 2);
    assert_eq!(&room, b"..ab");
    assert_eq!(put(&mut room, 9, b"abc"), 0);
}

#[test]
fn numbers_are_written_in_decimal() {
    use std::string::ToString;
    for number in [0, 1, 9, 10, 99, 100, 6_291_556, usize::MAX - 1, usize::MAX] {
        assert_eq!(Decimal::new(number).text(), number.to_string().as_bytes());
    }
}

#[test]
fn a_short_text_keeps_what_fits() {
    use core::fmt::Write;
    let mut text = Text::<5>::new();
    assert_eq!(text.get(), b"");
    text.set(b"ab");
    assert_eq!(text.get(), b"ab");
    let _ = write!(text, "{}-long", 1);
    assert_eq!(text.get(), b"ab1-l");
    text.set(b"longer");
    assert_eq!(text.get(), b"longe");
}
