//! The workers for PHP, Node, Python and Ruby, as they are handed to the interpreters.
//!
//! What is embedded is thinned when it is compiled: comments that fill a line are dropped, and so
//! is indentation where the language does not ask for it. The rule knows nothing else, so no string
//! of a worker may go over a line. Each ends in a NUL, as an argument has to.

const fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// Thins a text into `room`, and says how long it is then.
///
/// `comment` is what begins a comment; `keep` says that indentation has a meaning.
pub const fn thin(text: &[u8], comment: &[u8], keep: bool, room: &mut [u8]) -> usize {
    let (mut at, mut length) = (0, 0);
    while at < text.len() {
        let line = at;
        while at < text.len() && is_blank(text[at]) {
            at += 1;
        }
        let mut same = 0;
        while same < comment.len() && at + same < text.len() && text[at + same] == comment[same] {
            same += 1;
        }
        let drop = same == comment.len() || at == text.len() || text[at] == b'\n';
        if keep {
            at = line;
        }
        while at < text.len() {
            if !drop {
                room[length] = text[at];
                length += 1;
            }
            at += 1;
            if text[at - 1] == b'\n' {
                break;
            }
        }
    }
    length
}

/// Room for the longest of them.
const TEXT_BYTES_MAX: usize = 16 * 1024;

macro_rules! thinned {
    ($file:literal, $comment:literal, $keep:literal) => {{
        const TEXT: &[u8] = include_bytes!($file);
        const THINNED: ([u8; TEXT_BYTES_MAX], usize) = {
            let mut room = [0; _];
            let length = thin(TEXT, $comment, $keep, &mut room);
            (room, length)
        };
        // The byte that is left 0 is the NUL.
        THINNED.0.split_at(THINNED.1 + 1).0
    }};
}

/// `php -d display_errors=stderr -d log_errors=0 -d html_errors=0 -r THIS -- FILE NAME`
pub const PHP: &[u8] = thinned!("worker/worker.php", b"//", false);
/// `node --input-type=module -e THIS -- FILE NAME`
pub const NODE: &[u8] = thinned!("worker/worker.mjs", b"//", false);
/// `python3 -u -c THIS FILE NAME`
pub const PYTHON: &[u8] = thinned!("worker/worker.py", b"#", true);
/// `ruby --disable=gems -e THIS FILE NAME`
pub const RUBY: &[u8] = thinned!("worker/worker.rb", b"#", false);
