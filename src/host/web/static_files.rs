//! The files of a folder of the package, as answers to requests.
//!
//! A path is decoded once, and refused by its bytes alone where it may not name a file (`path`).
//! What is left is opened by the kernel beneath the folder of the package, not beneath the folder
//! that is served: a link to another folder of the package works, such as Laravel's
//! `public/storage`, and none leads out of the package.
//!
//! Answers may be stored, and have to be confirmed before each use: a deployment counts at once,
//! and no front invents a lifetime of its own, as CloudFront does where an answer has none.

mod content_type;
mod etag;
mod path;
#[cfg(test)]
mod tests;

use core::cell::Cell;

use crate::buffer::FixedBytes;
use crate::diagnostics::{diagnostic, diagnostic_by_deadline};
use crate::host::errno::file_reason;
use crate::host::errors::set;
use crate::host::paths::strip_nul;
use crate::host::protocol::EventError;
use crate::host::web::reply::{Reply, ReplyTo};
use crate::host::web::{Memory, Web};
use crate::http_event::HttpEvent;
use crate::limits::{PATH_BYTES_MAX, REQUEST_HEAD_BYTES_MAX, RESPONSE_BYTES_MAX};
use crate::response::Response;
use crate::sys::beneath::{Opened, kind_of, open_beneath, open_root};
use crate::sys::ipc::{TryRead, rewind, try_read};
use crate::sys::{Descriptor, Environment};
use crate::wire::number::Decimal;
use crate::wire::{bytes_eq, slice_or_empty, uri};
use content_type::content_type;
use etag::{ContentHash, Tag, is_in_list};
use path::is_public;

/// Whether a request was answered with a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Served {
    /// The response has the answer.
    Yes,
    /// No file is meant; the response is empty.
    No,
}

/// A folder whose files are served.
pub struct StaticFiles {
    /// The folder of the package; where the folder that is served is outside of it, that one.
    /// `None`: no file can be served.
    root: Option<Descriptor>,
    /// The path of the folder beneath it; may be empty.
    folder: &'static [u8],
    /// How many more files are logged that cannot be opened: anybody can ask for them again.
    log_lines: Cell<u8>,
}

/// The most log lines about files that cannot be opened.
const LOG_LINES_MAX: u8 = 16;

/// A path: of a request, decoded; or of a file beneath the root, with a NUL at its end.
pub type Path = FixedBytes<PATH_BYTES_MAX>;

/// What is at a path.
pub enum Found {
    /// A regular file, and its length in bytes.
    File(Descriptor, u64),
    /// A folder.
    Folder,
    /// Nothing that is served.
    Nothing,
}

impl StaticFiles {
    /// Those of a folder: its path without a NUL, and without a slash at its end. Where the system
    /// cannot open files so, none is served, and that is logged.
    pub fn new(environment: &Environment, folder: &'static [u8]) -> StaticFiles {
        let package = environment.get(b"LAMBDA_TASK_ROOT=").unwrap_or(b".");
        let beneath = folder
            .strip_prefix(package.strip_suffix(b"/").unwrap_or(package))
            .filter(|beneath| matches!(beneath, [] | [b'/', ..]));
        let mut root = Path::new();
        root.push(beneath.map_or(folder, |_| package));
        root.push(b"\0");
        let root = open_root(root.as_bytes()).filter(|root| {
            let opened = open_beneath(root, b".\0");
            if let Err(errno) = opened {
                diagnostic(file_reason(errno), folder);
            }
            opened.is_ok()
        });
        StaticFiles {
            root,
            folder: without_slashes(beneath.unwrap_or_default()),
            log_lines: Cell::new(LOG_LINES_MAX),
        }
    }

    /// Whether files can be served.
    pub fn is_usable(&self) -> bool {
        self.root.is_some()
    }

    /// Answers a GET or a HEAD of a file that exists, is not hidden and is no code of PHP.
    ///
    /// # Errors
    /// The file cannot be read, or is too large; the error is in the response.
    pub fn serve(
        &self,
        web: &mut Web,
        request: &HttpEvent<'_>,
        response: &mut Response,
    ) -> Result<Served, EventError> {
        let (mut decoded, mut path) = (Path::new(), Path::new());
        let is_meant = is_read(request)
            && decode_path(web, request, &mut decoded)
            && !decoded.as_bytes().ends_with(b"/");
        if !is_meant {
            return Ok(Served::No);
        }
        let Found::File(file, bytes) = self.find(decoded.as_bytes(), b"", &mut path) else {
            return Ok(Served::No);
        };
        send_file(&file, bytes, &path, 200, web, request, response).map(|()| Served::Yes)
    }

