//! The server's replies, built once; ids, deadlines and dates in them are overwritten in place.

use std::time::{Duration, Instant};

use super::wire::HttpVersion;
use crate::clock;
use crate::limits::UNCHUNKED_BYTES_MAX;
use crate::number::{write_decimal, write_hex};

/// From the sending of an event to its deadline.
const DEADLINE_MS: u64 = 300_000;

/// The id's prefix, and how many digits of the sequence number follow it.
const ID_PREFIX: &str = "8efd3a5e-0000-4000-8000-";
const ID_DIGITS: usize = 12;
const ID_LENGTH: usize = ID_PREFIX.len() + ID_DIGITS;

const DATE_LENGTH: usize = 29;
const DEADLINE_LENGTH: usize = 13;

/// How often the `Date` header changes.
const DATE_INTERVAL: Duration = Duration::from_secs(1);

/// The replies of a server.
pub struct ReplyTemplates {
    /// With the framing that AWS's server chooses.
    event: ReplyTemplate,
    /// With a length, for HTTP/1.0.
    http_1_0_event: ReplyTemplate,
    accepted: ReplyTemplate,
    sequence: u64,
    dated: Instant,
}

/// A reply and the offsets of its variable parts.
struct ReplyTemplate {
    bytes: Vec<u8>,
    id_at: usize,
    deadline_at: usize,
    date_at: usize,
}

impl ReplyTemplates {
    /// For this event, with this ARN.
    pub fn new(event: &[u8], arn: &str) -> ReplyTemplates {
        let is_chunked = event.len() > UNCHUNKED_BYTES_MAX;
        ReplyTemplates {
            event: ReplyTemplate::event(event, arn, is_chunked),
            http_1_0_event: ReplyTemplate::event(event, arn, false),
            accepted: ReplyTemplate::new(
                "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\n",
                "Content-Length: 16\r\n\r\n{\"status\":\"OK\"}\n",
            ),
            sequence: 0,
            dated: Instant::now(),
        }
    }

    /// Gives the event a new id and a new deadline.
    pub fn prepare_event(&mut self, version: HttpVersion) {
        self.sequence += 1;
        self.update_dates();
        let sequence = self.sequence;
        let template = match version {
            HttpVersion::Http10 => &mut self.http_1_0_event,
            HttpVersion::Http11 => &mut self.event,
        };
        let digits_at = template.id_at + ID_PREFIX.len();
        write_hex(&mut template.bytes[digits_at..][..ID_DIGITS], sequence);
        let deadline = &mut template.bytes[template.deadline_at..][..DEADLINE_LENGTH];
        write_decimal(deadline, clock::now_ms() + DEADLINE_MS);
    }

    /// The bytes of the event that was prepared last.
    pub fn event(&self, version: HttpVersion) -> &[u8] {
        &self.template(version).bytes
    }

    /// Whether this is the id of the event that was prepared last.
    pub fn is_current(&self, id: &[u8], version: HttpVersion) -> bool {
        let template = self.template(version);
        id == &template.bytes[template.id_at..][..ID_LENGTH]
    }

    /// The reply to an answer.
    pub fn accepted(&self) -> &[u8] {
        &self.accepted.bytes
    }

    fn template(&self, version: HttpVersion) -> &ReplyTemplate {
        match version {
            HttpVersion::Http10 => &self.http_1_0_event,
            HttpVersion::Http11 => &self.event,
        }
    }

    fn update_dates(&mut self) {
        if self.dated.elapsed() < DATE_INTERVAL {
            return;
        }
        self.dated = Instant::now();
        let date = clock::http_date();
        for template in [
            &mut self.event,
            &mut self.http_1_0_event,
            &mut self.accepted,
        ] {
            template.bytes[template.date_at..][..DATE_LENGTH].copy_from_slice(date.as_bytes());
        }
    }
}

impl ReplyTemplate {
    fn new(start: &str, rest: &str) -> ReplyTemplate {
        let mut bytes = start.as_bytes().to_vec();
        bytes.extend_from_slice(b"Date: ");
        let date_at = bytes.len();
        bytes.extend_from_slice(clock::http_date().as_bytes());
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(rest.as_bytes());
        ReplyTemplate {
            bytes,
            id_at: 0,
            deadline_at: 0,
            date_at,
        }
    }

    fn event(event: &[u8], arn: &str, is_chunked: bool) -> ReplyTemplate {
        let mut start = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n".to_string();
        start += "Lambda-Runtime-Aws-Request-Id: ";
        let id_at = start.len();
        start += &format!("{ID_PREFIX}{:0ID_DIGITS$}\r\n", 0);
        start += "Lambda-Runtime-Deadline-Ms: ";
        let deadline_at = start.len();
        start += &format!("{:0DEADLINE_LENGTH$}\r\n", 0);
        start += &format!("Lambda-Runtime-Invoked-Function-Arn: {arn}\r\n");
        start += &format!("Lambda-Runtime-Trace-Id: {}\r\n", clock::trace_id());
        let length = event.len();
        let framing = match is_chunked {
            true => format!("Transfer-Encoding: chunked\r\n\r\n{length:x}\r\n"),
            false => format!("Content-Length: {length}\r\n\r\n"),
        };
        let mut template = ReplyTemplate::new(&start, &framing);
        (template.id_at, template.deadline_at) = (id_at, deadline_at);
        template.bytes.extend_from_slice(event);
        if is_chunked {
            template.bytes.extend_from_slice(b"\r\n0\r\n\r\n");
        }
        template
    }
}
