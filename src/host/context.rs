//! The context of an event, in the three formats that hosted handlers get it in.

use crate::buffer::{FixedBytes, copy_at};
use crate::host::deadline::Deadline;
use crate::invocation::Invocation;
use crate::limits::{CONTEXT_BYTES_MAX, EXPORTS_BYTES_MAX};
use crate::sys::unset;
use crate::wire::number::Decimal;
use crate::wire::{find_from, parts, slice_or_empty};

/// The names in lines of the frame protocol, those of variables, and the headers that have the
/// values. (The deadline is not in the list: the value in the event may be implausible.)
const CONTEXT_FIELDS: [(&[u8], &[u8], &[u8]); 6] = [
    (
        b"request-id",
        b"LAMBDA_REQUEST_ID=",
        b"lambda-runtime-aws-request-id",
    ),
    (
        b"function-arn",
        b"LAMBDA_FUNCTION_ARN=",
        b"lambda-runtime-invoked-function-arn",
    ),
    (b"trace-id", b"LAMBDA_TRACE_ID=", b"lambda-runtime-trace-id"),
    (
        b"client-context",
        b"LAMBDA_CLIENT_CONTEXT=",
        b"lambda-runtime-client-context",
    ),
    (
        b"cognito-identity",
        b"LAMBDA_COGNITO_IDENTITY=",
        b"lambda-runtime-cognito-identity",
    ),
    (
        b"tenant-id",
        b"LAMBDA_TENANT_ID=",
        b"lambda-runtime-aws-tenant-id",
    ),
];

/// The variables with the deadline, and with the trace id as AWS's SDKs read it.
const DEADLINE: &[u8] = b"LAMBDA_DEADLINE_MS=";
const TRACE_ID: &[u8] = b"_X_AMZN_TRACE_ID=";

/// Unsets all variables that belong to an event. Where its event brings nothing, a child must not
/// find what the configuration of the function has: another's tenant id would be the worst.
pub fn unset_variables() {
    for (_, variable, _) in CONTEXT_FIELDS {
        unset(variable);
    }
    unset(DEADLINE);
    unset_trace_id();
}

/// Unsets the trace id, which the loop sets for the current event: a persistent process outlives
/// the event.
pub fn unset_trace_id() {
    unset(TRACE_ID);
}

/// The formats of a context.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ContextFormat {
    /// `name=value` and a line feed.
    Lines,
    /// `NAME=value` and a NUL.
    Variables,
    /// Commands of a shell that export the variables.
    Exports,
}

/// A context, and before it the line of lengths of the frame protocol.
pub struct Context {
    bytes: [u8; HEAD_BYTES + EXPORTS_BYTES_MAX],
    length: usize,
    /// The length without the quotes of a shell.
    unquoted_bytes: usize,
}

impl Context {
    /// An empty context.
    pub const fn new() -> Context {
        Context {
            bytes: [0; _],
            length: 0,
            unquoted_bytes: 0,
        }
    }

    /// The context.
    pub fn as_bytes(&self) -> &[u8] {
        slice_or_empty(&self.bytes, HEAD_BYTES, HEAD_BYTES + self.length)
    }

    /// The context, preceded by the line of a frame: the numbers, and a line feed.
    pub fn with_frame_header(&mut self, numbers: [usize; 3]) -> &[u8] {
        let mut line = FixedBytes::<HEAD_BYTES>::new();
        for (index, number) in numbers.into_iter().enumerate() {
            line.push(if index == 0 { b"" } else { b" " });
            line.push(Decimal::new(number).as_bytes());
        }
        line.push(b"\n");
        let start = HEAD_BYTES - line.as_bytes().len();
        copy_at(&mut self.bytes, start, line.as_bytes());
        slice_or_empty(&self.bytes, start, HEAD_BYTES + self.length)
    }

    /// Writes the context of an event, with the deadline that is shown. A field is absent if the
    /// event has no value for it, if it does not fit, or if it has a NUL: that would end a
    /// variable, and begin another.
    pub fn write(
        &mut self,
        invocation: &Invocation<'_>,
        deadline: &Deadline,
        format: ContextFormat,
    ) {
        (self.length, self.unquoted_bytes) = (0, 0);
        if let Some(shown_ms) = deadline.shown_ms() {
            let number = Decimal::new(shown_ms as usize);
            self.append_field(b"deadline-ms", DEADLINE, number.as_bytes(), format);
        }
        let values = field_values(invocation.head());
        for ((name, variable, _), value) in CONTEXT_FIELDS.into_iter().zip(values) {
            self.append_field(name, variable, value, format);
        }
        if format == ContextFormat::Exports {
            // The file of functions may have set it.
            self.append(b"\"$tinderbox_do\" unset _X_AMZN_TRACE_ID\n");
        }
        if format != ContextFormat::Lines
            && let Some(id) = invocation.trace_id()
        {
            self.append_field(b"", TRACE_ID, id, format);
        }
    }

    fn append_field(&mut self, name: &[u8], variable: &[u8], value: &[u8], format: ContextFormat) {
        let bytes = variable.len().max(name.len()) + value.len() + AROUND_BYTES;
        let is_too_long = bytes > CONTEXT_BYTES_MAX - self.unquoted_bytes;
        if value.is_empty() || is_too_long || find_from(value, 0, 0) < value.len() {
            return;
        }
        self.unquoted_bytes += bytes;
        match format {
            ContextFormat::Lines => self.append_all(&[name, b"=", value, b"\n"]),
            ContextFormat::Variables => self.append_all(&[variable, value, b"\0"]),
            ContextFormat::Exports => {
                // The function's file may have a function of that name: see `shell.sh`.
                self.append_all(&[b"\"$tinderbox_do\" export ", variable]);
                quote(value, &mut |piece| self.append(piece));
                self.append(b"\n");
            }
        }
    }

    fn append_all(&mut self, pieces: &[&[u8]]) {
        for piece in pieces {
            self.append(piece);
        }
    }

    fn append(&mut self, piece: &[u8]) {
        self.length += copy_at(&mut self.bytes, HEAD_BYTES + self.length, piece);
    }
}

/// The values of the fields, in one pass over the head; absent ones are empty. Of two headers of a
/// name, the first that is not empty counts, as in [`Invocation::header`].
fn field_values(head: &[u8]) -> [&[u8]; CONTEXT_FIELDS.len()] {
    let mut values = [&b""[..]; _];
    for line in parts(head, b'\n').skip(1) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let colon = find_from(line, 0, b':');
        let name = slice_or_empty(line, 0, colon);
        for ((_, _, header), value) in CONTEXT_FIELDS.iter().zip(&mut values) {
            if value.is_empty() && name.eq_ignore_ascii_case(header) {
                *value = trim_blanks(slice_or_empty(line, colon + 1, line.len()));
            }
        }
    }
    values
}

/// A value without the blanks around it (RFC 9112, 5).
fn trim_blanks(value: &[u8]) -> &[u8] {
    let mut value = value;
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// The longest line of three numbers, in bytes.
const HEAD_BYTES: usize = 64;

/// The most bytes around a name and a value.
const AROUND_BYTES: usize = 16;

/// Writes a text as one word of a shell, whatever its bytes (POSIX, "Single-Quotes").
pub fn quote(text: &[u8], write: &mut dyn FnMut(&[u8])) {
    write(b"'");
    let mut start = 0;
    while start < text.len() {
        let end = find_from(text, start, b'\'');
        write(slice_or_empty(text, start, end.min(text.len())));
        if end < text.len() {
            write(b"'\\''");
        }
        start = end + 1;
    }
    write(b"'");
}
