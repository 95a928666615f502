//! What a handler outside the binary is told of an event, beside the event itself; and its time.

use crate::buffer::{Decimal, FixedBytes, put};
use crate::invocation::Invocation;
use crate::limits::{CONTEXT_BYTES_MAX, EXPORTS_BYTES_MAX, MARGIN_MS_MAX, MARGIN_MS_MIN};
use crate::sys::{Environment, forget, monotonic_ms, now_ms};
use crate::wire::number::parse_decimal;
use crate::wire::{find, part};

/// The names in lines for workers, those of variables, and the headers that have the values. (The
/// deadline is not in the list: what came with the event may be no deadline.)
const VALUES: [(&[u8], &[u8], &[u8]); 6] = [
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

/// The variables with a deadline and with the trace id as AWS's SDKs want it.
const DEADLINE: &[u8] = b"LAMBDA_DEADLINE_MS=";
const TRACE_ID: &[u8] = b"_X_AMZN_TRACE_ID=";

/// Takes all variables that belong to an event out of the environment. A child must not find there
/// what the configuration of the function says, where its event brings nothing: another's tenant id
/// would be the worst.
pub fn forget_variables() {
    for (_, variable, _) in VALUES {
        forget(variable);
    }
    forget(DEADLINE);
    forget_trace_id();
}

/// The same for the trace id alone, which the loop puts there for the event in hand: a process that
/// is kept alive outlives the event.
pub fn forget_trace_id() {
    forget(TRACE_ID);
}

/// How much time a handler has for an event.
#[derive(Clone, Copy)]
pub struct Time {
    /// So many milliseconds in all, less a margin, if there is a limit.
    pub limit_ms: Option<u64>,
    /// The end of that on the monotonic clock, in milliseconds.
    pub end_ms: Option<u64>,
    /// The deadline itself, in milliseconds since the Unix epoch.
    deadline_ms: Option<u64>,
}

impl Time {
    /// All the time in the world.
    pub const NONE: Time = Time {
        limit_ms: None,
        end_ms: None,
        deadline_ms: None,
    };

    /// Until then, on the monotonic clock, in milliseconds.
    pub fn until(end_ms: Option<u64>) -> Time {
        Time {
            end_ms,
            ..Time::NONE
        }
    }

    /// Of an event. One that brings no deadline, or one that has passed on arrival, has
    /// `timeout_ms`, if there is such a thing.
    pub fn of(invocation: &Invocation<'_>, timeout_ms: Option<u64>) -> Time {
        let left_ms = invocation.remaining_ms().filter(|&left_ms| left_ms > 0);
        let limit_ms = left_ms.or(timeout_ms).map(subtract_margin);
        Time {
            limit_ms,
            end_ms: limit_ms.map(|limit_ms| monotonic_ms().saturating_add(limit_ms)),
            deadline_ms: match left_ms {
                Some(_) => invocation.deadline_ms(),
                None => timeout_ms.map(|timeout_ms| now_ms().saturating_add(timeout_ms)),
            },
        }
    }
}

/// The time before the deadline after which a handler is stopped, in milliseconds.
fn subtract_margin(time_ms: u64) -> u64 {
    let margin_ms = (time_ms / 50).clamp(MARGIN_MS_MIN, MARGIN_MS_MAX);
    // Of a very short time, half is better than nothing.
    time_ms.saturating_sub(margin_ms).max(time_ms / 2).max(1)
}

/// The time that the function has, in milliseconds, as the environment tells.
pub fn timeout_ms(environment: &Environment) -> Option<u64> {
    environment
        .get(b"AWS_LAMBDA_FUNCTION_TIMEOUT=")
        .and_then(parse_decimal)
        .filter(|&seconds| seconds > 0)
        .map(|seconds| (seconds as u64).saturating_mul(1000))
}

/// How the values are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ContextFormat {
    /// `name=value` and a line feed.
    Lines,
    /// `NAME=value` and a NUL.
    Variables,
    /// Commands of a shell that export the variables.
    Exports,
}

