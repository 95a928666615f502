//! Tests of the buffers.

use super::*;
use crate::limits::RESPONSE_REGION_BYTES;
use crate::wire::number::Decimal;

#[test]
fn buffer_appends_to_the_body_and_prepends_to_the_head() {
    let buffer = Buffer::leaked();
    assert_eq!((buffer.bytes(), buffer.body_bytes()), (&b""[..], 0));
    buffer.append(b"body");
    assert!(!buffer.has_head());
    buffer.prepend(b"; ");
    buffer.prepend_number(buffer.body_bytes());
    assert!(buffer.has_head());
    buffer.append(b", and more");
    buffer.prepend_header(b"absent: ", b"");
    buffer.prepend_header(b"name: ", b"value");
    assert_eq!(
        (buffer.bytes(), buffer.body_bytes()),
        (&b"name: value\r\n4; body, and more"[..], 14)
    );
    buffer.clear_head();
    assert_eq!(buffer.bytes(), b"body, and more");
    buffer.clear();
    assert_eq!(buffer.bytes(), b"");
}

#[test]
fn copy_that_does_not_fit_is_truncated() {
    let mut region = [b'.'; 4];
    assert_eq!(copy_at(&mut region, 2, b"abc"), 2);
    assert_eq!(&region, b"..ab");
    assert_eq!(copy_at(&mut region, 9, b"abc"), 0);
}

#[test]
#[cfg_attr(miri, ignore = "slow")]
fn buffer_full_truncates_body_and_drops_head() {
    let buffer = Buffer::leaked();
    let most = RESPONSE_REGION_BYTES - HEADROOM_BYTES;
    let body = std::vec![b'b'; most - 1];
    buffer.append(&body);
    buffer.append(b"123");
    assert_eq!(buffer.body_bytes(), most, "cut off");
    buffer.append(b"4");
    let head = std::vec![b'h'; HEADROOM_BYTES - 2];
    buffer.prepend(&head);
    buffer.prepend(b"too long");
    buffer.prepend(b">");
    buffer.prepend(b"<");
    buffer.prepend(b"!");
    let whole = [b"<>", &head[..], &body, b"1"].concat();
    assert!(buffer.bytes() == whole, "{} bytes", buffer.bytes().len());
    buffer.clear();
    buffer.append(b"new");
    assert_eq!(buffer.bytes(), b"new");
}

#[test]
fn numbers_are_written_in_decimal() {
    use std::string::ToString;
    let buffer = Buffer::leaked();
    for number in [0, 1, 9, 10, 99, 100, 6_291_556, usize::MAX - 1, usize::MAX] {
        let wanted = number.to_string();
        assert_eq!(Decimal::new(number).as_bytes(), wanted.as_bytes());
        buffer.clear_head();
        buffer.prepend_number(number);
        assert_eq!(buffer.bytes(), wanted.as_bytes());
    }
}

#[test]
fn fixed_bytes_too_long_are_truncated() {
    use core::fmt::Write;
    let mut text = FixedBytes::<5>::new();
    assert_eq!(text.as_bytes(), b"");
    text.set(b"ab");
    assert_eq!(text.as_bytes(), b"ab");
    let _ = write!(text, "{}-long", 1);
    assert_eq!(text.as_bytes(), b"ab1-l");
    text.set(b"longer");
    assert_eq!(text.as_bytes(), b"longe");
}

#[test]
fn path_segment_is_encoded_as_by_go() {
    let buffer = Buffer::leaked();
    let id = b"8476a536-e9f4-11e8-9739-2dfe598c3fcd";
    let cases: [(&[u8], &[u8]); 7] = [
        (b"", b""),
        (id, id),
        (b"..", b".."),
        (b"aZ09-_.~$&+,:;=@", b"aZ09-_.~$&+,:;=@"),
        (b" !\"#%'()*/", b"%20%21%22%23%25%27%28%29%2A%2F"),
        (b"<>?[\\]^`{|}", b"%3C%3E%3F%5B%5C%5D%5E%60%7B%7C%7D"),
        (b"\0\x1f\x7f\x80\xe9\xff", b"%00%1F%7F%80%E9%FF"),
    ];
    for (text, encoded) in cases {
        buffer.clear();
        buffer.prepend_path_segment(text);
        assert_eq!(buffer.bytes(), encoded);
    }
}
