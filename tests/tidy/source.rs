//! A file of Rust, split into code, strings and comments.
//!
//! Enough of the language for the rules: nested comments, raw strings, characters and lifetimes.
//! Lines stay where they are, so that a message can name them.

/// A file of Rust, seen in three ways that have the same lines.
pub struct Source<'a> {
    /// From the root of the package, `src/wire/json.rs`.
    pub name: &'a str,
    /// Unchanged.
    pub text: &'a str,
    /// Without comments.
    pub words: String,
    /// Without comments, and without the content of strings and characters.
    pub code: String,
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    Code,
    LineComment,
    /// The depth.
    BlockComment(usize),
    Quoted,
    /// Ends in a quote and this number of hashes.
    Raw(usize),
}

impl<'a> Source<'a> {
    /// Splits a text.
    pub fn new(name: &'a str, text: &'a str) -> Source<'a> {
        let characters: Vec<char> = text.chars().collect();
        let mut source = Source {
            name,
            text,
            words: String::new(),
            code: String::new(),
        };
        let mut place = Place::Code;
        let mut at = 0;
        while at < characters.len() {
            let (next, length) = step(place, &characters[at..], characters[..at].last());
            let within = matches!(place, Place::Quoted | Place::Raw(_));
            let comment = |place| matches!(place, Place::LineComment | Place::BlockComment(_));
            let character = place == Place::Code && next == Place::Code && length > 1;
            for (number, &character_here) in characters[at..at + length].iter().enumerate() {
                let line_end = character_here == '\n';
                if line_end || !comment(place) && !comment(next) {
                    source.words.push(character_here);
                }
                let inside = within && next == place || character && number > 0;
                if line_end || !inside && !comment(place) && !comment(next) {
                    source.code.push(character_here);
                }
            }
            place = next;
            at += length;
        }
        source
    }
}

/// Where the next characters lead, and how many of them do.
fn step(place: Place, rest: &[char], before: Option<&char>) -> (Place, usize) {
    let second = rest.get(1).copied();
    match (place, rest[0]) {
        (Place::Code, '/') if second == Some('/') => (Place::LineComment, 2),
        (Place::Code, '/') if second == Some('*') => (Place::BlockComment(1), 2),
        (Place::Code, '"') => (Place::Quoted, 1),
        (Place::Code, 'r') if !before.is_some_and(|c| in_word(*c) && *c != 'b') => {
            let hashes = rest[1..].iter().take_while(|c| **c == '#').count();
            match rest.get(1 + hashes) {
                Some('"') => (Place::Raw(hashes), hashes + 2),
                _ => (Place::Code, 1),
            }
        }
        // A character ends in a quote; a lifetime does not.
        (Place::Code, '\'') if second == Some('\\') => {
            let end = rest.iter().skip(3).position(|c| *c == '\'');
            (Place::Code, end.map_or(1, |end| end + 4))
        }
        (Place::Code, '\'') if rest.get(2) == Some(&'\'') => (Place::Code, 3),
        (Place::LineComment, '\n') => (Place::Code, 1),
        (Place::BlockComment(deep), '/') if second == Some('*') => {
            (Place::BlockComment(deep + 1), 2)
        }
        (Place::BlockComment(1), '*') if second == Some('/') => (Place::Code, 2),
        (Place::BlockComment(deep), '*') if second == Some('/') => {
            (Place::BlockComment(deep - 1), 2)
        }
        (Place::Quoted, '\\') => (Place::Quoted, rest.len().min(2)),
        (Place::Quoted, '"') => (Place::Code, 1),
        (Place::Raw(hashes), '"') if ends_raw(&rest[1..], hashes) => (Place::Code, 1 + hashes),
        _ => (place, 1),
    }
}

fn ends_raw(rest: &[char], hashes: usize) -> bool {
    rest.len() >= hashes && rest[..hashes].iter().all(|c| *c == '#')
}

/// Whether a character can be part of a name.
pub fn in_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Whether a text contains a name as a whole word.
pub fn has_word(text: &str, word: &str) -> bool {
    text.split(|c| !in_word(c)).any(|found| found == word)
}

#[test]
fn source_with_comments_and_strings_is_split() {
    for (text, code, words) in [
        ("a // b\nc", "a \nc", "a \nc"),
        ("a /* b /* c\n */ d */ e", "a \n e", "a \n e"),
        ("f(\"// x\")", "f(\"\")", "f(\"// x\")"),
        ("f(\"\\\"x\") // y", "f(\"\") ", "f(\"\\\"x\") "),
        ("f(\"a\nb\") c", "f(\"\n\") c", "f(\"a\nb\") c"),
        ("r#\"a\" // \"#; b", "r#\"\"#; b", "r#\"a\" // \"#; b"),
        ("br\"\\\"; b", "br\"\"; b", "br\"\\\"; b"),
        ("'\"' b \"c\"", "' b \"\"", "'\"' b \"c\""),
        ("b'\\'' c", "b' c", "b'\\'' c"),
        ("'\\u{7f}' c", "' c", "'\\u{7f}' c"),
        ("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}", ""),
        ("for \"x\"", "for \"\"", "for \"x\""),
    ] {
        let source = Source::new("x", text);
        assert_eq!(source.code, code, "code of {text:?}");
        let words = if words.is_empty() { text } else { words };
        assert_eq!(source.words, words, "words of {text:?}");
    }
}

#[test]
fn word_within_another_is_not_found() {
    assert!(has_word("use libc;", "libc") && has_word("libc::exit", "libc"));
    assert!(!has_word("glibc, libc_of, my_libc", "libc"));
}