    /// What is at a decoded path with a suffix. Sets the path beneath the root.
    pub fn find(&self, decoded: &[u8], suffix: &[u8], path: &mut Path) -> Found {
        path.set(self.folder);
        let slash: &[u8] = if self.folder.is_empty() { b"" } else { b"/" };
        let mut fits = true;
        for piece in [slash, without_slashes(decoded), suffix, b"\0"] {
            fits &= path.try_push(piece);
        }
        let Some(root) = self.root.as_ref().filter(|_| fits) else {
            return Found::Nothing;
        };
        let opened = open_beneath(root, path.as_bytes());
        match opened.map(|file| (kind_of(&file), file)) {
            Ok((Opened::File(bytes), file)) => Found::File(file, bytes),
            Ok((Opened::Folder, _)) => Found::Folder,
            Ok((Opened::Other, _)) => Found::Nothing,
            Err(errno) => {
                let (reason, lines) = (file_reason(errno), self.log_lines.get());
                if !reason.is_empty() && lines > 0 {
                    self.log_lines.set(lines - 1);
                    diagnostic_by_deadline(reason, strip_nul(path.as_bytes()));
                }
                Found::Nothing
            }
        }
    }
}

/// Whether a request asks for a file, and does nothing else.
pub fn is_read(request: &HttpEvent<'_>) -> bool {
    request.is_head() || bytes_eq(request.method(), b"GET")
}

/// Decodes the path of a request. False: it may not name a file, or is longer than any.
pub fn decode_path(web: &mut Web, request: &HttpEvent<'_>, decoded: &mut Path) -> bool {
    let encoded = &mut web.memory.answer_head;
    let mut fits = true;
    encoded.set(b"");
    request.write_path(web.settings.strip_prefix.as_bytes(), &mut |piece| {
        fits &= encoded.try_push(piece);
    });
    uri::decode(encoded.as_bytes(), &mut |piece| {
        fits &= decoded.try_push(piece);
    });
    fits && is_public(decoded.as_bytes())
}

/// Ends the header line of a location that is the path of the request with a slash at its end: writes
/// the slash, and the query.
pub fn end_location(request: &HttpEvent<'_>, write: &mut dyn FnMut(&[u8])) {
    let mut separator: &[u8] = b"/?";
    request.write_query(&mut |piece| {
        write(core::mem::take(&mut separator));
        write(piece);
    });
    // Without a query, the slash is still to come.
    write(slice_or_empty(separator, 0, 1));
    write(b"\r\n");
}

/// Answers with a file, whose path has a NUL at its end.
///
/// # Errors
/// The file cannot be read, or is too large; the error is in the response.
pub fn send_file(
    file: &Descriptor,
    bytes: u64,
    path: &Path,
    status: u16,
    web: &mut Web,
    request: &HttpEvent<'_>,
    response: &mut Response,
) -> Result<(), EventError> {
    let path = strip_nul(path.as_bytes());
    let Memory {
        request_head: piece,
        answer_head,
        answer_body,
        ..
    } = &mut *web.memory;
    let is_head = request.is_head();
    let to = ReplyTo::Request {
        source: request.source(),
        is_head,
    };
    let mut reply = Reply::new(to, web.settings, answer_head, answer_body, response);
    if bytes > RESPONSE_BYTES_MAX as u64 && !web.settings.streams(request.source()) && !is_head {
        return Err(set_too_large(path, bytes, response));
    }
    let Some((tag, is_whole)) = read_tag(file, piece) else {
        return Err(set_unreadable(path, response));
    };
    let tag = slice_or_empty(
        tag.as_bytes(),
        0,
        if status == 200 {
            tag.as_bytes().len()
        } else {
            0
        },
    );
    let is_known = has_tag(request, tag);
    let lines = header_lines(path, tag);
    reply.start(if is_known { 304 } else { status }, lines.as_bytes());
    if is_whole {
        reply.write(piece.as_bytes());
    } else if !is_known && !is_head && !write_again(file, piece, &mut reply) {
        return Err(set_unreadable(path, response));
    }
    reply.finish()?;
    if response.has_forced_error() && !response.is_streamed() {
        return Err(set_too_large(path, bytes, response));
    }
    Ok(())
}

