//! The shims: the code that makes an interpreter a persistent process which speaks our protocol.
//!
//! Each is minified when this is compiled: lines that hold only a comment, or nothing, are dropped,
//! and so are indentation, and blanks beside punctuation, where the language gives them no meaning.
//! The rule uses nothing else of a language, so a string of a shim must not span lines, and a
//! regular expression must not have quotes, or blanks beside punctuation (the tests compare the
//! tokens of the source with those of what is embedded). They are not compressed: the zip that is
//! deployed does that better, and a process touches only the pages of the shim that it uses.

/// The marks of text that can be left out, in a language.
#[derive(Clone, Copy)]
pub struct Syntax {
    /// The start of a comment that ends with its line.
    pub comment: &'static [u8],
    /// Whether indentation has a meaning.
    pub indented: bool,
    /// Whether blanks beside `PUNCTUATION` have one.
    pub spaced: bool,
}

/// Beside these, outside of strings, no language of a worker but a shell's needs blanks.
const PUNCTUATION: &[u8] = b",;=+<>&|(){}]";

/// C's line comments.
pub const SLASHES: Syntax = Syntax {
    comment: b"//",
    indented: false,
    spaced: false,
};
/// Comments that begin with `#`.
pub const HASH: Syntax = Syntax {
    comment: b"#",
    indented: false,
    spaced: false,
};
/// The same, in a shell, where blanks separate words.
pub const HASH_SPACED: Syntax = Syntax {
    comment: b"#",
    indented: false,
    spaced: true,
};
/// The same, and blocks made by indentation.
pub const HASH_INDENTED: Syntax = Syntax {
    comment: b"#",
    indented: true,
    spaced: false,
};

/// Embeds source files, one behind the other: minified, with the NUL at its end that execve(2)
/// requires.
macro_rules! shim {
    ($syntax:expr, $($file:literal),+) => {{
        const SOURCE_BYTES: usize = 0 $(+ include_bytes!($file).len())+;
        const MINIFIED: ([u8; SOURCE_BYTES + 1], usize) = {
            let (mut buf, mut length) = ([0; _], 0);
            $(length = minify(include_bytes!($file), $syntax, &mut buf, length);)+
            (buf, length)
        };
        // An array of its own: a slice of MINIFIED would keep all of it in the binary.
        const SHIM: [u8; MINIFIED.1 + 1] = {
            let mut shim = [0; _];
            shim.copy_from_slice(MINIFIED.0.split_at(MINIFIED.1 + 1).0);
            shim
        };
        &SHIM
    }};
}

/// `php -d display_errors=0 -d log_errors=1 -d html_errors=0 -r SHIM -- FILE NAME`
pub const PHP: &[u8] = shim!(
    SLASHES,
    "worker/context.php",
    "worker/reports.php",
    "worker/worker.php"
);
/// `node --max-http-header-size 81920 -e SHIM -- FILE NAME`
pub const NODE: &[u8] = shim!(
    SLASHES,
    "worker/node/setup.cjs",
    "worker/node/log.cjs",
    "worker/node/load.cjs",
    "worker/node/awslambda.cjs",
    "worker/node/trace.cjs",
    "worker/node/events.cjs"
);
/// `python3 -u -c SHIM PARTS FILE NAME`
pub const PYTHON: &[u8] = shim!(
    HASH_INDENTED,
    "worker/python/start.py",
    "worker/python/events.py"
);
/// The code that the shim for Python compiles when it needs it.
pub const PYTHON_PARTS: &[u8] = shim!(
    HASH_INDENTED,
    "worker/python/errors.py",
    "worker/python/logs.py",
    "worker/python/values.py",
    "worker/python/modules.py",
    "worker/python/client.py"
);
/// `ruby --disable=gems -e SHIM FILE NAME`
pub const RUBY: &[u8] = shim!(
    HASH,
    "worker/ruby/libraries.rb",
    "worker/ruby/aws.rb",
    "worker/ruby/logs.rb",
    "worker/ruby/worker.rb"
);
/// `bash -c SHIM function.sh FILE NAME`, or another shell
pub const SHELL: &[u8] = shim!(HASH_SPACED, "worker/shell.sh");

/// Appends `source` to the first `length` bytes of `buf`, which has space for it, without the lines
/// and the indentation that its language does not need. Returns the new length.
pub const fn minify(source: &[u8], syntax: Syntax, buf: &mut [u8], mut length: usize) -> usize {
    let mut at = 0;
    while at < source.len() {
        let line_start = at;
        while at < source.len() && is_blank(source[at]) {
            at += 1;
        }
        let is_dropped =
            at == source.len() || source[at] == b'\n' || has_at(source, at, syntax.comment);
        let code_start = at;
        if syntax.indented {
            at = line_start;
        }
        let (mut quote, mut is_escaped) = (0, false);
        while at < source.len() {
            let byte = source[at];
            let is_code = at > code_start && quote == 0 && !syntax.spaced;
            let is_needless = is_code
                && is_blank(byte)
                && (is_punctuation(source, at - 1) || is_punctuation(source, at + 1));
            if !is_dropped && !is_needless {
                buf[length] = byte;
                length += 1;
            }
            at += 1;
            if byte == b'\n' {
                break;
            }
            if is_escaped {
                is_escaped = false;
            } else if byte == b'\\' {
                is_escaped = true;
            } else if quote == byte {
                quote = 0;
            } else if quote == 0 && matches!(byte, b'\'' | b'"' | b'`') {
                quote = byte;
            }
        }
    }
    length
}

/// Whether `bytes` has `wanted` at this place.
const fn has_at(bytes: &[u8], at: usize, wanted: &[u8]) -> bool {
    let mut count = 0;
    while count < wanted.len() {
        if at + count == bytes.len() || bytes[at + count] != wanted[count] {
            return false;
        }
        count += 1;
    }
    true
}

/// Whether the byte at this place is one of `PUNCTUATION`.
const fn is_punctuation(bytes: &[u8], at: usize) -> bool {
    let mut index = 0;
    while index < PUNCTUATION.len() {
        if has_at(bytes, at, &[PUNCTUATION[index]]) {
            return true;
        }
        index += 1;
    }
    false
}

const fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}
