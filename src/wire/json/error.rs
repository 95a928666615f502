//! The faults of a JSON text, each with a sentence and a place.

/// A fault of a text, and its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    /// The fault.
    pub kind: ErrorKind,
    /// The offset of the fault, in bytes; of a truncated text, its length.
    pub at: usize,
}

/// The faults of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The text ends within a value, or before one.
    UnexpectedEnd,
    /// No value begins with this byte.
    ExpectedValue,
    /// Expected the name of a member.
    ExpectedName,
    /// Expected a colon.
    ExpectedColon,
    /// Expected a comma or the end of the array or object.
    ExpectedComma,
    /// Something follows the value.
    TrailingBytes,
    /// A number is not as its grammar has it.
    InvalidNumber,
    /// A string has an escape that there is not.
    InvalidEscape,
    /// A control byte in a string is not escaped.
    ControlByte,
    /// A string is not UTF-8.
    InvalidUtf8,
    /// There are more levels than [`DEPTH_MAX`](super::DEPTH_MAX).
    TooDeep,
    /// The text is right, but no object.
    NotAnObject,
}

impl ErrorKind {
    /// The fault, as a text.
    pub fn text(self) -> &'static [u8] {
        match self {
            ErrorKind::UnexpectedEnd => b"the JSON text ends too early",
            ErrorKind::ExpectedValue => b"expected a value",
            ErrorKind::ExpectedName => b"expected the name of a member, in quotes",
            ErrorKind::ExpectedColon => b"expected a colon",
            ErrorKind::ExpectedComma => b"expected a comma or the end of the array or object",
            ErrorKind::TrailingBytes => b"expected nothing behind the value",
            ErrorKind::InvalidNumber => b"invalid number",
            ErrorKind::InvalidEscape => b"invalid escape in a string",
            ErrorKind::ControlByte => b"a control byte in a string is not escaped",
            ErrorKind::InvalidUtf8 => b"a string is not UTF-8",
            ErrorKind::TooDeep => b"arrays and objects nest more than 128 levels",
            ErrorKind::NotAnObject => b"expected an object",
        }
    }
}