/// Room for what is told.
pub struct Context {
    bytes: [u8; HEAD_BYTES + EXPORTS_BYTES_MAX],
    length: usize,
    /// The same without what quotes take.
    told: usize,
}

impl Context {
    /// Nothing told.
    pub const fn new() -> Context {
        Context {
            bytes: [0; _],
            length: 0,
            told: 0,
        }
    }

    /// What was written.
    pub fn get(&self) -> &[u8] {
        part(&self.bytes, HEAD_BYTES, HEAD_BYTES + self.length)
    }

    /// The same behind a line of numbers.
    pub fn behind(&mut self, numbers: [usize; 3]) -> &[u8] {
        let mut line = FixedBytes::<HEAD_BYTES>::new();
        for (index, number) in numbers.into_iter().enumerate() {
            line.push(if index == 0 { b"" } else { b" " });
            line.push(Decimal::new(number).text());
        }
        line.push(b"\n");
        let start = HEAD_BYTES - line.get().len();
        put(&mut self.bytes, start, line.get());
        part(&self.bytes, start, HEAD_BYTES + self.length)
    }

    /// Writes what an event brings; what it does not is absent, and so is what does not fit, or has
    /// a NUL: behind that a variable would end, and another begin.
    pub fn write(&mut self, invocation: &Invocation<'_>, time: &Time, form: ContextFormat) {
        (self.length, self.told) = (0, 0);
        if let Some(deadline_ms) = time.deadline_ms {
            let number = Decimal::new(deadline_ms as usize);
            self.value(b"deadline-ms", DEADLINE, number.text(), form);
        }
        for (name, variable, header) in VALUES {
            if let Some(value) = invocation.header(header) {
                self.value(name, variable, value, form);
            }
        }
        if form == ContextFormat::Exports {
            // The file of functions may have set it.
            self.put(b"\"$tinderbox_do\" unset _X_AMZN_TRACE_ID\n");
        }
        if form != ContextFormat::Lines
            && let Some(id) = invocation.trace_id()
        {
            self.value(b"", TRACE_ID, id, form);
        }
    }

    fn value(&mut self, name: &[u8], variable: &[u8], value: &[u8], form: ContextFormat) {
        let bytes = variable.len().max(name.len()) + value.len() + AROUND_BYTES;
        if bytes > CONTEXT_BYTES_MAX - self.told || find(value, 0, 0) < value.len() {
            return;
        }
        self.told += bytes;
        match form {
            ContextFormat::Lines => self.put_all(&[name, b"=", value, b"\n"]),
            ContextFormat::Variables => self.put_all(&[variable, value, b"\0"]),
            ContextFormat::Exports => {
                // The function's file may have a function of that name: see `shell.sh`.
                self.put_all(&[b"\"$tinderbox_do\" export ", variable]);
                quote(value, &mut |piece| self.put(piece));
                self.put(b"\n");
            }
        }
    }

    fn put_all(&mut self, pieces: &[&[u8]]) {
        for piece in pieces {
            self.put(piece);
        }
    }

    fn put(&mut self, piece: &[u8]) {
        self.length += put(&mut self.bytes, HEAD_BYTES + self.length, piece);
    }
}

/// Room before it for a line of three numbers.
const HEAD_BYTES: usize = 64;

/// What stands around a name and a value, generously.
const AROUND_BYTES: usize = 16;

/// Writes a text as one word of a shell, whatever its bytes (POSIX, "Single-Quotes").
pub fn quote(text: &[u8], write: &mut dyn FnMut(&[u8])) {
    write(b"'");
    let mut start = 0;
    while start < text.len() {
        let end = find(text, start, b'\'');
        write(part(text, start, end.min(text.len())));
        if end < text.len() {
            write(b"'\\''");
        }
        start = end + 1;
    }
    write(b"'");
}
