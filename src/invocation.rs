//! The current event, and the headers that the Runtime API sends with it.

use crate::limits::{DEADLINE_AHEAD_MS_MAX, DEADLINE_BEHIND_MS_MAX};
use crate::sys;
use crate::wire::http1;
use crate::wire::number::parse_decimal;

/// An event and the headers that came with it.
///
/// Everything is bytes, as received: neither an event nor a header has to be UTF-8. A header that
/// is absent or empty is `None`. Sources: AWS Lambda Developer Guide, "Runtime API", and the
/// emulator's server code.
pub struct Invocation<'a> {
    head: &'a [u8],
    event: &'a [u8],
}

impl<'a> Invocation<'a> {
    pub(crate) fn new(head: &'a [u8], event: &'a [u8]) -> Invocation<'a> {
        Invocation { head, event }
    }

    /// The head of the message, for code that needs many headers at once.
    pub(crate) fn head(&self) -> &'a [u8] {
        self.head
    }

    /// The event: 0 to 6,291,556 bytes, as the caller sent it (mostly JSON).
    pub fn event(&self) -> &'a [u8] {
        self.event
    }

    /// The request id (`Lambda-Runtime-Aws-Request-Id`): 1 to 1,024 bytes, any but CR and LF. It is
    /// a UUID, or was chosen by the caller. A retried event has the same one.
    pub fn request_id(&self) -> &'a [u8] {
        self.header(b"lambda-runtime-aws-request-id")
            .unwrap_or_default()
    }

    /// The id of this attempt (`Lambda-Runtime-Invocation-Id`), from newer servers.
    pub fn invocation_id(&self) -> Option<&'a [u8]> {
        self.header(b"lambda-runtime-invocation-id")
    }

    /// The deadline of the event, in milliseconds since the Unix epoch, as received
    /// (`Lambda-Runtime-Deadline-Ms`). Some emulators send an implausible one; see
    /// [`Invocation::remaining_ms`].
    pub fn deadline_ms(&self) -> Option<u64> {
        let text = self.header(b"lambda-runtime-deadline-ms")?;
        parse_decimal(text).and_then(|number| u64::try_from(number).ok())
    }

    /// Milliseconds until the deadline, 0 when it has passed.
    ///
    /// `None` when the deadline is absent or implausible: more than 24 hours ahead, or more than 15
    /// minutes (the longest timeout) ago.
    pub fn remaining_ms(&self) -> Option<u64> {
        let deadline = self.deadline_ms()?;
        let now = sys::now_ms();
        let sane = deadline.saturating_add(DEADLINE_BEHIND_MS_MAX) >= now
            && deadline <= now.saturating_add(DEADLINE_AHEAD_MS_MAX);
        sane.then_some(deadline.saturating_sub(now))
    }

    /// The ARN that was invoked, with its alias or version (`Lambda-Runtime-Invoked-Function-Arn`).
    pub fn function_arn(&self) -> Option<&'a [u8]> {
        self.header(b"lambda-runtime-invoked-function-arn")
    }

    /// The X-Ray trace header (`Lambda-Runtime-Trace-Id`); also in `_X_AMZN_TRACE_ID`.
    pub fn trace_id(&self) -> Option<&'a [u8]> {
        self.header(b"lambda-runtime-trace-id")
    }

    /// The caller's client context, JSON (`Lambda-Runtime-Client-Context`).
    pub fn client_context(&self) -> Option<&'a [u8]> {
        self.header(b"lambda-runtime-client-context")
    }

    /// The caller's Cognito identity, JSON (`Lambda-Runtime-Cognito-Identity`).
    pub fn cognito_identity(&self) -> Option<&'a [u8]> {
        self.header(b"lambda-runtime-cognito-identity")
    }

    /// The tenant, under tenant isolation (`Lambda-Runtime-Aws-Tenant-Id`).
    pub fn tenant_id(&self) -> Option<&'a [u8]> {
        self.header(b"lambda-runtime-aws-tenant-id")
    }

    /// Any header of the event, by its name in lower case; the case of the received name does not
    /// matter.
    pub fn header(&self, name: &[u8]) -> Option<&'a [u8]> {
        http1::header(self.head, name)
    }
}

#[cfg(test)]
mod tests;
