//! Parsers written from RFC 9112 and RFC 9110 by another technique than ours: heads are split into
//! lines and words, chunks are descended into by their grammar.
//!
//! Without rules they do what the RFCs ask of a user agent; of several ways that are allowed, the
//! first. Each way in which our readers differ on purpose is a [`Rule`]: with all rules of
//! [`differences`](crate::differences), the naive parsers decide as ours do.

use std::collections::BTreeSet;

use tinderbox::wire::Error;

/// A way in which our readers differ from the RFCs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    // Heads.
    CrIsAByte,
    NulStays,
    NoSpaceBehindStatus,
    StatusBelow100,
    AnyName,
    FoldedLine,
    BlanksSeparateOptions,
    Http10Closes,
    ChunkedInHttp10,
    ChunkedAlone,
    LengthAlone,
    // Chunks.
    LfEndsChunkLines,
    BlanksBehindSize,
    AnyExtension,
    AnyTrailer,
    FoldedTrailer,
}

pub type Rules = BTreeSet<Rule>;

/// A whole head.
#[derive(Debug, PartialEq, Eq)]
pub struct Head {
    pub status: u16,
    pub bytes: usize,
    pub close: bool,
    /// `Some(n)`: n bytes.
    pub length: Option<usize>,
    pub chunked: bool,
    /// The first value that is not empty of each tracked header.
    pub values: Vec<Vec<u8>>,
    /// All header lines.
    pub lines: Vec<(Vec<u8>, Vec<u8>)>,
}

/// The first line without its end, which is CRLF or LF (9112, 2.2), and the bytes after it.
fn split_line(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|byte| *byte == b'\n')?;
    let line = &text[..end];
    Some((line.strip_suffix(b"\r").unwrap_or(line), &text[end + 1..]))
}

/// 9110, 5.6.2.
fn is_token(text: &[u8]) -> bool {
    let is_tchar = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !text.is_empty() && text.iter().all(is_tchar)
}

/// The text without optional white space around it (9110, 5.6.3).
fn trim(text: &[u8]) -> &[u8] {
    let first = text.iter().position(|byte| !b" \t".contains(byte));
    let last = text.iter().rposition(|byte| !b" \t".contains(byte));
    first.map_or(b"", |first| &text[first..=last.expect("as the first")])
}

/// The members of a list that are not empty (9110, 5.6.1.2).
fn members<'a>(values: &'a [&[u8]]) -> Vec<&'a [u8]> {
    let members = values
        .iter()
        .flat_map(|value| value.split(|&byte| byte == b','));
    members
        .map(trim)
        .filter(|member| !member.is_empty())
        .collect()
}

/// 9110, 8.6: digits alone; and no more than a length can be.
fn length(text: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(text).ok()?;
    let right = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    right.then(|| text.parse().ok()).flatten()
}

/// The status, and whether it is one of HTTP/1.0 (9112, 2.3 and 4).
fn status_line(line: &[u8], rules: &Rules) -> Option<(u16, bool)> {
    let line: String = line.iter().map(|&byte| byte as char).collect();
    let (version, rest) = line.split_once(' ')?;
    let minor = version.strip_prefix("HTTP/1.")?;
    let code = match rest.split_once(' ') {
        Some((code, _reason)) => code,
        None if rules.contains(&Rule::NoSpaceBehindStatus) => rest,
        None => return None,
    };
    let digits =
        |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    let number: u16 = (digits(minor, 1) && digits(code, 3)).then(|| code.parse().ok())??;
    let refused = number < 100 && rules.contains(&Rule::StatusBelow100);
    (!refused).then_some((number, minor == "0"))
}

/// The headers that frame a message, so far as they were seen.
#[derive(Default)]
struct Framing<'a> {
    options: Vec<&'a [u8]>,
    encodings: Vec<&'a [u8]>,
    lengths: Vec<&'a [u8]>,
}

