//! Parsers that are slow and plain: whole texts are split into lines and words.
//!
//! They make the decisions that `wire/http1.rs` and `wire/chunk.rs` list with the sections of
//! RFC 9112, and no others.

use tinderbox::wire::Error;

/// A whole head, as the naive parser sees it.
#[derive(Debug, PartialEq, Eq)]
pub struct Head {
    pub status: u16,
    pub bytes: usize,
    pub close: bool,
    /// `Some(n)`: so many bytes.
    pub length: Option<usize>,
    pub chunked: bool,
    pub values: Vec<Vec<u8>>,
}

/// A line without its end, and what is behind that; `Ok(None)`: it has no end yet.
type Line<'a> = Result<Option<(&'a [u8], &'a [u8])>, ()>;

/// The first line of a head: a CR that does not stand before its end is a byte like others.
fn head_line(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|byte| *byte == b'\n')?;
    let line = &text[..end];
    Some((line.strip_suffix(b"\r").unwrap_or(line), &text[end + 1..]))
}

/// The first line among chunks. A CR stands before a LF and nowhere else.
fn first_line(text: &[u8]) -> Line<'_> {
    let Some(end) = text.iter().position(|byte| b"\r\n".contains(byte)) else {
        return Ok(None);
    };
    let (line, rest) = text.split_at(end);
    match rest {
        [b'\n', behind @ ..] | [b'\r', b'\n', behind @ ..] => Ok(Some((line, behind))),
        [b'\r'] => Ok(None),
        _ => Err(()),
    }
}

/// The text without the spaces and tabs around it.
fn trimmed(text: &[u8]) -> &[u8] {
    let first = text.iter().position(|byte| !b" \t".contains(byte));
    let last = text.iter().rposition(|byte| !b" \t".contains(byte));
    first.map_or(b"", |first| &text[first..=last.expect("as the first")])
}

fn digits(text: &[u8]) -> Option<usize> {
    let text = String::from_utf8(text.to_vec()).ok()?;
    let right = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    right.then(|| text.parse().ok()).flatten()
}

fn status(line: &[u8]) -> Option<(u16, bool)> {
    let line: String = line.iter().map(|&byte| byte as char).collect();
    let (version, rest) = line.split_once(' ')?;
    let minor = version.strip_prefix("HTTP/1.")?;
    let code = rest.split(' ').next()?;
    let right = minor.len() == 1
        && minor.chars().all(|c| c.is_ascii_digit())
        && code.len() == 3
        && code.chars().all(|c| c.is_ascii_digit());
    let number: u16 = right.then(|| code.parse().ok()).flatten()?;
    (number >= 100).then_some((number, minor == "0"))
}

/// `Ok(None)`: not all there. `known` begins with the three that frame the message.
pub fn head(text: &[u8], known: &[&[u8]]) -> Result<Option<Head>, Error> {
    let Some((first, mut rest)) = head_line(text) else {
        return Ok(None);
    };
    let (status, old) = status(first).ok_or(Error::StatusLine)?;
    let mut values: Vec<Vec<Vec<u8>>> = vec![Vec::new(); known.len()];
    loop {
        let Some((line, behind)) = head_line(rest) else {
            return Ok(None);
        };
        rest = behind;
        if line.is_empty() {
            break;
        }
        let colon = line
            .iter()
            .position(|&byte| byte == b':')
            .ok_or(Error::HeaderLine)?;
        let name = line[..colon].to_ascii_lowercase();
        if name.is_empty() || name.iter().any(|byte| *byte <= b' ') {
            return Err(Error::HeaderLine);
        }
        if let Some(place) = known.iter().position(|known| *known == name) {
            values[place].push(trimmed(&line[colon + 1..]).to_vec());
        }
    }
    let [connections, encodings, lengths, kept @ ..] = values.as_slice() else {
        panic!("three names frame a message");
    };
    let options = connections.join(&b',').to_ascii_lowercase();
    let mut options = options.split(|byte| *byte <= b' ' || *byte == b',');
    let mut close = old || options.any(|option| option == b"close");
    let (mut length, mut chunked) = (Some(0), false);
    if status >= 200 && status != 204 && status != 304 {
        let numbers: Option<Vec<usize>> = lengths.iter().map(|text| digits(text)).collect();
        let numbers = numbers.ok_or(Error::Framing)?;
        (length, chunked) = match (encodings.as_slice(), numbers.as_slice()) {
            ([], []) => (None, false),
            ([], [first, more @ ..]) if more.iter().all(|other| other == first) => {
                (Some(*first), false)
            }
            ([coding], []) if coding.eq_ignore_ascii_case(b"chunked") => (None, true),
            _ => return Err(Error::Framing),
        };
        close |= length.is_none() && !chunked;
    }
    let first = |values: &Vec<Vec<u8>>| values.iter().find(|value| !value.is_empty()).cloned();
    Ok(Some(Head {
        status,
        bytes: text.len() - rest.len(),
        close,
        length,
        chunked,
        values: kept
            .iter()
            .map(|all| first(all).unwrap_or_default())
            .collect(),
    }))
}

