//! The validator against `serde_json`, which this project did not write.

use super::{DEPTH_MAX, Error, check};

/// All texts of up to `most` of these pieces.
fn all_texts(pieces: &[&str], most: u32, each: &mut dyn FnMut(&str)) {
    let count = pieces.len();
    for length in 0..=most {
        for number in 0..count.pow(length) {
            let mut rest = number;
            let mut text = String::new();
            for _ in 0..length {
                text += pieces[rest % count];
                rest /= count;
            }
            each(&text);
        }
    }
}

fn assert_agrees(text: &str) {
    let other = serde_json::from_str::<serde_json::Value>(text);
    let own = check(text.as_bytes());
    assert_eq!(own.is_ok(), other.is_ok(), "{text:?}: {own:?}, {other:?}");
}

#[test]
fn short_text_of_any_kind_is_judged_as_by_serde_json() {
    let structure = ["[", "]", "{", "}", ",", ":", "\"a\"", "1", " ", "\""];
    all_texts(&structure, 5, &mut assert_agrees);
    let numbers = ["-", "0", "1", ".", "e", "E", "+", "999", " "];
    all_texts(&numbers, 5, &mut assert_agrees);
    let literals = ["t", "rue", "false", "nul", "l", "[", "]", ","];
    all_texts(&literals, 5, &mut assert_agrees);
    let strings = [
        "\\", "u", "n", "/", "d800", "dC00", "00e9", "\"", "\u{1}", "é",
    ];
    all_texts(&strings, 5, &mut |text| {
        assert_agrees(&format!("\"{text}\""))
    });
}

#[test]
fn invalid_utf_8_is_refused_at_its_offset() {
    for bytes in [
        &b"\"\xff\""[..],
        b"\"\xc3\"",
        b"\"\xed\xa0\x80\"",
        b"\xef\xbb",
    ] {
        let at = bytes.iter().position(|byte| !byte.is_ascii());
        let error = check(bytes).expect_err("an error");
        assert_eq!(Some(error.offset), at, "{bytes:?}");
    }
}

#[test]
fn nesting_of_1000_is_accepted_and_1001_refused() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let text = |depth| open.repeat(depth) + "1" + &close.repeat(depth);
        assert_eq!(check(text(DEPTH_MAX).as_bytes()), Ok(()));
        let reason = "nesting of more than 1000 levels";
        let offset = open.len() * DEPTH_MAX;
        let expected = Err(Error { offset, reason });
        assert_eq!(check(text(DEPTH_MAX + 1).as_bytes()), expected);
    }
    let deep = "[".repeat(3_000_000);
    assert!(check(deep.as_bytes()).is_err());
}

#[test]
fn number_out_of_range_and_lone_surrogate_are_refused() {
    let long = "9".repeat(400);
    for text in [
        "1e999",
        "-1E+999",
        &long,
        r#""\ud800""#,
        r#""\udc00\ud800""#,
    ] {
        assert!(check(text.as_bytes()).is_err(), "{text}");
    }
    for text in ["1e-999", "0e999", r#""\ud83d\ude00""#, &"9".repeat(308)] {
        assert_eq!(check(text.as_bytes()), Ok(()), "{text}");
    }
}

#[test]
fn special_byte_at_any_offset_of_a_long_string_is_seen() {
    for at in 0..20 {
        for letter in (0..=255).map(char::from) {
            let mut text = format!("\"{}\"", "x".repeat(20));
            text.insert(1 + at, letter);
            assert_agrees(&text);
        }
    }
}

#[test]
fn brackets_have_to_match_at_any_depth() {
    // Across the words that the open brackets are stored in.
    for depth in [1, 63, 64, 65, 127, 128, 999, 1000] {
        for inner in ["[", "{\"a\":"] {
            let open: String = (0..depth - 1).map(|at| OPEN[at % 3 / 2]).collect();
            let close: String = (0..depth - 1).rev().map(|at| CLOSE[at % 3 / 2]).collect();
            let right = if inner == "[" { "]" } else { "}" };
            for found in ["]", "}", ")", "", ","] {
                let text = format!("{open}{inner}0{found}{close}");
                let is_valid = check(text.as_bytes()).is_ok();
                assert_eq!(is_valid, found == right, "{depth}: {inner}0{found}");
            }
        }
    }
    const OPEN: [&str; 2] = ["[", "{\"b\":"];
    const CLOSE: [&str; 2] = ["]", "}"];
}

#[test]
fn number_is_judged_as_by_serde_json_at_the_limit_of_doubles() {
    for digits in [1, 2, 300, 307, 308, 309, 310, 400] {
        for exponent in [
            "", "e0", "e1", "E+8", "e307", "e308", "e309", "e-400", "e00308",
        ] {
            for first in ["1", "9"] {
                let number = format!("{first}{}{exponent}", "0".repeat(digits - 1));
                assert_agrees(&number);
                assert_agrees(&format!("[-{number}]"));
                assert_agrees(&number.replacen('e', ".5e", 1));
            }
        }
    }
    let huge = format!("1e{}", "9".repeat(40));
    assert_agrees(&huge);
    assert_agrees(&format!("0e{}", "9".repeat(40)));
}

#[test]
fn text_of_random_changes_is_judged_as_by_serde_json() {
    let valid =
        r#"{"name":["a\u00e9\n",1.5e3,true,{"k":null}],"other text":{"x":[[],{}]},"-":-0.1}"#;
    let letters = b"{}[]\",:\\ u0129.eE+-tfn\n\x01\xc3";
    let mut state = 1u64;
    let mut random = |below: usize| {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 33) as usize % below
    };
    for _ in 0..20_000 {
        let mut bytes = valid.as_bytes().to_vec();
        for _ in 0..=random(3) {
            let (at, letter) = (random(bytes.len()), letters[random(letters.len())]);
            match random(3) {
                0 => bytes[at] = letter,
                1 => bytes.insert(at, letter),
                _ => drop(bytes.remove(at)),
            }
        }
        let own = check(&bytes);
        let other = serde_json::from_slice::<serde_json::Value>(&bytes);
        let text = String::from_utf8_lossy(&bytes);
        assert_eq!(own.is_ok(), other.is_ok(), "{text}: {own:?}, {other:?}");
        let offset = own.err().map_or(0, |error| error.offset);
        assert!(offset <= bytes.len(), "{text}: {offset}");
    }
}
