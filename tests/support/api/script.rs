//! What the server is told to do: events, the bytes of its replies, and how each turn goes wrong.

use std::time::Duration;

/// How a body is framed.
#[derive(Clone, Debug)]
pub enum Framing {
    /// `Content-Length`.
    Sized,
    /// `Transfer-Encoding: chunked`, with these chunk sizes in turn (the last one repeats).
    Chunked(Vec<usize>),
    /// Chunked in the spellings that RFC 9112 7.1 allows: extensions, upper case, leading zeros,
    /// trailers.
    Ornate(usize),
}

/// An event, as the reply to `/next` will show it.
#[derive(Clone, Debug)]
pub struct Event {
    /// The request id; also what the ledger calls it.
    pub id: String,
    /// The header lines, without those of the framing and without line ends.
    pub lines: Vec<String>,
    /// The event's bytes.
    pub body: Vec<u8>,
    /// How the body is framed.
    pub framing: Framing,
}

impl Event {
    /// An event with the headers that AWS's emulator sends, in its order.
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

    /// The same event with one more header, or with another value for it.
    pub fn header(self, name: &str, value: &str) -> Event {
        let mut event = self.without(name);
        event.lines.push(format!("{name}: {value}"));
        event
    }

    /// The same event without a header.
    pub fn without(mut self, name: &str) -> Event {
        let start = format!("{name}:").to_ascii_lowercase();
        self.lines
            .retain(|line| !line.to_ascii_lowercase().starts_with(&start));
        self
    }

    /// The same event with another deadline, as text.
    pub fn deadline(self, text: &str) -> Event {
        self.header("Lambda-Runtime-Deadline-Ms", text)
    }

    /// The same event with every header line changed by `change`.
    pub fn lines(mut self, change: impl Fn(&str) -> String) -> Event {
        self.lines = self.lines.iter().map(|line| change(line)).collect();
        self
    }

    /// The same event in chunks of these sizes.
    pub fn chunked(mut self, sizes: &[usize]) -> Event {
        self.framing = Framing::Chunked(sizes.to_vec());
        self
    }

    /// The same event, framed in another way.
    pub fn framed(mut self, framing: Framing) -> Event {
        self.framing = framing;
        self
    }

    /// The bytes of the reply that carries it.
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
            Framing::Ornate(size) => {
                bytes.extend_from_slice(b"TRANSFER-ENCODING: Chunked\r\n\r\n");
                chunks(&mut bytes, &self.body, &[*size], true);
            }
        }
        bytes
    }
}

fn chunks(bytes: &mut Vec<u8>, body: &[u8], sizes: &[usize], ornate: bool) {
    let mut rest = body;
    for turn in 0.. {
        let size = sizes[turn.min(sizes.len() - 1)].clamp(1, rest.len().max(1));
        let (chunk, behind) = rest.split_at(size.min(rest.len()));
        if chunk.is_empty() {
            break;
        }
        let line = match ornate {
            true => format!("00{:X};name=\"value; 5\";flag\r\n", chunk.len()),
            false => format!("{:x}\r\n", chunk.len()),
        };
        bytes.extend_from_slice(line.as_bytes());
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
        rest = behind;
    }
    bytes.extend_from_slice(match ornate {
        true => b"000;last\r\nX-Trailer: one\r\nContent-Length: 7\r\n\r\n",
        false => b"0\r\n\r\n",
    });
}

/// Where in its turn the server hangs up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// When the request has arrived, before anything of it is read.
    BeforeRequest,
    /// After reading this many bytes of it.
    InRequest(usize),
    /// After reading all of it.
    BeforeReply,
    /// After writing this many bytes of the reply.
    InReply(usize),
    /// After the whole reply.
    AfterReply,
}

/// How it hangs up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HangUp {
    /// FIN, and what the client still sends is read and dropped.
    Fin,
    /// Plain close: FIN, or RST where something was unread.
    Close,
    /// RST at once.
    Reset,
}