/// The region for the pieces of a file. Its length is a multiple of eight, see `ContentHash`.
type Piece = FixedBytes<REQUEST_HEAD_BYTES_MAX>;

/// The tag of a file, and whether the piece has all of it; `None`: it cannot be read.
fn read_tag(file: &Descriptor, piece: &mut Piece) -> Option<(Tag, bool)> {
    let mut hash = ContentHash::new();
    let mut is_first = true;
    loop {
        let is_last = read_piece(file, piece)?;
        hash.update(piece.as_bytes());
        if is_last {
            return Some((hash.tag(), is_first));
        }
        is_first = false;
    }
}

/// Writes a file that is longer than a piece, from its start. False: it cannot be read.
fn write_again(file: &Descriptor, piece: &mut Piece, reply: &mut Reply<'_>) -> bool {
    rewind(file);
    loop {
        let Some(is_last) = read_piece(file, piece) else {
            return false;
        };
        if !reply.write(piece.as_bytes()) || is_last {
            return true;
        }
    }
}

/// Reads the next piece of a file, which is full unless it is the last one. Returns whether it is;
/// `None`: the file cannot be read.
fn read_piece(file: &Descriptor, piece: &mut Piece) -> Option<bool> {
    piece.set(b"");
    loop {
        let mut outcome = TryRead::End;
        piece.read_at_most(REQUEST_HEAD_BYTES_MAX, &mut |free| {
            outcome = try_read(file, free);
            match outcome {
                TryRead::Data(bytes) => bytes,
                _ => 0,
            }
        });
        match outcome {
            TryRead::Data(_) => {}
            // Into a full piece nothing can be read.
            TryRead::End => return Some(piece.as_bytes().len() < REQUEST_HEAD_BYTES_MAX),
            TryRead::Nothing | TryRead::Failed => return None,
        }
    }
}

/// The longest header lines of a file, in bytes.
const LINES_BYTES_MAX: usize = 256;

/// The header lines of a file; the tag may be empty.
fn header_lines(path: &[u8], tag: &[u8]) -> FixedBytes<LINES_BYTES_MAX> {
    let mut lines = FixedBytes::new();
    lines.push(b"Content-Type: ");
    lines.push(content_type(path));
    lines.push(b"\r\nCache-Control: public, max-age=0, must-revalidate\r\n");
    if !tag.is_empty() {
        lines.push(b"ETag: ");
        lines.push(tag);
        lines.push(b"\r\n");
    }
    lines
}

/// The longest `If-None-Match` that is looked at, in bytes. Tags that do not fit are unknown.
const CONDITION_BYTES_MAX: usize = 1024;

/// Whether the client has the version with this tag; not so without a tag.
fn has_tag(request: &HttpEvent<'_>, tag: &[u8]) -> bool {
    if tag.is_empty() {
        return false;
    }
    let mut list = FixedBytes::<CONDITION_BYTES_MAX>::new();
    if let Some(value) = request.header(b"if-none-match") {
        value.write(&mut |piece| list.push(piece));
    }
    is_in_list(list.as_bytes(), tag)
}

fn set_too_large(path: &[u8], bytes: u64, response: &mut Response) -> EventError {
    let number = Decimal::new(bytes as usize);
    let message: [&[u8]; 4] = [
        path,
        b" has ",
        number.as_bytes(),
        b" bytes, and an answer that is not streamed holds 6 MiB of text or 4.7 MB of anything \
          else: set TINDERBOX_STREAM=1 behind a Function URL or a REST API that streams, or keep \
          the file in S3",
    ];
    EventError::Reported(set(response, "Function.ResponseSizeTooLarge", &message))
}

fn set_unreadable(path: &[u8], response: &mut Response) -> EventError {
    let message: [&[u8]; 2] = [b"cannot read the static file ", path];
    EventError::Reported(set(response, "Runtime.ReadError", &message))
}

/// A path without the slashes at its start.
fn without_slashes(path: &[u8]) -> &[u8] {
    let mut path = path;
    while let [b'/', rest @ ..] = path {
        path = rest;
    }
    path
}
