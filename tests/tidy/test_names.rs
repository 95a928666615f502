//! Names of tests: subject, condition, result.

use crate::source::{Source, in_word};

/// Words that are no subject, so no name begins with them.
const OPENINGS: &[&str] = &[
    "a", "all", "an", "as", "at", "each", "every", "if", "in", "it", "no", "nobody", "nothing",
    "of", "one", "some", "that", "the", "these", "they", "this", "those", "types", "what", "when",
    "where", "which", "who", "with", "without",
];

/// Macros that make tests of a list of functions, each on a line of its own.
const LISTS: &[&str] = &[
    "for_kinds!",
    "for_each_language!",
    "for_language!",
    "for_each_client!",
    "for_each_runtime!",
];

/// Names of tests that do not begin with a subject, or do not have a condition and a result.
pub fn misnamed(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    for (line, name) in names(&source.code) {
        let words: Vec<&str> = name.split('_').collect();
        let what = if OPENINGS.contains(&words[0]) {
            format!("begins with `{}`", words[0])
        } else if words.len() < 3 {
            "is too short".to_string()
        } else {
            continue;
        };
        found.push(format!(
            "{}:{line}: test name `{name}` {what}: write subject_condition_result",
            source.name
        ));
    }
    found
}

/// The names of all tests in a file of Rust, each with its line.
fn names(code: &str) -> Vec<(usize, &str)> {
    let line_of = |at: usize| code[..at].matches('\n').count() + 1;
    let mut found = Vec::new();
    for (at, attribute) in code.match_indices("#[test]") {
        let Some(function) = code[at..].find("fn ") else {
            continue;
        };
        let start = at + function + "fn ".len();
        debug_assert!(start > at + attribute.len());
        let name = code[start..].split(|c| !in_word(c)).next().unwrap_or("");
        // In a macro, the name is in the list that it is called with.
        if !name.is_empty() {
            found.push((line_of(start), name));
        }
    }
    for list in LISTS {
        for (at, _) in code.match_indices(list) {
            let Some(end) = closing(&code[at..]) else {
                continue;
            };
            // The last brackets within, if there are any, have the names.
            let within = &code[at..at + end];
            let brackets = within.rfind('[').map_or(0, |open| open + 1);
            let is_list = brackets > 0;
            let mut offset = at + brackets;
            for line in within[brackets..].split_inclusive('\n') {
                let text = line.trim().trim_end_matches(']').trim_end();
                let is_name = !text.is_empty() && text.chars().all(in_word);
                if is_name || is_list {
                    let names = text.split_whitespace();
                    let is_plain = |name: &&str| name.chars().all(in_word);
                    found.extend(names.filter(is_plain).map(|name| (line_of(offset), name)));
                }
                offset += line.len();
            }
        }
    }
    found
}

/// Where the first bracket of a text is closed.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, character) in text.char_indices() {
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// The violations in a text.
#[cfg(test)]
fn messages(text: &str) -> Vec<String> {
    misnamed(&Source::new("tests/x.rs", text))
}

#[test]
fn test_name_with_subject_condition_and_result_passes() {
    for text in [
        "#[test]\nfn wrapper_empty_value_is_ignored() {}\n",
        "#[test]\n#[should_panic]\nfn sigterm_without_hook_terminates() {}\n",
        "fn it_works() {}\n// #[test]\nfn one() {}\n",
        "macro_rules! m { () => { $(#[test] fn $test() {})* } }\n",
        "for_kinds!(any [bash dash] [\n    event_plain_is_echoed\n    event_empty_is_echoed\n]);\n",
        "crate::for_language! {\n    node Node\n    stream_of_text_is_sent\n}\n",
    ] {
        assert_eq!(messages(text), [""; 0], "{text}");
    }
}

#[test]
fn test_name_without_subject_is_found() {
    for opening in OPENINGS {
        let name = format!("{opening}_event_is_answered");
        let wanted = |line: usize| {
            format!(
                "tests/x.rs:{line}: test name `{name}` begins with `{opening}`: \
                 write subject_condition_result"
            )
        };
        let function = format!("#[test]\nfn {name}() {{}}\n");
        assert_eq!(messages(&function), [wanted(2)]);
        let list = format!("for_kinds!(any [bash] [\n    event_plain_is_echoed\n    {name}\n]);\n");
        assert_eq!(messages(&list), [wanted(3)]);
        let one = format!("for_kinds!(any [bash] [{name}]);\n");
        assert_eq!(messages(&one), [wanted(1)]);
        let bare = format!("crate::for_language! {{\n    node Node\n    {name}\n}}\n");
        assert_eq!(messages(&bare), [wanted(3)]);
    }
}

#[test]
fn test_name_of_two_words_is_found() {
    let found = messages("\n#[test]\nfn event_answered() {}\n");
    let wanted = "tests/x.rs:3: test name `event_answered` is too short: \
                  write subject_condition_result";
    assert_eq!(found, [wanted]);
}
