//! A second, plain parser of the frame protocol, from whole bytes: the expected answer to a frame.
//!
//! Source: the guide, `worker_protocol`. It shares no code with the runtime.

/// The longest line, its line feed included, in bytes.
const LINE_BYTES_MAX: usize = 256;
/// The longest type of an error, in bytes.
const TYPE_BYTES_MAX: usize = 128;
/// The longest error, in bytes.
const ERROR_BYTES_MAX: usize = 256 * 1024;

/// The answer to an event.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// A response, whole or streamed to its end.
    Response(Vec<u8>),
    /// The worker's own error.
    Error(Vec<u8>),
    /// An error: the bytes are not a whole valid frame.
    Broken,
    /// A streamed response that fails after these bytes: with an error of the worker's own
    /// (`true`), or because of an invalid frame.
    CutStream(Vec<u8>, bool),
}

/// The answer that the bytes make, and whether the worker can go on.
pub struct Reading {
    /// The answer.
    pub answer: Answer,
    /// The worker sent this and nothing else.
    pub is_clean: bool,
    /// The frame is incomplete, and could go on.
    pub is_open: bool,
}

/// A number in digits alone, of 64 bits at most.
fn number(text: &[u8]) -> Option<usize> {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let text = str::from_utf8(text).ok().filter(|_| digits)?;
    text.parse().ok()
}

/// The text before the first space, and the text after it.
fn split(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|byte| *byte == b' ') {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

fn is_content_type(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| (b' '..=b'~').contains(byte))
}

fn is_error_type(text: &[u8]) -> bool {
    let fits = (1..=TYPE_BYTES_MAX).contains(&text.len());
    fits && text.iter().all(u8::is_ascii_graphic)
}

/// The meaning of a line about the event; `None` where it is invalid.
enum Line {
    Whole(usize),
    Fault { bytes: usize, is_last: bool },
    Stream,
    Chunk(usize),
    End,
}

fn line(text: &[u8], sequence: usize, streamed: bool) -> Option<Line> {
    let (verb, rest) = split(text);
    let (own, about) = split(rest?);
    if own != sequence.to_string().as_bytes() {
        return None;
    }
    match (verb, streamed) {
        (b"ok", false) => {
            let (bytes, content_type) = split(about?);
            let fits = content_type.is_none_or(is_content_type);
            number(bytes).filter(|_| fits).map(Line::Whole)
        }
        (b"error" | b"fatal", _) => {
            let (bytes, error_type) = split(about?);
            let bytes = number(bytes).filter(|_| error_type.is_some_and(is_error_type))?;
            let is_last = verb == b"fatal";
            (1..=ERROR_BYTES_MAX)
                .contains(&bytes)
                .then_some(Line::Fault { bytes, is_last })
        }
        (b"stream", false) => about.is_none_or(is_content_type).then_some(Line::Stream),
        (b"chunk", true) => number(about?).map(Line::Chunk),
        (b"end", true) => about.is_none().then_some(Line::End),
        _ => None,
    }
}

/// Parses the frames of a worker for the event with this number.
pub fn read(bytes: &[u8], sequence: usize) -> Reading {
    let mut rest = bytes;
    let mut sent: Option<Vec<u8>> = None;
    loop {
        let end = rest.iter().position(|byte| *byte == b'\n');
        let end = match end {
            Some(end) if end < LINE_BYTES_MAX => end,
            None if rest.len() < LINE_BYTES_MAX => return ended(sent, true),
            _ => return ended(sent, false),
        };
        let Some(parsed) = line(&rest[..end], sequence, sent.is_some()) else {
            return ended(sent, false);
        };
        rest = &rest[end + 1..];
        let wanted = match parsed {
            Line::Whole(bytes) | Line::Fault { bytes, .. } | Line::Chunk(bytes) => bytes,
            Line::Stream | Line::End => 0,
        };
        let (body, behind) = rest.split_at(wanted.min(rest.len()));
        if let (Line::Chunk(_), Some(sent)) = (&parsed, &mut sent) {
            sent.extend_from_slice(body);
        }
        if body.len() < wanted {
            return ended(sent, true);
        }
        rest = behind;
        let is_clean = rest.is_empty();
        let (answer, is_clean) = match parsed {
            Line::Stream => {
                sent = Some(Vec::new());
                continue;
            }
            Line::Chunk(_) => continue,
            Line::Whole(_) => (Answer::Response(body.to_vec()), is_clean),
            Line::End => (Answer::Response(sent.unwrap_or_default()), is_clean),
            Line::Fault { is_last, .. } => {
                let answer = match sent {
                    Some(sent) if !sent.is_empty() => Answer::CutStream(sent, true),
                    _ => Answer::Error(body.to_vec()),
                };
                (answer, is_clean && !is_last)
            }
        };
        return Reading {
            answer,
            is_clean,
            is_open: false,
        };
    }
}

/// Invalid or cut short: an error, or, after a part of a stream, the failure of the stream.
fn ended(sent: Option<Vec<u8>>, is_open: bool) -> Reading {
    let answer = match sent {
        Some(sent) if !sent.is_empty() => Answer::CutStream(sent, false),
        _ => Answer::Broken,
    };
    Reading {
        answer,
        is_clean: false,
        is_open,
    }
}
