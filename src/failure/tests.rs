//! Tests of the JSON of failures.

use super::*;

#[test]
fn each_way_to_make_a_failure_gives_its_json() {
    let buffer = Buffer::leaked();
    buffer.append(b"what was there before");
    let wanted = |error_type: &str, message: &str| {
        std::format!(
            "{{\"errorType\":\"{error_type}\",\"errorMessage\":\"{message}\",\"stackTrace\":[]}}"
        )
    };
    Failure::new("Function.Bad", "say \"no\"\n").write(buffer);
    assert_eq!(
        buffer.bytes(),
        wanted("Function.Bad", "say \\\"no\\\"\\u000a").as_bytes()
    );
    Failure::fixed("Runtime.X", "plain").write(buffer);
    assert_eq!(buffer.bytes(), wanted("Runtime.X", "plain").as_bytes());
    Failure::of_bytes("Runtime.Y", b"\xff").write(buffer);
    assert_eq!(buffer.bytes(), wanted("Runtime.Y", "\u{fffd}").as_bytes());
    write(buffer, "T", &[b"in ", b"parts"]);
    assert_eq!(buffer.bytes(), wanted("T", "in parts").as_bytes());
    Failure::written("T").write(buffer);
    assert_eq!(
        buffer.bytes(),
        wanted("T", "in parts").as_bytes(),
        "it is there already"
    );
    Failure::new("a \"type\"", "").write(buffer);
    assert_eq!(buffer.bytes(), wanted("a \\\"type\\\"", "").as_bytes());
    assert_eq!(Failure::new("T", "m").error_type(), "T");
}

#[test]
fn a_type_counts_as_it_is_or_as_unknown() {
    const LONG: [u8; 129] = {
        let mut text = [b'X'; 129];
        let (start, _) = text.split_at_mut(9);
        start.copy_from_slice(b"Function.");
        text
    };
    let long = core::str::from_utf8(&LONG).expect("ASCII");
    for kept in ["Function.Bad", "Runtime.ExitError", "Function.Ab"] {
        assert_eq!(Failure::new(kept, "").metrics_type(), kept.as_bytes());
    }
    for other in [
        "",
        "MyError",
        "Function.",
        "Function.A",
        "Function.bad",
        "Function.No1",
        "Function.Bad\r\nX: y",
        "Function.\u{e9}a",
        "Functional.Bad",
        long,
    ] {
        assert_eq!(Failure::new(other, "").metrics_type(), UNKNOWN, "{other:?}");
    }
}

#[test]
#[cfg_attr(miri, ignore = "slow")]
fn a_message_is_cut_off_at_its_limit() {
    let buffer = Buffer::leaked();
    let limit = ERROR_MESSAGE_BYTES_MAX;
    let frame = wanted_bytes(buffer, 0);
    assert_eq!(wanted_bytes(buffer, limit), frame + limit);
    assert_eq!(wanted_bytes(buffer, limit + 1), frame + limit);
}

fn wanted_bytes(buffer: &mut Buffer, message: usize) -> usize {
    write(buffer, "T", &[&std::vec![b'x'; message]]);
    buffer.body_bytes()
}

#[cfg(feature = "std")]
#[test]
fn an_error_of_std_becomes_a_failure_with_its_causes() {
    let buffer = Buffer::leaked();
    #[derive(Debug)]
    struct Outer(core::num::ParseIntError);
    impl core::fmt::Display for Outer {
        fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
            f.write_str("no \"number\"")
        }
    }
    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }
    let error = "x".parse::<u8>().map_err(Outer).expect_err("no number");
    Failure::from(error).write(buffer);
    let wanted = r#"{"errorType":"Function.Error","errorMessage":"no \"number\"",#
"stackTrace":["invalid digit found in string"]}"#
        .replace("#\n", "");
    assert_eq!(buffer.bytes(), wanted.as_bytes());
}

#[test]
fn a_json_that_is_shortened_is_json_to_its_end() {
    let buffer = Buffer::leaked();
    let message = "a\"\\b\n\u{e9}\u{20ac}\u{1f525}\u{1}z".as_bytes();
    write(buffer, "Function.T", &[message, message]);
    let whole = std::string::String::from_utf8(buffer.body().to_vec()).expect("UTF-8");
    let start = whole.find("a\\\"").expect("the message");
    let least = start + TRACE.len() + END.len();
    let mut lengths = std::vec::Vec::new();
    for most in least..=whole.len() + 1 {
        write(buffer, "Function.T", &[message, message]);
        truncate_json(buffer, most);
        assert!(buffer.body_bytes() <= most, "{most}");
        let text = core::str::from_utf8(buffer.body()).expect("UTF-8");
        let kept = text[start..].strip_suffix("\",\"stackTrace\":[]}");
        let kept = kept.expect("its end").as_bytes();
        assert!(whole.as_bytes()[start..].starts_with(kept), "{most}");
        // Nothing is cut within an escape: an even number of backslashes, or whole ones of six.
        let plain = text[start..]
            .replace("\\u00", "")
            .replace("\\\\", "")
            .replace("\\\"", "");
        assert!(!plain[..plain.len() - 18].contains('\\'), "{most}: {text}");
        lengths.push(buffer.body_bytes());
    }
    assert!(lengths.is_sorted() && lengths.last() == Some(&whole.len()));
    assert_eq!(
        lengths.first(),
        Some(&least),
        "nothing of the message is left"
    );
}
