//! The code of workers as it is shipped: without the lines that say why, and without its tabs where
//! those mean nothing. Done by the compiler.

/// A line of code from `start` on: where what is shipped of it begins, and where it ends, with its
/// line feed. Lines that begin with `comment` (once or twice), and empty ones, begin at their end.
const fn line(source: &[u8], start: usize, comment: u8, indented: bool) -> (usize, usize) {
    let mut end = start;
    while end < source.len() && source[end] != b'\n' {
        end += 1;
    }
    let mut begin = start;
    while begin < end && source[begin] == b'\t' {
        begin += 1;
    }
    let next = if end < source.len() { end + 1 } else { end };
    let twice = comment == b'/';
    let is_comment = begin < end
        && source[begin] == comment
        && (!twice || begin + 1 < end && source[begin + 1] == comment);
    if begin == end || is_comment {
        (next, next)
    } else if indented {
        (start, next)
    } else {
        (begin, next)
    }
}

/// How long the code is that is shipped, with the NUL at its end.
pub const fn length(source: &[u8], comment: u8, indented: bool) -> usize {
    let (mut at, mut length) = (0, 1);
    while at < source.len() {
        let (begin, next) = line(source, at, comment, indented);
        length += next - begin;
        at = next;
    }
    length
}

/// The code that is shipped, with a NUL at its end.
pub const fn thin<const N: usize>(source: &[u8], comment: u8, indented: bool) -> [u8; N] {
    let mut thin = [0; N];
    let (mut at, mut length) = (0, 0);
    while at < source.len() {
        let (mut begin, next) = line(source, at, comment, indented);
        while begin < next {
            thin[length] = source[begin];
            length += 1;
            begin += 1;
        }
        at = next;
    }
    thin
}
