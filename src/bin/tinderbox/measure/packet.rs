//! What the server sends, made ready once; numbers in it are written over in place.

use std::time::{Duration, Instant};

use crate::local::clock;

/// Up to here net/http, and so AWS's server, knows a body's length when it writes the head.
const SIZED_BYTES_MAX: usize = 2048;

/// How long after its sending an event is due.
const DEADLINE_MS: u64 = 300_000;

const ID_LENGTH: usize = 36;
const DATE_LENGTH: usize = 29;
const DEADLINE_LENGTH: usize = 13;

/// The replies of a server, and what changes in them.
pub struct Packets {
    /// With the framing that AWS's server chooses.
    event: Packet,
    /// With a length, for HTTP/1.0.
    sized_event: Packet,
    accepted: Packet,
    sequence: u64,
    dated: Instant,
}

struct Packet {
    bytes: Vec<u8>,
    id_at: usize,
    deadline_at: usize,
    date_at: usize,
}

impl Packets {
    /// For this event, with this ARN.
    pub fn new(event: &[u8], arn: &str) -> Packets {
        Packets {
            event: Packet::event(event, arn, event.len() > SIZED_BYTES_MAX),
            sized_event: Packet::event(event, arn, false),
            accepted: Packet::new(
                "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\n",
                "Content-Length: 16\r\n\r\n{\"status\":\"OK\"}\n",
            ),
            sequence: 0,
            dated: Instant::now(),
        }
    }

    /// The next event, with an id and a deadline of its own.
    pub fn make_event(&mut self, is_http_1_0: bool) {
        self.sequence += 1;
        self.redate();
        let packet = match is_http_1_0 {
            true => &mut self.sized_event,
            false => &mut self.event,
        };
        let digits = b"0123456789abcdef";
        for place in 0..12 {
            let digit = digits[(self.sequence >> (4 * place) & 15) as usize];
            packet.bytes[packet.id_at + ID_LENGTH - 1 - place] = digit;
        }
        let mut deadline = clock::now_ms() + DEADLINE_MS;
        for place in (0..DEADLINE_LENGTH).rev() {
            packet.bytes[packet.deadline_at + place] = b'0' + (deadline % 10) as u8;
            deadline /= 10;
        }
    }

    /// The bytes of the event that was made last.
    pub fn event(&self, is_http_1_0: bool) -> &[u8] {
        &self.packet(is_http_1_0).bytes
    }

    /// Whether this is the id of the event that was made last.
    pub fn is_current(&self, id: &[u8], is_http_1_0: bool) -> bool {
        let packet = self.packet(is_http_1_0);
        id == &packet.bytes[packet.id_at..packet.id_at + ID_LENGTH]
    }

    /// What an answer is answered with.
    pub fn accepted(&self) -> &[u8] {
        &self.accepted.bytes
    }

    fn packet(&self, is_http_1_0: bool) -> &Packet {
        match is_http_1_0 {
            true => &self.sized_event,
            false => &self.event,
        }
    }

    /// Once a second; as servers do.
    fn redate(&mut self) {
        if self.dated.elapsed() < Duration::from_secs(1) {
            return;
        }
        self.dated = Instant::now();
        let date = clock::http_date();
        for packet in [&mut self.event, &mut self.sized_event, &mut self.accepted] {
            let place = packet.date_at..packet.date_at + DATE_LENGTH;
            packet.bytes[place].copy_from_slice(date.as_bytes());
        }
    }
}

impl Packet {
    fn new(start: &str, rest: &str) -> Packet {
        let mut bytes = start.as_bytes().to_vec();
        bytes.extend_from_slice(b"Date: ");
        let date_at = bytes.len();
        bytes.extend_from_slice(clock::http_date().as_bytes());
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(rest.as_bytes());
        Packet {
            bytes,
            id_at: 0,
            deadline_at: 0,
            date_at,
        }
    }

    fn event(event: &[u8], arn: &str, is_chunked: bool) -> Packet {
        const ID: &str = "Lambda-Runtime-Aws-Request-Id: ";
        const DEADLINE: &str = "Lambda-Runtime-Deadline-Ms: ";
        let mut start = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n".to_string();
        start += ID;
        let id_at = start.len();
        start += "8efd3a5e-0000-4000-8000-000000000000\r\n";
        start += DEADLINE;
        let deadline_at = start.len();
        start += "0000000000000\r\n";
        start += &format!("Lambda-Runtime-Invoked-Function-Arn: {arn}\r\n");
        start += &format!("Lambda-Runtime-Trace-Id: {}\r\n", clock::trace_id());
        let length = event.len();
        let framing = match is_chunked {
            true => format!("Transfer-Encoding: chunked\r\n\r\n{length:x}\r\n"),
            false => format!("Content-Length: {length}\r\n\r\n"),
        };
        let mut packet = Packet::new(&start, &framing);
        (packet.id_at, packet.deadline_at) = (id_at, deadline_at);
        packet.bytes.extend_from_slice(event);
        if is_chunked {
            packet.bytes.extend_from_slice(b"\r\n0\r\n\r\n");
        }
        packet
    }
}
