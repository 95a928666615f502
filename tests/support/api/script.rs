//! The server's script: events, the bytes of replies, and their faults.

use std::time::Duration;

/// The framing of a body.
#[derive(Clone, Debug)]
pub enum Framing {
    /// `Content-Length`.
    Sized,
    /// `Transfer-Encoding: chunked`, with these chunk sizes in order; the last one repeats.
    Chunked(Vec<usize>),
    /// Chunked with everything that RFC 9112 7.1 allows: extensions, upper case, leading zeros,
    /// trailers.
    Unusual(usize),
}

/// An event, as it is in the reply to `/next`.
#[derive(Clone, Debug)]
pub struct Event {
    /// The request id; also its name in the ledger.
    pub id: String,
    /// The header lines without those of the framing, and without line ends.
    pub lines: Vec<String>,
    /// The body.
    pub body: Vec<u8>,
    /// The framing of the body.
    pub framing: Framing,
}

impl Event {
    /// An event with the headers of AWS's emulator, in its order.
    pub fn new(id: &str, body: impl Into<Vec<u8>>) -> Event {
        let mut event = Event {
            id: id.to_string(),
            lines: Vec::new(),
            body: body.into(),
            framing: Framing::Sized,
        };
        event.lines.push("Content-Type: application/json".into());
        event = event.header("Lambda-Runtime-Aws-Request-Id", id);
        let deadline_ms = super::now_ms() + 300_000;
        event = event.header("Lambda-Runtime-Deadline-Ms", &deadline_ms.to_string());
        event = event.header(
            "Lambda-Runtime-Invoked-Function-Arn",
            "arn:aws:lambda:us-east-1:012345678912:function:test",
        );
        event.header("Date", "Sun, 22 Nov 2026 12:00:00 GMT")
    }

    /// With a header set to this value.
    pub fn header(self, name: &str, value: &str) -> Event {
        let mut event = self.without(name);
        event.lines.push(format!("{name}: {value}"));
        event
    }

    /// Without a header.
    pub fn without(mut self, name: &str) -> Event {
        let start = format!("{name}:").to_ascii_lowercase();
        self.lines
            .retain(|line| !line.to_ascii_lowercase().starts_with(&start));
        self
    }

    /// With this text as its deadline.
    pub fn deadline(self, text: &str) -> Event {
        self.header("Lambda-Runtime-Deadline-Ms", text)
    }

    /// With every header line changed by `change`.
    pub fn lines(mut self, change: impl Fn(&str) -> String) -> Event {
        self.lines = self.lines.iter().map(|line| change(line)).collect();
        self
    }

    /// In chunks of these sizes.
    pub fn chunked(mut self, sizes: &[usize]) -> Event {
        self.framing = Framing::Chunked(sizes.to_vec());
        self
    }

    /// In another framing.
    pub fn framed(mut self, framing: Framing) -> Event {
        self.framing = framing;
        self
    }

    /// The bytes of the reply with this event.
    pub fn reply(&self) -> Vec<u8> {
        let mut bytes = b"HTTP/1.1 200 OK\r\n".to_vec();
        for line in &self.lines {
            bytes.extend_from_slice(line.as_bytes());
            bytes.extend_from_slice(b"\r\n");
        }
        match &self.framing {
            Framing::Sized => {
                let line = format!("Content-Length: {}\r\n\r\n", self.body.len());
                bytes.extend_from_slice(line.as_bytes());
                bytes.extend_from_slice(&self.body);
            }
            Framing::Chunked(sizes) => {
                bytes.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
                chunks(&mut bytes, &self.body, sizes, false);
            }
            Framing::Unusual(size) => {
                bytes.extend_from_slice(b"TRANSFER-ENCODING: Chunked\r\n\r\n");
                chunks(&mut bytes, &self.body, &[*size], true);
            }
        }
        bytes
    }
}

fn chunks(bytes: &mut Vec<u8>, body: &[u8], sizes: &[usize], unusual: bool) {
    let mut rest = body;
    for number in 0.. {
        let size = sizes[number.min(sizes.len() - 1)].clamp(1, rest.len().max(1));
        let (chunk, behind) = rest.split_at(size.min(rest.len()));
        if chunk.is_empty() {
            break;
        }
        let line = match unusual {
            true => format!("00{:X};name=\"value; 5\";flag\r\n", chunk.len()),
            false => format!("{:x}\r\n", chunk.len()),
        };
        bytes.extend_from_slice(line.as_bytes());
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
        rest = behind;
    }
    bytes.extend_from_slice(match unusual {
        true => b"000;last\r\nX-Trailer: one\r\nContent-Length: 7\r\n\r\n",
        false => b"0\r\n\r\n",
    });
}

/// The point at which the server closes the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseAt {
    /// When the request has arrived, before it is read.
    BeforeRequest,
    /// After reading this many bytes of the request.
    InRequest(usize),
    /// After reading the whole request.
    BeforeReply,
    /// After writing this many bytes of the reply.
    InReply(usize),
    /// After the whole reply.
    AfterReply,
}

