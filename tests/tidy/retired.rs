//! Words of a private idiom that the project has given up, and the field's terms to write instead.
//!
//! A word is retired in every form of a name (`said`, `SAID`, `last_said`, `LastSaid`), but never
//! as a part of another word: `interface` has no `face`, `broom` no `room`. Add a word here when
//! the last use of it is gone. This is the one file that may contain all of them.

use std::collections::HashMap;

use crate::source::Source;

/// Retired in code, comments, strings and prose. An entry of several words is retired where they
/// follow each other.
const EVERYWHERE: &[(&str, &str)] = &[
    ("anew", "again"),
    ("buried", "reaped"),
    ("bury", "reap"),
    ("complain", "log, report"),
    ("complaint", "fault, error"),
    ("dead lock", "deadlock"),
    ("desk", "session"),
    ("door", "system-call layer"),
    ("doubtful", "unconfirmed, reply_lost"),
    ("face", "interface, API"),
    ("house", "project; style rules"),
    ("in hand", "current"),
    ("keeper", "supervisor"),
    (
        "kept",
        "persistent (a process), keep-alive (a connection), retained, stored",
    ),
    ("last word", "final answer"),
    ("last words", "final answer"),
    ("news", "wake-up, poll outcome, notification"),
    ("ornate", "unusual"),
    ("rogue", "broken worker"),
    (
        "said",
        "reported, printed, sent; a noun: message, line, log",
    ),
    ("seat", "startup barrier, worker link"),
    ("speaker", "minimal worker"),
    ("stray", "orphan"),
    ("strays", "orphans"),
    ("take leave", "reap"),
    ("takes leave", "reaps"),
    ("talk", "protocol; communicate, connect"),
    ("talks", "communicates, connects"),
    ("tell", "report, print, log; distinguish"),
    ("telling", "reporting, printing; distinguishing"),
    ("tells", "reports, prints; distinguishes"),
    ("thin", "minify"),
    ("thinned", "minified"),
    ("thins", "minifies"),
    ("told", "reported, sent, configured; distinguished"),
    ("trouble", "error, ProcessError"),
    ("twin", "unstripped (binary), counterpart"),
    ("undertaker", "reaper"),
    ("untidy", "violation"),
    ("weigh", "measure"),
    ("weighed", "measured"),
    ("weighing", "measurement"),
    ("weighings", "measurements"),
    ("weighs", "measures; is N bytes"),
];

/// Retired in names of Rust alone, as they have an ordinary use in prose.
const IN_NAMES: &[(&str, &str)] = &[
    ("asked", "requested"),
    ("room", "buf, buffer, capacity"),
    ("say", "report, print, append"),
    ("says", "reports, prints"),
];

/// Where the words are looked for.
const CHECKED: &[&str] = &["src/", "tests/", "benches/", "scripts/", "README.md"];

/// Records of the past, words of others, the handlers of cases and the reader of their keys, and
/// this file.
const UNCHECKED: &[&str] = &[
    "benches/record/",
    "tests/fidelity/case.rs",
    "tests/fidelity/cases/",
    "tests/tidy/retired.rs",
];

/// Retired words in a text file: `file:line: word: what to write instead`.
pub fn retired_words(name: &str, text: &str) -> Vec<String> {
    messages(name, text, EVERYWHERE)
}

/// Words that are retired in names alone, in the code of a file of Rust.
pub fn retired_names(source: &Source) -> Vec<String> {
    messages(source.name, &source.code, IN_NAMES)
}

fn messages(name: &str, text: &str, list: &[(&str, &str)]) -> Vec<String> {
    let is_in = |list: &[&str]| list.iter().any(|start| name.starts_with(start));
    if !is_in(CHECKED) || is_in(UNCHECKED) || name.ends_with("Cargo.lock") {
        return Vec::new();
    }
    let in_path = occurrences(name, list)
        .into_iter()
        .map(|(_, word, instead)| {
            format!("{name}:1: `{word}` in the path is retired: write {instead}")
        });
    let in_text = occurrences(text, list)
        .into_iter()
        .map(|(line, word, instead)| {
            format!("{name}:{line}: `{word}` is retired: write {instead}")
        });
    in_path.chain(in_text).collect()
}

/// The lines on which entries of the list occur.
fn occurrences<'a>(text: &str, list: &[(&'a str, &'a str)]) -> Vec<(usize, &'a str, &'a str)> {
    let mut by_first: HashMap<&str, Vec<_>> = HashMap::new();
    for (entry, instead) in list {
        let words: Vec<&str> = entry.split(' ').collect();
        let group = by_first.entry(words[0]).or_default();
        group.push((words, *entry, *instead));
    }
    let words = words(text);
    let mut found = Vec::new();
    for (at, (line, first)) in words.iter().enumerate() {
        for (entry, name, instead) in by_first.get(first.as_str()).into_iter().flatten() {
            let following = words[at..].iter().map(|(_, word)| word.as_str());
            if following.take(entry.len()).eq(entry.iter().copied()) {
                found.push((*line, *name, *instead));
            }
        }
    }
    found
}

