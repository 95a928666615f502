//! A test front: a real HTTP/1.1 server that does what API Gateway, a Function URL or an
//! Application Load Balancer does with a function. It makes the event of a source of each request,
//! has a bootstrap handle it by way of the Runtime API of the tests, and makes an HTTP answer of
//! the response, streamed ones included.
//!
//! Written from the services' documentation and from recordings of what they send, and sharing
//! nothing with `src/http_event`, which it tests. Connections are served side by side, one thread
//! each; their events wait for the bootstrap in the order of their arrival.

pub mod answer;
pub mod client;
pub mod coding;
pub mod event;
pub mod message;

pub use client::Client;
pub use message::{Answer, Request};

use super::api::{Arrival, Event, Kind, Post, ScriptedReply, Server};
use std::io::{BufReader, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// The service whose events and answers a front has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// API Gateway, REST API.
    Rest,
    /// API Gateway, HTTP API with payload format 1.0.
    Http1,
    /// API Gateway, HTTP API with payload format 2.0.
    Http2,
    /// A Function URL.
    FunctionUrl,
    /// An Application Load Balancer with multi-value headers.
    AlbMulti,
    /// An Application Load Balancer without them.
    AlbSingle,
}

impl Source {
    /// All of them.
    pub const ALL: [Source; 6] = [
        Source::Rest,
        Source::Http1,
        Source::Http2,
        Source::FunctionUrl,
        Source::AlbMulti,
        Source::AlbSingle,
    ];

    /// Whether answers are those of payload format 2.0.
    pub fn is_http_payload_2(self) -> bool {
        matches!(self, Source::Http2 | Source::FunctionUrl)
    }

    /// Whether it is a load balancer.
    pub fn is_alb(self) -> bool {
        matches!(self, Source::AlbMulti | Source::AlbSingle)
    }

    /// Whether responses may be streamed to the client.
    pub fn streams(self) -> bool {
        matches!(self, Source::Rest | Source::FunctionUrl)
    }

    /// The largest event, or body of a load balancer's request, in bytes.
    fn request_bytes_max(self) -> usize {
        match self.is_alb() {
            true => 1024 * 1024,
            false => 6 * 1024 * 1024,
        }
    }
}

/// The content type of a streamed response that begins with a prelude.
const INTEGRATION: &str = "application/vnd.awslambda.http-integration-response";

/// The longest wait for the first byte of an answer, in milliseconds at native speed.
const ANSWER_MS: u64 = 60_000;

