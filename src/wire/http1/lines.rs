//! The header lines of a head that was read: all of them, in order.

use super::head::{eq_ignore_ascii_case_lower, line_of, trimmed};
use crate::wire::{find_from, slice_or_empty};

/// Iterates over the header lines of a head: name and value of each, the value without the spaces
/// and tabs around it. A header that is repeated comes repeatedly.
///
/// The head is one that [`Head::read`](super::Head::read) accepted; of any other bytes, lines
/// without a colon are skipped.
#[derive(Clone, Debug)]
pub struct HeaderLines<'a> {
    rest: &'a [u8],
}

impl<'a> HeaderLines<'a> {
    /// The header lines of a head that begins with a status line or a request line.
    pub fn new(head: &'a [u8]) -> HeaderLines<'a> {
        let start = find_from(head, 0, b'\n') + 1;
        HeaderLines::without_start_line(slice_or_empty(head, start, head.len()))
    }

    /// The header lines of a head that begins with the first of them: a CGI head, or trailers.
    pub fn without_start_line(head: &'a [u8]) -> HeaderLines<'a> {
        HeaderLines { rest: head }
    }

    /// The bytes that are not iterated over yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for HeaderLines<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let end = find_from(self.rest, 0, b'\n');
            let line = line_of(self.rest, 0, end.min(self.rest.len()));
            self.rest = slice_or_empty(self.rest, end + 1, self.rest.len());
            if line.is_empty() {
                self.rest = b""; // the empty line ends the head
            }
            let colon = find_from(line, 0, b':');
            if colon < line.len() {
                let value = trimmed(slice_or_empty(line, colon + 1, line.len()));
                return Some((slice_or_empty(line, 0, colon), value));
            }
        }
        None
    }
}

/// The value of the first header of that name (in lower case) in a head with a start line; absent
/// and empty alike are `None`.
pub fn header<'a>(head: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let is_wanted = |(other, value): &(&[u8], &[u8])| {
        !value.is_empty() && eq_ignore_ascii_case_lower(other, name)
    };
    HeaderLines::new(head)
        .find(is_wanted)
        .map(|(_, value)| value)
}