impl Framing<'_> {
    /// What ends the body of a reply that may have one: `(length, chunked)` (9112, 6.3).
    fn end(&self, old: bool, rules: &Rules) -> Result<(Option<usize>, bool), Error> {
        let chunked = match self.encodings.as_slice() {
            [] => None,
            _ => Some(self.encoding(old, rules)?),
        };
        let given = match rules.contains(&Rule::LengthAlone) {
            true => self.lengths.clone(),
            false => members(&self.lengths),
        };
        let numbers: Option<BTreeSet<usize>> = given.iter().map(|text| length(text)).collect();
        let numbers = numbers.ok_or(Error::ContentLength)?;
        match (chunked, numbers.first()) {
            (None, None) if self.lengths.is_empty() => Ok((None, false)),
            (None, Some(length)) if numbers.len() == 1 => Ok((Some(*length), false)),
            (None, _) => Err(Error::ContentLength),
            (Some(chunked), _) if self.lengths.is_empty() => Ok((None, chunked)),
            (Some(_), _) => Err(Error::FramingConflict),
        }
    }

    /// Whether the last coding is `chunked` (9112, 6.1 and 7.1).
    fn encoding(&self, old: bool, rules: &Rules) -> Result<bool, Error> {
        let is_chunked = |coding: &&[u8]| coding.eq_ignore_ascii_case(b"chunked");
        if old && !rules.contains(&Rule::ChunkedInHttp10) {
            return Err(Error::TransferEncoding);
        }
        if rules.contains(&Rule::ChunkedAlone) {
            let right = self.encodings.len() == 1 && self.encodings.iter().all(is_chunked);
            return right.then_some(true).ok_or(Error::TransferEncoding);
        }
        let codings = members(&self.encodings);
        let name = |coding: &&[u8]| {
            let end = coding.iter().position(|&byte| byte == b';');
            trim(&coding[..end.unwrap_or(coding.len())]).to_ascii_lowercase()
        };
        let chunked = codings
            .iter()
            .filter(|coding| name(coding) == b"chunked")
            .count();
        let is_last = codings
            .last()
            .is_some_and(|coding| name(coding) == b"chunked");
        let has_parameters = |coding: &&[u8]| name(coding) == b"chunked" && !is_chunked(coding);
        if chunked > 1 || codings.iter().any(has_parameters) {
            return Err(Error::TransferEncoding);
        }
        Ok(is_last)
    }
}

/// Reads a head; `Ok(None)`: it is not whole. `tracked` are the headers whose values are wanted.
pub fn head(text: &[u8], tracked: &[&[u8]], rules: &Rules) -> Result<Option<Head>, Error> {
    let Some((first, mut rest)) = split_line(text) else {
        return Ok(None);
    };
    let is_invalid = |line: &[u8]| {
        line.contains(&b'\r') && !rules.contains(&Rule::CrIsAByte)
            || line.contains(&0) && !rules.contains(&Rule::NulStays)
    };
    if is_invalid(first) {
        return Err(Error::StatusLine);
    }
    let (status, old) = status_line(first, rules).ok_or(Error::StatusLine)?;
    let has_body = status / 100 != 1 && status != 204 && status != 304;
    let mut lines: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    loop {
        let Some((line, behind)) = split_line(rest) else {
            return Ok(None);
        };
        rest = behind;
        if line.is_empty() {
            break;
        }
        if is_invalid(line) {
            return Err(Error::HeaderLine);
        }
        match (line[0], lines.last_mut()) {
            // 5.2: a user agent replaces the fold by spaces. Before any header, 2.2: rejected.
            (b' ' | b'\t', Some((_, value))) if !rules.contains(&Rule::FoldedLine) => {
                let unfolded = [value.as_slice(), b" ", trim(line)].concat();
                *value = trim(&unfolded).to_vec();
            }
            _ => lines.push(header_line(line, rules).ok_or(Error::HeaderLine)?),
        }
        // Ours refuses a line that frames when it comes; the RFCs, by a fold, when the next does.
        if has_body && rules.contains(&Rule::FoldedLine) {
            framing(&lines).end(old, rules)?;
        }
    }
    let options = framing(&lines).options.join(&b',').to_ascii_lowercase();
    let blanks_separate = rules.contains(&Rule::BlanksSeparateOptions);
    let separates = |byte: &u8| *byte == b',' || blanks_separate && *byte <= b' ';
    let options: Vec<&[u8]> = options.split(separates).map(trim).collect();
    let keeps = options.contains(&b"keep-alive".as_slice());
    let keeps_old = keeps && !rules.contains(&Rule::Http10Closes);
    let mut close = options.contains(&b"close".as_slice()) || old && !keeps_old;
    let end = match has_body {
        true => framing(&lines).end(old, rules)?,
        false => (Some(0), false),
    };
    close |= end == (None, false);
    let value = |name: &&[u8]| {
        let mut values = lines
            .iter()
            .filter(|(other, _)| other.eq_ignore_ascii_case(name));
        let found = values.find(|(_, value)| !value.is_empty());
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    Ok(Some(Head {
        status,
        bytes: text.len() - rest.len(),
        close,
        length: end.0,
        chunked: end.1,
        values: tracked.iter().map(value).collect(),
        lines,
    }))
}

/// The values of the headers that frame a message.
fn framing(lines: &[(Vec<u8>, Vec<u8>)]) -> Framing<'_> {
    let mut framing = Framing::default();
    for (name, value) in lines {
        match name.to_ascii_lowercase().as_slice() {
            b"connection" => framing.options.push(value),
            b"transfer-encoding" => framing.encodings.push(value),
            b"content-length" => framing.lengths.push(value),
            _ => {}
        }
    }
    framing
}