/// What the server does with one request.
#[derive(Clone, Debug)]
pub struct Turn {
    /// The bytes of the reply.
    pub reply: Vec<u8>,
    /// The id of the event in the reply, where there is one.
    pub delivers: Option<String>,
    /// The offsets at which the reply is split into writes, ascending.
    pub splits: Vec<usize>,
    /// The pause between two writes.
    pub pause: Duration,
    /// The pause before the reply.
    pub delay: Duration,
    /// Where it hangs up, if it does.
    pub cut: Option<Cut>,
    /// How it hangs up.
    pub hang_up: HangUp,
    /// Whether a POST counts as taken; `None`: when its body was read whole.
    pub counted: Option<bool>,
    /// Reply to the head of a POST, before its body is read.
    pub early: bool,
    /// Read bodies in pieces of this many bytes, a millisecond apart; 0: at full speed.
    pub read_bytes: usize,
}

impl Turn {
    /// Replies with these bytes.
    pub fn raw(reply: impl Into<Vec<u8>>) -> Turn {
        Turn {
            reply: reply.into(),
            delivers: None,
            splits: Vec::new(),
            pause: Duration::from_micros(300),
            delay: Duration::ZERO,
            cut: None,
            hang_up: HangUp::Fin,
            counted: None,
            early: false,
            read_bytes: 0,
        }
    }

    /// Hands out an event.
    pub fn event(event: &Event) -> Turn {
        let mut turn = Turn::raw(event.reply());
        turn.delivers = Some(event.id.clone());
        turn
    }

    /// Replies with a status, in the way of AWS's emulator (204 and 304 have no body).
    pub fn status(code: u16) -> Turn {
        let (reason, body) = match code {
            202 => ("Accepted", "{\"status\":\"OK\"}\n"),
            200 => ("OK", ""),
            _ => ("Said So", "{\"errorMessage\":\"no\",\"errorType\":\"X\"}\n"),
        };
        let kind = "Content-Type: application/json";
        let mut text = format!("HTTP/1.1 {code} {reason}\r\n{kind}\r\n");
        if code == 204 || code == 304 {
            text += "\r\n";
        } else {
            text += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
        }
        Turn::raw(text)
    }

    /// The same, hanging up.
    pub fn cut(mut self, cut: Cut) -> Turn {
        self.cut = Some(cut);
        self
    }

    /// The same, hanging up in this way.
    pub fn by(mut self, hang_up: HangUp) -> Turn {
        self.hang_up = hang_up;
        self
    }

    /// The same, split at these offsets.
    pub fn split(mut self, splits: impl IntoIterator<Item = usize>) -> Turn {
        self.splits = splits.into_iter().collect();
        self
    }

    /// The same with bytes before the reply, for instance an interim response.
    pub fn after(mut self, bytes: &[u8]) -> Turn {
        self.reply.splice(0..0, bytes.iter().copied());
        self
    }

    /// The same, and the POST counts as taken whatever was read of it.
    pub fn taken(mut self) -> Turn {
        self.counted = Some(true);
        self
    }

    /// The same, and the POST is lost although it was read.
    pub fn lost(mut self) -> Turn {
        self.counted = Some(false);
        self
    }
}

/// Everything the server will do: one turn a request; when the turns for GET are used up the next
/// GET is held (the server is *idle*), and further POSTs are accepted.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// The turns of GET, in order.
    pub gets: Vec<Turn>,
    /// The turns of POST, in order.
    pub posts: Vec<Turn>,
    /// The turns of `GET /restore/next`; without any, the server knows nothing of snapshots.
    pub restores: Vec<Turn>,
    /// The reply to the registration of an extension; `None`: there are no extensions.
    pub register: Option<Turn>,
    /// The path prefix that requests must have.
    pub prefix: String,
    /// An event without an answer is handed out again, as AWS's emulator does, when the next one
    /// is asked for on a new connection.
    pub redelivers: bool,
    /// The receive buffer of connections in bytes; 0: the kernel's default.
    pub receive_buffer: i32,
}

impl Script {
    /// Hands out these events, and behaves.
    pub fn events<'a>(events: impl IntoIterator<Item = &'a Event>) -> Script {
        Script {
            gets: events.into_iter().map(Turn::event).collect(),
            ..Script::default()
        }
    }

    /// One more turn of GET.
    pub fn get(mut self, turn: Turn) -> Script {
        self.gets.push(turn);
        self
    }

    /// One more turn of POST.
    pub fn post(mut self, turn: Turn) -> Script {
        self.posts.push(turn);
        self
    }
}
