//! FastCGI 1.0 as a web server speaks it: records of one request at a time written, those of the
//! answer read.
//!
//! Decisions, with the sections of the FastCGI specification:
//!
//! - A connection has one request at a time, whose id is 1, and stays open after it (5.1,
//!   `FCGI_KEEP_CONN`). Management records have the id 0 (3.3).
//! - A name-value pair lies within one record: PHP does not put one together that was divided. Its
//!   lengths take four bytes each, which any length may (3.4): so they can be written before they
//!   are known.
//! - A record is its header, its content, and padding of any bytes (3.3). Content of standard
//!   output and of standard error is returned as far as it has come.
//! - `FCGI_END_REQUEST` has eight bytes of content (5.5), and counts when its padding has come: what
//!   follows on the connection belongs to the next request.
//! - `FCGI_UNKNOWN_TYPE` is an answer to `FCGI_GET_VALUES` as well (4.2): the server takes requests.

/// The types of the records that are sent or received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum RecordType {
    BeginRequest = 1,
    EndRequest = 3,
    Params = 4,
    Stdin = 5,
    Stdout = 6,
    Stderr = 7,
    GetValues = 9,
    GetValuesResult = 10,
    UnknownType = 11,
}

/// The version of the protocol.
const VERSION: u8 = 1;
/// The id of each request.
const REQUEST_ID: u8 = 1;

/// The length of the header of a record, in bytes.
pub const HEADER_BYTES: usize = 8;
/// The most bytes of content of a record.
pub const CONTENT_BYTES_MAX: usize = u16::MAX as usize;
/// The length of the content of `FCGI_END_REQUEST`, in bytes.
const END_BYTES: usize = 8;

/// The header of a record of the request, without padding.
pub fn record_header(record_type: RecordType, content_bytes: usize) -> [u8; HEADER_BYTES] {
    let [high, low] = (content_bytes as u16).to_be_bytes();
    [VERSION, record_type as u8, 0, REQUEST_ID, high, low, 0, 0]
}

/// The record that begins a request: a script is to answer it, and the connection stays open.
pub const BEGIN_REQUEST: &[u8] = &[
    VERSION,
    RecordType::BeginRequest as u8,
    0,
    REQUEST_ID,
    0,
    8,
    0,
    0,
    0, // the role, of two bytes: a responder
    1,
    1, // the connection stays open
    0,
    0,
    0,
    0,
    0,
];

/// The record that asks for a value, which any server answers at once.
pub const GET_VALUES: &[u8] = b"\x01\x09\0\0\0\x11\0\0\x0f\0FCGI_MPXS_CONNS";

/// The length of [`pair_lengths`], in bytes.
pub const PAIR_LENGTHS_BYTES: usize = 8;

/// What comes before a name and its value.
pub fn pair_lengths(name_bytes: usize, value_bytes: usize) -> [u8; PAIR_LENGTHS_BYTES] {
    // The highest bit says that a length has four bytes.
    let length = |bytes: usize| (bytes as u32 | 1 << 31).to_be_bytes();
    let mut lengths = [0; PAIR_LENGTHS_BYTES];
    let both = [length(name_bytes), length(value_bytes)];
    for (place, byte) in lengths.iter_mut().zip(both.as_flattened()) {
        *place = *byte;
    }
    lengths
}

/// What is wrong with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// It is not of version 1.
    Version,
    /// It belongs to another request.
    RequestId,
    /// It is of a type that no server sends.
    RecordType,
    /// `FCGI_END_REQUEST` has another length.
    EndRequest,
}

impl Error {
    /// The fault, for a message.
    pub fn text(self) -> &'static [u8] {
        match self {
            Error::Version => b"a FastCGI record is not of version 1",
            Error::RequestId => b"a FastCGI record belongs to another request",
            Error::RecordType => b"a FastCGI record is of a type that no server sends",
            Error::EndRequest => b"FCGI_END_REQUEST is not 8 bytes long",
        }
    }
}

/// What has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Nothing for the caller.
    Framing,
    /// A part of the standard output.
    Stdout(&'a [u8]),
    /// A part of the standard error.
    Stderr(&'a [u8]),
    /// The request has ended, with this protocol status: 0, unless the server refused it.
    End(u8),
    /// The server has answered `FCGI_GET_VALUES`.
    Values,
}

/// Reads the records of a connection. All zeros when it is new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordReader {
    /// The type of the record that is being read; 0: none is.
    record_type: u8,
    /// The bytes of its content and of its padding that are still to come.
    content: usize,
    padding: usize,
    protocol_status: u8,
}

const STDOUT: u8 = RecordType::Stdout as u8;
const STDERR: u8 = RecordType::Stderr as u8;
const END: u8 = RecordType::EndRequest as u8;
const VALUES: u8 = RecordType::GetValuesResult as u8;
const UNKNOWN: u8 = RecordType::UnknownType as u8;

impl RecordReader {
    /// Reads one piece from the front of `bytes`: how many bytes it took, and the piece. 0 bytes:
    /// more have to come first.
    ///
    /// # Errors
    /// The fault of the header at the front of `bytes`.
    pub fn read<'a>(&mut self, bytes: &'a [u8]) -> Result<(usize, Piece<'a>), Error> {
        if self.record_type == 0 {
            let Some((header, _)) = bytes.split_first_chunk() else {
                return Ok((0, Piece::Framing));
            };
            self.begin_record(header)?;
            return Ok((HEADER_BYTES, self.end_record()));
        }
        let is_content = self.content > 0;
        let left = if is_content {
            self.content
        } else {
            self.padding
        };
        let (part, _) = bytes.split_at_checked(left).unwrap_or((bytes, b""));
        let mut piece = Piece::Framing;
        if is_content {
            match self.record_type {
                STDOUT => piece = Piece::Stdout(part),
                STDERR => piece = Piece::Stderr(part),
                // Of the whole content: the status of the script in four bytes, then this.
                END if part.len() < END_BYTES => return Ok((0, piece)),
                END => self.protocol_status = part.get(4).copied().unwrap_or_default(),
                _ => {}
            }
            self.content -= part.len();
        } else {
            self.padding -= part.len();
        }
        match piece {
            _ if part.is_empty() => Ok((0, Piece::Framing)),
            Piece::Framing => Ok((part.len(), self.end_record())),
            _ => {
                self.end_record();
                Ok((part.len(), piece))
            }
        }
    }

    fn begin_record(&mut self, header: &[u8; HEADER_BYTES]) -> Result<(), Error> {
        let [version, record_type, id @ .., high, low, padding, _] = *header;
        if version != VERSION {
            return Err(Error::Version);
        }
        let content = usize::from(u16::from_be_bytes([high, low]));
        let wanted = match record_type {
            STDOUT | STDERR => REQUEST_ID,
            END if content != END_BYTES => return Err(Error::EndRequest),
            END => REQUEST_ID,
            VALUES | UNKNOWN => 0,
            _ => return Err(Error::RecordType),
        };
        if id != [0, wanted] {
            return Err(Error::RequestId);
        }
        *self = RecordReader {
            record_type,
            content,
            padding: padding.into(),
            protocol_status: 0,
        };
        Ok(())
    }

    /// Ends the record, if all of it has come.
    fn end_record(&mut self) -> Piece<'static> {
        if self.content > 0 || self.padding > 0 {
            return Piece::Framing;
        }
        match core::mem::take(&mut self.record_type) {
            END => Piece::End(self.protocol_status),
            VALUES | UNKNOWN => Piece::Values,
            _ => Piece::Framing,
        }
    }
}
