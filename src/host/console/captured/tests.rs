//! Tests of the end of an output that is retained.

use super::*;
use crate::sys::TakeOnce;
use std::string::String;
use std::vec;
use std::vec::Vec;

const MOST: usize = CONSOLE_OUTPUT_BYTES_MAX;

#[test]
#[cfg_attr(miri, ignore = "megabytes")]
fn captured_output_of_any_length_is_its_end() {
    static CAPTURED: TakeOnce<Captured> = TakeOnce::new(Captured::new());
    let captured = CAPTURED.take().expect("the first take");
    for (piece, count) in [
        (1, 10),
        (1000, 100),
        (65_536, 15),
        (65_536, 200),
        (4096, 1000),
    ] {
        captured.clear();
        assert_eq!(captured.as_bytes(), b"");
        let mut model = Vec::new();
        for number in 0..count {
            let bytes = vec![b'a' + (number % 23) as u8; piece];
            captured.push(&bytes);
            model.extend(bytes);
        }
        let end = &model[model.len().saturating_sub(MOST)..];
        assert!(captured.as_bytes() == end, "{piece} {count}");
    }
}

#[test]
#[cfg_attr(miri, ignore = "megabytes")]
fn captured_output_that_is_cut_begins_with_a_character() {
    static CAPTURED: TakeOnce<Captured> = TakeOnce::new(Captured::new());
    let captured = CAPTURED.take().expect("the first take");
    for text in ["é", "€", "😀", "aé€😀"] {
        for shift in 0..8 {
            captured.clear();
            captured.push(&vec![b'x'; shift]);
            let piece = text.repeat(60_000 / text.len());
            let mut pushed = shift;
            while pushed < 3 * MOST {
                captured.push(piece.as_bytes());
                pushed += piece.len();
            }
            let end = core::str::from_utf8(captured.as_bytes()).expect("whole characters");
            assert!(end.len() > MOST - 4 && end.len() <= MOST, "{}", end.len());
        }
    }
    // What is no UTF-8 anyway is cut anywhere.
    captured.clear();
    for _ in 0..40 {
        captured.push(&[0x80; 65_536]);
    }
    assert_eq!(captured.as_bytes().len(), MOST - 3);
}

fn escaped(text: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::new();
    json::escape(text, &mut |piece| escaped.extend_from_slice(piece));
    escaped
}

#[test]
#[cfg_attr(miri, ignore = "slow")]
fn end_that_fits_is_the_longest_but_for_a_step() {
    let texts: [Vec<u8>; 5] = [
        vec![b'x'; 100_000],
        vec![b'\n'; 100_000],
        vec![0xff; 100_000],
        "aé€😀\"\n".repeat(10_000).into_bytes(),
        (0..100_000_u32)
            .map(|number| (number.wrapping_mul(number) >> 3) as u8)
            .collect(),
    ];
    for text in &texts {
        let all = escaped(text).len();
        for most in [0, 1, 1000, 16_384, 65_537, all - 1, all, all + 1] {
            let end = end_that_fits(text, most);
            assert!(text.ends_with(end));
            let bytes = escaped(end).len();
            assert!(bytes <= most, "{bytes} {most}");
            let is_longest = end.len() == text.len() || bytes + 6 * STEP_BYTES >= most.min(all);
            assert!(is_longest, "{bytes} {most}");
            if most >= all {
                assert_eq!(end.len(), text.len());
            }
        }
    }
    let text = String::from("é").repeat(50_000);
    let end = end_that_fits(text.as_bytes(), 50_001);
    assert!(core::str::from_utf8(end).is_ok());
}