/// Name and value (9112, 5).
fn header_line(line: &[u8], rules: &Rules) -> Option<(Vec<u8>, Vec<u8>)> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    let (name, value) = (&line[..colon], trim(&line[colon + 1..]));
    let right = match rules.contains(&Rule::AnyName) {
        true => !name.is_empty() && name.iter().all(|byte| *byte > b' '),
        false => is_token(name),
    };
    right.then(|| (name.to_vec(), value.to_vec()))
}

/// What ended a descent: no input left, or a byte that has no place.
enum Stop {
    Partial,
    Malformed(Error),
}

/// Descends into the grammar of a chunked body (9112, 7.1).
struct Chunks<'a> {
    text: &'a [u8],
    at: usize,
    rules: &'a Rules,
    fault: Error,
}

/// The data of a chunked body and how many bytes it took; `Ok(None)`: not all there.
pub fn chunks(text: &[u8], rules: &Rules) -> Result<Option<(Vec<u8>, usize)>, Error> {
    let mut chunks = Chunks {
        text,
        at: 0,
        rules,
        fault: Error::ChunkSize,
    };
    let mut data = Vec::new();
    match chunks.body(&mut data) {
        Ok(()) => Ok(Some((data, chunks.at))),
        Err(Stop::Partial) => Ok(None),
        Err(Stop::Malformed(fault)) => Err(fault),
    }
}

