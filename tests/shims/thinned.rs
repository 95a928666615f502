//! What is embedded of the workers.

use crate::shims::{NODE, PHP, PYTHON, RUBY, thin};

fn thinned(text: &str, comment: &str, keep: bool) -> String {
    let mut room = vec![0xaa; text.len()];
    let length = thin(text.as_bytes(), comment.as_bytes(), keep, &mut room);
    assert!(room[length..].iter().all(|&byte| byte == 0xaa));
    String::from_utf8(room[..length].to_vec()).expect("text")
}

#[test]
fn comments_blank_lines_and_indentation_are_dropped() {
    for (text, wanted) in [
        ("", ""),
        ("\n\n", ""),
        ("a\n", "a\n"),
        ("a", "a"),
        ("\t\ta b\n\n \t\n  c // d\n", "a b\nc // d\n"),
        ("// x\na\n\t // y\nb\n//", "a\nb\n"),
        ("/ a\n/", "/ a\n/"),
        ("a\n\t", "a\n"),
    ] {
        assert_eq!(thinned(text, "//", false), wanted, "{text:?}");
    }
    let text = "# x\ndef f():\n\t# y\n\n\treturn '#'  # z\n\t \n";
    assert_eq!(thinned(text, "#", true), "def f():\n\treturn '#'  # z\n");
    assert_eq!(thinned(text, "#", false), "def f():\nreturn '#'  # z\n");
}

#[test]
fn the_workers_are_thin() {
    for (code, bytes_max) in [(PHP, 4_000), (NODE, 6_200), (PYTHON, 4_100), (RUBY, 3_400)] {
        let text = code.strip_suffix(b"\0").expect("ends in a NUL");
        let text = std::str::from_utf8(text).expect("text");
        assert!(text.is_ascii() && !text.contains('\0') && text.ends_with('\n'));
        assert!(text.len() <= bytes_max, "{} bytes", text.len());
        assert!(!text.contains("\n\n") && !text.contains(" \n"));
    }
}
