//! Parsers that are slow and plain: whole texts are split into lines and words.
//!
//! They make the same liberal choices as the real ones, and no others; for the rest, RFC 9112 and
//! RFC 9110.
//!
//! - A line may end in LF alone, also the empty one (RFC 9112, 2.2).
//! - A status line needs no reason, nor the space before it; a reason is any bytes. Any status of
//!   three digits from 100 on is right, and any minor version.
//! - A header's name is any bytes but a colon that do not begin with white space or a control byte;
//!   a value is any bytes but LF, and loses those around it (RFC 9110, 5.5, would refuse some).
//! - A header that frames the message may come once; of others the first counts. Empty is absent.
//! - A reply of HTTP/1.0 ends its connection, whatever it says.
//! - `Connection` and `Transfer-Encoding` are one word each: no lists.
//! - A chunk's size may have leading zeros, and what follows it on its line, after a space, a tab,
//!   a semicolon or a CR, is any bytes but LF. Trailers are any lines.
//! - Where a line should end, several CRs may come before the LF, but not in a head.

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

/// The lines of a text, without their ends, and what follows the last LF.
fn lines(text: &[u8]) -> (Vec<Vec<u8>>, usize) {
    let mut lines: Vec<Vec<u8>> = text
        .split(|&byte| byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    let rest = lines.pop().expect("split gives one at least").len();
    (lines, rest)
}

/// The text without the white space and control bytes around it.
fn trimmed(text: &[u8]) -> &[u8] {
    let first = text.iter().position(|byte| *byte > b' ');
    let last = text.iter().rposition(|byte| *byte > b' ');
    first.map_or(b"", |first| &text[first..=last.expect("as the first")])
}

fn digits(text: &[u8]) -> Option<usize> {
    let text = String::from_utf8(text.to_vec()).ok()?;
    let right = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    right.then(|| text.parse().ok()).flatten()
}

fn status(line: &[u8]) -> Option<(u16, bool)> {
    let line: String = line.iter().map(|&byte| byte as char).collect();
    let line = line.strip_suffix('\r').unwrap_or(&line);
    let (version, rest) = line.split_once(' ')?;
    let minor = version.strip_prefix("HTTP/1.")?;
    let code = rest.split(' ').next()?;
    // What stands behind a carriage return is no part of the code.
    let code = code.split('\r').next()?;
    let right = minor.len() == 1
        && minor.chars().all(|c| c.is_ascii_digit())
        && code.len() == 3
        && code.chars().all(|c| c.is_ascii_digit());
    let number: u16 = right.then(|| code.parse().ok()).flatten()?;
    (number >= 100).then_some((number, minor == "0"))
}

/// `Ok(None)`: not all there.
pub fn head(text: &[u8], known: &[&[u8]]) -> Result<Option<Head>, Error> {
    let (lines, _) = lines(text);
    let Some(first) = lines.first() else {
        return Ok(None);
    };
    let (status, old) = status(first).ok_or(Error::StatusLine)?;
    let mut values: Vec<Option<Vec<u8>>> = vec![None; known.len()];
    let mut bytes = first.len() + 1;
    let mut whole = false;
    for line in &lines[1..] {
        bytes += line.len() + 1;
        if line.is_empty() || line == b"\r" {
            whole = true;
            break;
        }
        let colon = line
            .iter()
            .position(|&byte| byte == b':')
            .ok_or(Error::HeaderLine)?;
        let name = line[..colon].to_ascii_lowercase();
        let value = trimmed(&line[colon + 1..]);
        if name.is_empty() || name[0] <= b' ' {
            return Err(Error::HeaderLine);
        }
        if let Some(place) = known.iter().position(|known| *known == name) {
            // The first three say how the message is framed.
            match &values[place] {
                Some(before) if before.is_empty() => values[place] = Some(value.to_vec()),
                None => values[place] = Some(value.to_vec()),
                Some(_) if place < 3 => return Err(Error::HeaderLine),
                Some(_) => {}
            }
        }
    }
    if !whole {
        return Ok(None);
    }
    let (mut length, mut chunked) = (Some(0), false);
    let connection = values[2].clone().unwrap_or_default();
    let mut close = old || connection.eq_ignore_ascii_case(b"close");
    if !(status < 200 || status == 204 || status == 304) {
        match (&values[0], &values[1]) {
            (None, None) => (length, close) = (None, true),
            (Some(number), None) => length = Some(digits(number).ok_or(Error::Length)?),
            (None, Some(coding)) if coding.eq_ignore_ascii_case(b"chunked") => {
                (length, chunked) = (None, true);
            }
            _ => return Err(Error::Length),
        }
    }
    let values = values.into_iter().map(Option::unwrap_or_default).collect();
    Ok(Some(Head {
        status,
        bytes,
        close,
        length,
        chunked,
        values,
    }))
}

/// The data of a chunked body and how many bytes it took; `Ok(None)`: not all there.
pub fn chunks(text: &[u8]) -> Result<Option<(Vec<u8>, usize)>, Error> {
    let mut data = Vec::new();
    let mut at = 0;
    loop {
        // A size is judged as soon as it stands there, not when its line ends.
        let line_end = text[at..].iter().position(|&byte| byte == b'\n');
        let line = &text[at..line_end.map_or(text.len(), |end| at + end)];
        let count = line
            .iter()
            .take_while(|byte| byte.is_ascii_hexdigit())
            .count();
        let digits = String::from_utf8(line[..count].to_vec()).expect("ASCII");
        let size = match digits.as_str() {
            "" => 0,
            digits => usize::from_str_radix(digits, 16).map_err(|_| Error::Chunk)?,
        };
        let next = line.get(count);
        let ends_here = next.is_none();
        if count == 0 && (next.is_some() || line_end.is_some()) {
            return Err(Error::Chunk);
        }
        if !ends_here && !matches!(next, Some(b'\r' | b';' | b' ' | b'\t')) {
            return Err(Error::Chunk);
        }
        let Some(line_end) = line_end else {
            return Ok(None);
        };
        at += line_end + 1;
        if size == 0 {
            break;
        }
        let there = size.min(text.len() - at);
        data.extend_from_slice(&text[at..at + there]);
        at += there;
        if there < size {
            return Ok(None);
        }
        while text.get(at) == Some(&b'\r') {
            at += 1;
        }
        match text.get(at) {
            None => return Ok(None),
            Some(b'\n') => at += 1,
            Some(_) => return Err(Error::Chunk),
        }
    }
    // Trailers, to a line with nothing but carriage returns in it.
    for line in text[at..].split_inclusive(|&byte| byte == b'\n') {
        if !line.ends_with(b"\n") {
            return Ok(None);
        }
        at += line.len();
        if line[..line.len() - 1].iter().all(|&byte| byte == b'\r') {
            return Ok(Some((data, at)));
        }
    }
    Ok(None)
}