/// A running front. Dropping it closes its connections and joins its threads.
pub struct Front {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

struct Shared {
    source: Source,
    is_binary: bool,
    api: Arc<Server>,
    host: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    stopping: bool,
    open: Vec<(u64, TcpStream)>,
    faults: Vec<String>,
    /// The last events, each with its id.
    events: Vec<(String, String)>,
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Front {
    /// A front of a source for the bootstrap that gets its events from `api`, whose script is
    /// observed.
    pub fn start(source: Source, api: &Arc<Server>) -> Front {
        Front::with_binary_types(source, api, true)
    }

    /// The same; `is_binary`: whether a REST API treats all types as binary, or none.
    pub fn with_binary_types(source: Source, api: &Arc<Server>, is_binary: bool) -> Front {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind 127.0.0.1:0");
        let address = listener.local_addr().expect("the address of the listener");
        let shared = Arc::new(Shared {
            source,
            is_binary,
            api: Arc::clone(api),
            host: address.to_string(),
            state: Mutex::default(),
        });
        let for_acceptor = Arc::clone(&shared);
        let acceptor = std::thread::spawn(move || accept(&listener, &for_acceptor));
        Front {
            address,
            shared,
            acceptor: Some(acceptor),
        }
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Its service.
    pub fn source(&self) -> Source {
        self.shared.source
    }

    /// A connection to it.
    pub fn client(&self) -> Client {
        Client::connect(&self.address())
    }

    /// The answer to a request on a connection of its own.
    pub fn ask(&self, request: &Request) -> Answer {
        self.client().ask(request)
    }

    /// The answer to a GET.
    pub fn get(&self, target: &str) -> Answer {
        self.ask(&Request::new("GET", target))
    }

    /// The last event that was made of a request: its id and its JSON text.
    pub fn last_event(&self) -> (String, String) {
        self.shared.lock().events.last().cloned().expect("an event")
    }

    /// What a service would not have expected: clients that do not speak HTTP, malformed preludes.
    pub fn faults(&self) -> Vec<String> {
        self.shared.lock().faults.clone()
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        let Some(acceptor) = self.acceptor.take() else {
            return;
        };
        self.shared.lock().stopping = true;
        // Wakes the acceptor, which then stops.
        let _ = TcpStream::connect(self.address);
        let panicked = acceptor.join().is_err();
        assert!(!panicked || std::thread::panicking(), "the front panicked");
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    for number in 0.. {
        let (stream, _) = listener.accept().expect("accept");
        let mut state = shared.lock();
        if state.stopping {
            for (_, stream) in &state.open {
                let _ = stream.shutdown(Shutdown::Both);
            }
            break;
        }
        stream.set_nodelay(true).expect("TCP_NODELAY");
        let for_shutdown = stream.try_clone().expect("clone a stream");
        state.open.push((number, for_shutdown));
        drop(state);
        let shared = Arc::clone(shared);
        threads.push(std::thread::spawn(move || {
            let connection = Connection {
                reader: BufReader::new(stream.try_clone().expect("clone a stream")),
                stream,
                shared: &shared,
            };
            if let Err(error) = connection.serve()
                && error.kind() == std::io::ErrorKind::InvalidData
            {
                shared.lock().faults.push(error.to_string());
            }
            let mut state = shared.lock();
            // The clone keeps the connection open.
            for (_, stream) in state.open.extract_if(.., |(other, _)| *other == number) {
                let _ = stream.shutdown(Shutdown::Both);
            }
        }));
    }
    for thread in threads {
        thread.join().expect("a connection's thread");
    }
}

/// One client.
struct Connection<'a> {
    reader: BufReader<TcpStream>,
    stream: TcpStream,
    shared: &'a Shared,
}

impl Connection<'_> {
    fn serve(mut self) -> std::io::Result<()> {
        while let Some(request) = Request::read(&mut self.reader)? {
            self.answer(&request)?;
            let last = request.value("Connection").map(coding::text);
            if last.is_some_and(|value| value.eq_ignore_ascii_case("close")) {
                break;
            }
        }
        Ok(())
    }

    /// Has the request answered; an error where the connection cannot be used after it.
    fn answer(&mut self, request: &Request) -> std::io::Result<()> {
        let Shared { source, api, .. } = self.shared;
        let shared = self.shared;
        let event = event::event(*source, request, &shared.host, shared.is_binary).to_string();
        let size = match source.is_alb() {
            true => request.body.len(),
            false => event.len(),
        };
        if size > source.request_bytes_max() {
            return answer::too_large(*source).write(&mut self.stream, &request.method);
        }
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = format!("web-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let mut state = shared.lock();
        state.events.push((id.clone(), event.clone()));
        let surplus = state.events.len().saturating_sub(100);
        state.events.drain(..surplus);
        drop(state);
        let event = Event::new(&id, event).header("Lambda-Runtime-Trace-Id", event::TRACE);
        api.deliver(ScriptedReply::event(&event));
        let answer = match api.next_arrival(&id, super::bound(ANSWER_MS)) {
            None => answer::late(*source),
            Some(Arrival::End(post)) => self.buffered(&post),
            Some(Arrival::Start(headers)) => return self.stream(&id, &headers, request),
            Some(Arrival::Abandoned | Arrival::Piece(_)) => answer::failed(*source),
        };
        answer.write(&mut self.stream, &request.method)
    }

    fn buffered(&self, post: &Post) -> Answer {
        let source = self.shared.source;
        match post.kind {
            Kind::Response if post.complete => {
                answer::answer(source, &post.body, self.shared.is_binary)
            }
            _ => answer::failed(source),
        }
    }

    /// Answers with a streamed response: at once where the service can, else when it is whole.
    fn stream(
        &mut self,
        id: &str,
        headers: &[(String, String)],
        request: &Request,
    ) -> std::io::Result<()> {
        let source = self.shared.source;
        let named = |name: &str| {
            let mut found = headers
                .iter()
                .filter(|(other, _)| other.eq_ignore_ascii_case(name));
            found.next().map(|(_, value)| value.as_str())
        };
        let is_integration = named("Content-Type") == Some(INTEGRATION);
        let mut bytes = Vec::new();
        let mut is_started = false;
        loop {
            let arrival = self.shared.api.next_arrival(id, super::bound(ANSWER_MS));
            match arrival {
                Some(Arrival::Piece(piece)) => bytes.extend_from_slice(&piece),
                Some(Arrival::End(post)) if post.complete && post.trailers.is_empty() => break,
                _ if is_started => return Err(std::io::Error::other("a stream without end")),
                _ => return answer::failed(source).write(&mut self.stream, &request.method),
            }
            if !source.streams() {
                continue;
            }
            if !is_started {
                let head = match is_integration {
                    true => answer::prelude(&bytes),
                    // Lambda's own head for a stream without prelude.
                    false => Some(Ok((Answer::new(200, "application/octet-stream", ""), 0))),
                };
                let (head, used) = match head {
                    None => continue,
                    Some(Ok(head)) => head,
                    Some(Err(fault)) => {
                        self.shared.lock().faults.push(fault);
                        return answer::failed(source).write(&mut self.stream, &request.method);
                    }
                };
                bytes.drain(..used);
                is_started = true;
                let framing = Answer::has_body(head.status).then_some("Transfer-Encoding: chunked");
                self.stream.write_all(&head.head(framing))?;
                if framing.is_none() {
                    return self.rest_of_stream(id);
                }
            }
            write_chunk(&mut self.stream, &bytes, &request.method)?;
            bytes.clear();
        }
        match (source.streams(), is_started) {
            (true, true) if request.method == "HEAD" => Ok(()),
            (true, true) => self.stream.write_all(b"0\r\n\r\n"),
            (true, false) => answer::failed(source).write(&mut self.stream, &request.method),
            (false, _) => {
                let answer = answer::answer(source, &bytes, self.shared.is_binary);
                answer.write(&mut self.stream, &request.method)
            }
        }
    }

    /// Waits for the end of a stream whose bytes nobody wants.
    fn rest_of_stream(&self, id: &str) -> std::io::Result<()> {
        loop {
            match self.shared.api.next_arrival(id, super::bound(ANSWER_MS)) {
                Some(Arrival::Piece(_)) => {}
                Some(Arrival::End(post)) if post.complete => return Ok(()),
                _ => return Err(std::io::Error::other("a stream without end")),
            }
        }
    }
}

fn write_chunk(to: &mut TcpStream, bytes: &[u8], method: &str) -> std::io::Result<()> {
    if bytes.is_empty() || method == "HEAD" {
        return Ok(());
    }
    let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
    chunk.extend_from_slice(bytes);
    chunk.extend_from_slice(b"\r\n");
    to.write_all(&chunk)
}
