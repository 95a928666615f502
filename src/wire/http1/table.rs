//! Tables of header names: which headers a reader of heads keeps.

/// The headers that frame a message, in lower case: they come first in every table.
pub const FRAMING_HEADERS: &[&[u8]] = &[b"connection", b"transfer-encoding", b"content-length"];

/// The format of the heads that a reader expects, and the headers whose values it stores.
///
/// A program with one format links a reader for that format alone: its fields are constants then.
pub struct HeadFormat {
    /// A status line comes first. A CGI head (RFC 3875, 6) has none: its status is the value of the
    /// header `Status`, and its carrier says where the body ends.
    pub has_status_line: bool,
    /// The headers that frame the message and the tracked ones, as [`pack`] packs them.
    pub names: &'static [u8],
}

/// The length in bytes of the result of [`pack`].
pub const fn packed_bytes(tracked: &[&[u8]]) -> usize {
    let mut bytes = 0;
    let both = [FRAMING_HEADERS, tracked];
    let mut lists = both.as_slice();
    while let [list, more @ ..] = lists {
        let mut rest = *list;
        while let [name, behind @ ..] = rest {
            bytes += 1 + name.len();
            rest = behind;
        }
        lists = more;
    }
    bytes
}

/// Packs the names of [`FRAMING_HEADERS`] and those of `tracked`, which are in lower case, one
/// behind the other, the length of each before it: a table of slices takes 16 bytes a name.
pub const fn pack<const BYTES: usize>(tracked: &[&[u8]]) -> [u8; BYTES] {
    let mut names = [0; BYTES];
    let mut end = 0;
    let both = [FRAMING_HEADERS, tracked];
    let mut lists = both.as_slice();
    while let [list, more @ ..] = lists {
        let mut rest = *list;
        while let [first, behind @ ..] = rest {
            let mut name = *first;
            names[end] = name.len() as u8;
            end += 1;
            while let [byte, others @ ..] = name {
                names[end] = *byte;
                end += 1;
                name = others;
            }
            rest = behind;
        }
        lists = more;
    }
    names
}