/// The data of a chunked body and how many bytes it took; `Ok(None)`: not all there.
pub fn chunks(text: &[u8]) -> Result<Option<(Vec<u8>, usize)>, Error> {
    let mut data = Vec::new();
    let mut rest = text;
    loop {
        // A line is judged as far as it is there.
        let line = first_line(rest).map_err(|()| Error::Chunk);
        let (size, is_malformed) = size(rest);
        let size = size.ok_or(Error::Chunk)?;
        if is_malformed {
            return Err(Error::Chunk);
        }
        let Some((_, behind)) = line? else {
            return Ok(None);
        };
        rest = behind;
        if size == 0 {
            break;
        }
        let there = size.min(rest.len());
        data.extend_from_slice(&rest[..there]);
        rest = &rest[there..];
        if there < size {
            return Ok(None);
        }
        rest = match rest {
            [b'\n', behind @ ..] | [b'\r', b'\n', behind @ ..] => behind,
            [] | [b'\r'] => return Ok(None),
            _ => return Err(Error::Chunk),
        };
    }
    loop {
        let line = first_line(rest).map_err(|()| Error::Chunk);
        let there = rest
            .split(|byte| b"\r\n".contains(byte))
            .next()
            .unwrap_or_default();
        let name = there.split(|byte| *byte == b':').next().unwrap_or_default();
        let has_colon = name.len() < there.len();
        if name.iter().any(|byte| b" \t".contains(byte)) || has_colon && name.is_empty() {
            return Err(Error::Chunk);
        }
        // The name ended with its line: no colon will come.
        if !name.is_empty() && !has_colon && there.len() < rest.len() {
            return Err(Error::Chunk);
        }
        let Some((line, behind)) = line? else {
            return Ok(None);
        };
        rest = behind;
        if line.is_empty() {
            return Ok(Some((data, text.len() - rest.len())));
        }
    }
}

/// The size that a text begins with, `None` when it is too large, and whether what is there of its
/// line is malformed.
fn size(text: &[u8]) -> (Option<usize>, bool) {
    let count = text
        .iter()
        .take_while(|byte| byte.is_ascii_hexdigit())
        .count();
    let digits = std::str::from_utf8(&text[..count]).expect("ASCII");
    let significant = digits.trim_start_matches('0');
    let size = match significant {
        "" => Some(0),
        _ => usize::from_str_radix(significant, 16).ok(),
    };
    let behind = &text[count..];
    let blanks = behind
        .iter()
        .take_while(|byte| b" \t".contains(byte))
        .count();
    let is_malformed = match behind.get(blanks) {
        None => count == 0 && blanks > 0,
        Some(b'\r' | b'\n' | b';') => count == 0,
        Some(_) => true,
    };
    (size, is_malformed)
}