impl Chunks<'_> {
    fn peek(&self) -> Result<u8, Stop> {
        self.text.get(self.at).copied().ok_or(Stop::Partial)
    }

    fn wrong<T>(&self) -> Result<T, Stop> {
        Err(Stop::Malformed(self.fault))
    }

    /// Steps over bytes of a kind.
    fn skip(&mut self, is_kind: impl Fn(u8) -> bool) -> Result<&[u8], Stop> {
        let start = self.at;
        while is_kind(self.peek()?) {
            self.at += 1;
        }
        Ok(&self.text[start..self.at])
    }

    fn crlf(&mut self, lf_alone: bool) -> Result<(), Stop> {
        match self.peek()? {
            b'\r' => {
                self.at += 1;
                if self.peek()? != b'\n' {
                    return self.wrong();
                }
            }
            b'\n' if lf_alone => {}
            _ => return self.wrong(),
        }
        self.at += 1;
        Ok(())
    }

    fn body(&mut self, data: &mut Vec<u8>) -> Result<(), Stop> {
        let lf_alone = self.rules.contains(&Rule::LfEndsChunkLines);
        loop {
            self.fault = Error::ChunkSize;
            let size = self.size()?;
            self.extensions()?;
            self.crlf(lf_alone)?;
            if size == 0 {
                break;
            }
            let there = size.min(self.text.len() - self.at);
            data.extend_from_slice(&self.text[self.at..self.at + there]);
            self.at += there;
            self.fault = Error::ChunkEnd;
            self.crlf(lf_alone)?;
        }
        loop {
            self.fault = Error::Trailer;
            if b"\r\n".contains(&self.peek()?) {
                return self.crlf(true);
            }
            self.trailer()?;
        }
    }

    /// 1*HEXDIG, and no more than a length can be.
    fn size(&mut self) -> Result<usize, Stop> {
        let mut size: u128 = 0;
        let start = self.at;
        while let Some(digit) = char::from(self.peek()?).to_digit(16) {
            size = size << 4 | u128::from(digit);
            if size > usize::MAX as u128 {
                return self.wrong();
            }
            self.at += 1;
        }
        if self.at == start {
            self.wrong()
        } else {
            Ok(size as usize)
        }
    }

    /// *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ) (7.1.1).
    fn extensions(&mut self) -> Result<(), Stop> {
        let is_blank = |byte| b" \t".contains(&byte);
        loop {
            let blanks = self.skip(is_blank)?.len();
            match self.peek()? {
                b';' => {}
                b'\r' | b'\n' if blanks == 0 => break,
                b'\r' | b'\n' if self.rules.contains(&Rule::BlanksBehindSize) => break,
                _ => return self.wrong(),
            }
            self.at += 1;
            if self.rules.contains(&Rule::AnyExtension) {
                self.fault = Error::ChunkLine;
                self.skip(|byte| !b"\r\n".contains(&byte))?;
                break;
            }
            self.skip(is_blank)?;
            self.token()?;
            let behind = self.at;
            self.skip(is_blank)?;
            if self.peek()? != b'=' {
                self.at = behind;
                continue;
            }
            self.at += 1;
            self.skip(is_blank)?;
            if self.peek()? == b'"' {
                self.quoted()?
            } else {
                self.token()?
            }
        }
        if self.text.get(self.at) == Some(&b'\r') {
            self.fault = Error::ChunkLine;
        }
        Ok(())
    }

    fn token(&mut self) -> Result<(), Stop> {
        let is_empty = self.skip(|byte| is_token(&[byte]))?.is_empty();
        if is_empty { self.wrong() } else { Ok(()) }
    }

    /// 9110, 5.6.4.
    fn quoted(&mut self) -> Result<(), Stop> {
        self.at += 1;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => {
                    self.at += 1;
                    if !matches!(self.peek()?, b'\t' | b' '..=b'~' | 0x80..) {
                        return self.wrong();
                    }
                }
                b'\t' | b' '..=b'~' | 0x80.. => {}
                _ => return self.wrong(),
            }
            self.at += 1;
        }
        self.at += 1;
        Ok(())
    }

    /// A header line (7.1.2), with those that are folded into it.
    fn trailer(&mut self) -> Result<(), Stop> {
        let any = self.rules.contains(&Rule::AnyTrailer);
        let name = match any {
            true => self.skip(|byte| !b": \t\r\n".contains(&byte))?,
            false => self.skip(|byte| is_token(&[byte]))?,
        };
        if name.is_empty() || self.peek()? != b':' {
            return self.wrong();
        }
        self.fault = Error::ChunkLine;
        loop {
            self.skip(|byte| !b"\r\n".contains(&byte) && (any || byte != 0))?;
            self.crlf(true)?;
            let folds = !self.rules.contains(&Rule::FoldedTrailer);
            if !folds || !b" \t".contains(&self.peek()?) {
                return Ok(());
            }
        }
    }
}
