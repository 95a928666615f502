//! Tests of the arguments of commands; sh(1) is the oracle for words.

use super::*;
use std::format;
use std::process::Command;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

/// The arguments of an event.
fn read(event: &[u8]) -> Result<Vec<String>, Fault> {
    let words = std::boxed::Box::leak(std::boxed::Box::new(Words::new()));
    words.read(event)?;
    let text = |word: &[u8]| {
        let (end, word) = word.split_last().expect("a NUL");
        assert_eq!(*end, 0);
        String::from_utf8(word.to_vec()).expect("UTF-8")
    };
    Ok(words.iter().map(text).collect())
}

/// The words of a command line, by way of a JSON string.
fn split(line: &str) -> Result<Vec<String>, Fault> {
    let mut event = b"\"".to_vec();
    json::escape(line.as_bytes(), &mut |piece| event.extend_from_slice(piece));
    event.push(b'"');
    read(&event)
}

#[test]
fn arguments_of_each_form_are_read() {
    let none: [&str; 0] = [];
    for (event, wanted) in [
        ("", &none[..]),
        (" \r\n\t", &none),
        (r#""""#, &none),
        (r#"" \t\n ""#, &none),
        ("[]", &none),
        (r#"{"cli":""}"#, &none),
        (r#""migrate --force""#, &["migrate", "--force"]),
        (r#""a \"b c\" 'd e'""#, &["a", "b c", "d e"]),
        (r#""\u0061\tb""#, &["a", "b"]),
        (r#" ["a b", "", -1.5e3, 7] "#, &["a b", "", "-1.5e3", "7"]),
        (r#"{"cli":"a b"}"#, &["a", "b"]),
        (r#"{"x":{"cli":1},"cli":["a b"],"y":2}"#, &["a b"]),
        (r#"{"cli":"a","cli":"b"}"#, &["b"]),
        (r#"{"\u0063li":"a"}"#, &["a"]),
        (r#""h\u00e9 \ud83d\ude00""#, &["hé", "😀"]),
    ] {
        assert_eq!(read(event.as_bytes()).expect(event), wanted, "{event}");
    }
}

#[test]
fn arguments_of_another_form_are_a_fault() {
    for event in [
        "null",
        "true",
        "1",
        "{}",
        r#"{"cli":null}"#,
        r#"{"cli":1}"#,
        r#"{"cli":{}}"#,
        r#"{"CLI":"a"}"#,
        "[null]",
        "[[]]",
        r#"["a",{}]"#,
        "[true]",
        r#"["a"] 1"#,
        r#"["a""#,
        r#""a"#,
        "migrate",
        "{\"cli\":\"a\"",
        "\"a\"\"b\"",
        "\u{fffd}",
    ] {
        assert_eq!(read(event.as_bytes()), Err(Fault::NoSuchForm), "{event}");
    }
    for event in [r#""a 'b""#, r#""a \"b""#, r#""'""#, r#"{"cli":"'\"'\""}"#] {
        assert_eq!(read(event.as_bytes()), Err(Fault::OpenQuote), "{event}");
    }
    for event in [r#""a\u0000b""#, r#"["\u0000"]"#, r#""'\u0000'""#] {
        assert_eq!(read(event.as_bytes()), Err(Fault::Nul), "{event}");
    }
    // An event after them is read as if they had not been.
    assert_eq!(read(b"[1]").expect("a list"), ["1"]);
}

#[test]
#[cfg_attr(miri, ignore = "megabytes")]
fn arguments_at_their_limits_fit_and_beyond_them_do_not() {
    let many = |count: usize| format!("[{}]", vec!["1"; count].join(","));
    assert_eq!(read(many(255).as_bytes()).map(|words| words.len()), Ok(255));
    assert_eq!(read(many(256).as_bytes()), Err(Fault::TooLong));
    let words = |count: usize| format!("\"{}\"", "a ".repeat(count));
    assert_eq!(
        read(words(255).as_bytes()).map(|words| words.len()),
        Ok(255)
    );
    assert_eq!(read(words(256).as_bytes()), Err(Fault::TooLong));
    let long = |bytes: usize| format!("[\"{}\"]", "x".repeat(bytes));
    let most = CONSOLE_ARGUMENT_BYTES_MAX - 1;
    assert_eq!(read(long(most).as_bytes()).expect("fits")[0].len(), most);
    assert_eq!(read(long(most + 1).as_bytes()), Err(Fault::TooLong));
    let two = |bytes: usize| format!("[\"{}\",\"b\"]", "x".repeat(bytes));
    assert_eq!(
        read(two(most - 2).as_bytes()).map(|words| words.len()),
        Ok(2)
    );
    assert_eq!(read(two(most - 1).as_bytes()), Err(Fault::TooLong));
    assert_eq!(read(long(6 << 20).as_bytes()), Err(Fault::TooLong));
}

#[test]
fn words_with_the_powers_of_a_shell_stay_words() {
    for (line, wanted) in [
        ("$HOME `id` $(id)", &["$HOME", "`id`", "$(id)"][..]),
        ("* ? ~ #x", &["*", "?", "~", "#x"]),
        ("a;b | c && d > e", &["a;b", "|", "c", "&&", "d", ">", "e"]),
        ("{a,b} a=1 !x", &["{a,b}", "a=1", "!x"]),
        (r#""$HOME `x`""#, &["$HOME `x`"]),
        ("a\nb\rc\u{b}d\u{c}e", &["a", "b", "c", "d", "e"]),
        (
            r"App\\Jobs\\X 'App\Jobs' App\Jobs",
            &[r"App\Jobs\X", r"App\Jobs", "AppJobs"],
        ),
    ] {
        assert_eq!(split(line).expect(line), wanted, "{line}");
    }
}

/// What a shell makes of each line: its words, or `None` where a quote has no end.
fn split_by_sh(lines: &[String]) -> Vec<Option<Vec<String>>> {
    let script = r#"set -f
        for line; do
            (eval "set -- $line" && printf '%s\0' "$#" "$@") 2>/dev/null || printf 'fault\0'
        done"#;
    let mut command = Command::new("sh");
    let output = command.args(["-c", script, "sh"]).args(lines).output();
    let text = String::from_utf8(output.expect("run sh").stdout).expect("UTF-8");
    let mut fields = text.split('\0').map(str::to_string);
    let mut split = Vec::new();
    for _ in lines {
        let count = fields.next().expect("a result for each line");
        split.push(match count.as_str() {
            "fault" => None,
            count => {
                let count = count.parse().expect("a number");
                Some(fields.by_ref().take(count).collect())
            }
        });
    }
    split
}

#[test]
#[cfg_attr(miri, ignore = "starts sh")]
fn words_of_random_lines_are_those_of_sh() {
    let tokens = [
        "a", "b", "é", " ", "  ", "\t", "'", "'", "\"", "\"", "\\", "\\\\", "\\\"", "\\'", "\\ ",
        "\\$", "\\`", "\\x", "''", "\"\"", "'a b'", "\"a b\"", "x=1", "-", "--f",
    ];
    let mut state = 88_172_645_463_325_252_u64;
    let mut next = |end: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % end as u64) as usize
    };
    let (mut faults, mut words) = (0, 0);
    for _ in 0..8 {
        let line = |next: &mut dyn FnMut(usize) -> usize| {
            let count = next(12);
            let line: String = (0..count).map(|_| tokens[next(tokens.len())]).collect();
            line
        };
        // A shell would expand what no backslash quotes.
        let is_quoted = |line: &String| {
            let ends = line.match_indices(['$', '`']).map(|(at, _)| &line[..at]);
            ends.map(|text| text.len() - text.trim_end_matches('\\').len())
                .all(|backslashes| backslashes % 2 == 1)
        };
        let lines = (0..400).map(|_| line(&mut next)).filter(is_quoted);
        let lines: Vec<String> = lines.collect();
        for (line, wanted) in lines.iter().zip(split_by_sh(&lines)) {
            match wanted {
                Some(wanted) => {
                    words += wanted.len();
                    assert_eq!(split(line).as_ref(), Ok(&wanted), "{line:?}");
                }
                None => {
                    faults += 1;
                    assert_eq!(split(line), Err(Fault::OpenQuote), "{line:?}");
                }
            }
        }
    }
    assert!(faults > 100 && words > 1000, "{faults} {words}");
}

#[test]
#[cfg_attr(miri, ignore = "starts sh")]
fn line_continuations_are_those_of_sh() {
    let lines = [
        "a\\\nb",
        "a \\\nb",
        "'a\\\nb'",
        "\"a\\\nb\"",
        "\\\n",
        "a\\\n",
    ];
    let lines = lines.map(str::to_string);
    for (line, wanted) in lines.iter().zip(split_by_sh(&lines)) {
        assert_eq!(split(line).ok(), wanted, "{line:?}");
    }
}