/// The words of a text in lower case, each with its line: `LastSaid` and `LAST_SAID` are two each.
fn words(text: &str) -> Vec<(usize, String)> {
    let bytes = text.as_bytes();
    let kind = |at: usize| bytes.get(at).copied().unwrap_or(b' ');
    let mut words = Vec::new();
    let (mut line, mut start) = (1, 0);
    for at in 0..=bytes.len() {
        let (previous, this, next) = (kind(at.wrapping_sub(1)), kind(at), kind(at + 1));
        let is_letter = this.is_ascii_alphanumeric() || !this.is_ascii();
        // `lastSaid`, and `HTTPSaid` before its second-last capital.
        let begins = this.is_ascii_uppercase()
            && (previous.is_ascii_lowercase()
                || previous.is_ascii_uppercase() && next.is_ascii_lowercase());
        if (!is_letter || begins) && start < at {
            words.push((line, text[start..at].to_ascii_lowercase()));
        }
        if !is_letter {
            start = at + 1;
        } else if begins {
            start = at;
        }
        line += usize::from(this == b'\n');
    }
    words
}

#[test]
fn retired_word_is_found_in_code_comments_and_strings() {
    for (word, instead) in EVERYWHERE {
        let joined = word.replace(' ', "_");
        let message = format!(":2: `{word}` is retired: write {instead}");
        for (name, text) in [
            (
                "src/runtime_api.rs",
                format!("fine\nlet last_{joined} = 1;\n"),
            ),
            (
                "src/runtime_api.rs",
                format!("fine\nconst {}: u8 = 1;\n", joined.to_uppercase()),
            ),
            ("tests/x.rs", format!("fine\n// not {word} fine\n")),
            ("benches/x.rs", format!("fine\nf(\"not {word} fine\");\n")),
            ("scripts/x.sh", format!("fine\n{joined}=1\n")),
            ("src/host/worker/x.py", format!("fine\nself.{joined}()\n")),
            ("README.md", format!("fine\nIt, {word}, is not.\n")),
        ] {
            let wanted = format!("{name}{message}");
            assert_eq!(retired_words(name, &text), [wanted], "{text}");
        }
    }
}

#[test]
fn retired_name_is_found_in_code_alone() {
    for (word, instead) in IN_NAMES {
        let wanted = format!("src/runtime_api.rs:2: `{word}` is retired: write {instead}");
        let code = format!("fine\nlet {word}_bytes = 1;\n");
        let names = |text: &str| retired_names(&Source::new("src/runtime_api.rs", text));
        assert_eq!(names(&code), [wanted]);
        let prose = format!("// as {word} fine\nf(\"as {word} fine\");\n");
        assert_eq!(names(&prose), [""; 0]);
        assert_eq!(retired_words("README.md", &prose), [""; 0]);
    }
}

#[test]
fn retired_word_in_a_path_is_found() {
    for name in [
        "src/host/kept.rs",
        "tests/x/last_kept/y.sh",
        "src/KeptAlive.py",
    ] {
        let found = retired_words(name, "fine\n");
        let wanted = format!("{name}:1: `kept` in the path is retired: write persistent");
        assert!(
            found.len() == 1 && found[0].starts_with(&wanted),
            "{found:?}"
        );
    }
    let found = retired_names(&Source::new("src/record/room.rs", "fine\n"));
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn retired_word_within_another_word_is_not_found() {
    let text = "interface surface facet household broom mushroom stalk retold outdoor newsletter\n\
                tellurium within think twinkle thing doorbell unkept housed\n";
    for name in ["src/runtime_api.rs", "README.md"] {
        assert_eq!(retired_words(name, text), [""; 0]);
    }
}

#[test]
fn retired_word_outside_the_checked_files_is_not_found() {
    for name in [
        "LICENSE",
        "Cargo.toml",
        "tests/x/Cargo.lock",
        "benches/record/x.tsv",
    ] {
        assert_eq!(retired_words(name, "said\n"), [""; 0], "{name}");
    }
}

#[test]
fn words_of_names_are_split_at_underscores_and_capitals() {
    let of = |text: &str| {
        words(text)
            .into_iter()
            .map(|(_, word)| word)
            .collect::<Vec<_>>()
    };
    assert_eq!(of("lastSaid LAST_SAID"), ["last", "said", "last", "said"]);
    assert_eq!(of("HTTPServer2 (x-y)"), ["http", "server2", "x", "y"]);
    assert_eq!(
        words("a\n\nb"),
        [(1, "a".to_string()), (3, "b".to_string())]
    );
}