/// The way in which the server closes the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HangUp {
    /// FIN; bytes that the client still sends are read and discarded.
    Fin,
    /// close(2): FIN, or RST when bytes are unread.
    Close,
    /// RST at once.
    Reset,
}

/// The server's reaction to one request.
#[derive(Clone, Debug)]
pub struct ScriptedReply {
    /// The bytes of the reply.
    pub bytes: Vec<u8>,
    /// The id of the event in the reply, if any.
    pub delivers: Option<String>,
    /// The offsets at which the reply is split into writes, ascending.
    pub splits: Vec<usize>,
    /// The pause between two writes.
    pub pause: Duration,
    /// The pause before the reply.
    pub delay: Duration,
    /// The point at which the server closes the connection, if it does.
    pub close_at: Option<CloseAt>,
    /// The way in which the server closes the connection.
    pub hang_up: HangUp,
    /// Whether a POST counts as accepted; `None`: when its body was read whole.
    pub counted: Option<bool>,
    /// Replies to the head of a POST, before its body is read.
    pub early: bool,
    /// Reads bodies in pieces of this many bytes, a millisecond apart; 0: at full speed.
    pub read_bytes: usize,
}

impl ScriptedReply {
    /// Replies with these bytes.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> ScriptedReply {
        ScriptedReply {
            bytes: bytes.into(),
            delivers: None,
            splits: Vec::new(),
            pause: Duration::from_micros(300),
            delay: Duration::ZERO,
            close_at: None,
            hang_up: HangUp::Fin,
            counted: None,
            early: false,
            read_bytes: 0,
        }
    }

    /// Delivers an event.
    pub fn event(event: &Event) -> ScriptedReply {
        let mut reply = ScriptedReply::raw(event.reply());
        reply.delivers = Some(event.id.clone());
        reply
    }

    /// Replies with a status, as AWS's emulator does (204 and 304 have no body).
    pub fn status(code: u16) -> ScriptedReply {
        let (reason, body) = match code {
            202 => ("Accepted", "{\"status\":\"OK\"}\n"),
            200 => ("OK", ""),
            _ => (
                "Scripted",
                "{\"errorMessage\":\"no\",\"errorType\":\"X\"}\n",
            ),
        };
        let kind = "Content-Type: application/json";
        let mut text = format!("HTTP/1.1 {code} {reason}\r\n{kind}\r\n");
        if code == 204 || code == 304 {
            text += "\r\n";
        } else {
            text += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
        }
        ScriptedReply::raw(text)
    }

    /// Closing the connection at this point.
    pub fn close_at(mut self, point: CloseAt) -> ScriptedReply {
        self.close_at = Some(point);
        self
    }

    /// Closing the connection in this way.
    pub fn by(mut self, hang_up: HangUp) -> ScriptedReply {
        self.hang_up = hang_up;
        self
    }

    /// Split at these offsets.
    pub fn split(mut self, splits: impl IntoIterator<Item = usize>) -> ScriptedReply {
        self.splits = splits.into_iter().collect();
        self
    }

    /// With bytes before the reply, for instance an interim response.
    pub fn after(mut self, bytes: &[u8]) -> ScriptedReply {
        self.bytes.splice(0..0, bytes.iter().copied());
        self
    }

    /// The POST counts as accepted, even if it is read in part.
    pub fn counted(mut self) -> ScriptedReply {
        self.counted = Some(true);
        self
    }

    /// The POST does not count as accepted, even if it is read whole.
    pub fn uncounted(mut self) -> ScriptedReply {
        self.counted = Some(false);
        self
    }
}

/// The server's replies, one per request. When the replies to GET are used up, the next GET is held
/// (the server is *idle*), and further POSTs are accepted.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// The replies to GET, in order.
    pub gets: Vec<ScriptedReply>,
    /// The replies to POST, in order.
    pub posts: Vec<ScriptedReply>,
    /// The replies to `GET /restore/next`; then 404, as from a server without snapshots.
    pub restores: Vec<ScriptedReply>,
    /// The reply to the registration of an extension; `None`: 404, as from a server without
    /// extensions.
    pub register: Option<ScriptedReply>,
    /// The path prefix that requests must have.
    pub prefix: String,
    /// An event without an answer is delivered again, as by AWS's emulator, when the next one is
    /// requested on a new connection.
    pub redelivers: bool,
    /// The receive buffer of connections in bytes; 0: the kernel's default.
    pub receive_buffer: i32,
    /// Answers are handed out while they arrive: [`super::Server::next_arrival`].
    pub is_observed: bool,
    /// The server listens on `::1`.
    pub on_ipv6: bool,
}

impl Script {
    /// Delivers these events without a fault.
    pub fn events<'a>(events: impl IntoIterator<Item = &'a Event>) -> Script {
        Script {
            gets: events.into_iter().map(ScriptedReply::event).collect(),
            ..Script::default()
        }
    }

    /// With one more reply to GET.
    pub fn get(mut self, reply: ScriptedReply) -> Script {
        self.gets.push(reply);
        self
    }

    /// With one more reply to POST.
    pub fn post(mut self, reply: ScriptedReply) -> Script {
        self.posts.push(reply);
        self
    }
}
