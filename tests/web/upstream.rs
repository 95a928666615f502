//! An application of a bootstrap that answers as the test says, byte by byte: a listener of the
//! test, on the port that the bootstrap gives to a process that does nothing.

use super::site::{Site, free_port, task_root};
use crate::support::TempDir;
use crate::support::hosting;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Tells where the listener belongs, and does nothing.
const APPLICATION: &str = "#!/bin/sh
echo \"$PORT\" >\"$LAMBDA_TASK_ROOT/port.new\"
mv \"$LAMBDA_TASK_ROOT/port.new\" \"$LAMBDA_TASK_ROOT/port\"
exec sleep 1000
";

/// A bootstrap whose application is the test.
pub struct Upstream {
    pub site: Site,
    connections: Arc<AtomicUsize>,
    stopping: Arc<AtomicBool>,
    port: u16,
    acceptor: Option<JoinHandle<()>>,
    _dir: TempDir,
}

impl Upstream {
    /// `serve` gets each connection, with its number from 0.
    pub fn start(
        variables: &[(&str, &str)],
        serve: impl Fn(usize, TcpStream) + Send + Sync + 'static,
    ) -> Upstream {
        let dir = task_root(&[("app", APPLICATION)]);
        let (connections, stopping) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let port = free_port();
        let acceptor = {
            let (connections, stopping) = (Arc::clone(&connections), Arc::clone(&stopping));
            let file = dir.path().join("port");
            std::thread::spawn(move || accept(file, &connections, &stopping, Arc::new(serve)))
        };
        let mut start = hosting::start(&dir, "http:app").variable("PORT", &port.to_string());
        for (name, value) in variables {
            start = start.variable(name, value);
        }
        Upstream {
            site: Site::with(start),
            connections,
            stopping,
            port,
            acceptor: Some(acceptor),
            _dir: dir,
        }
    }

    /// How many connections were accepted.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

fn accept<F: Fn(usize, TcpStream) + Send + Sync + 'static>(
    file: PathBuf,
    connections: &AtomicUsize,
    stopping: &AtomicBool,
    serve: Arc<F>,
) {
    let port = loop {
        if let Ok(text) = std::fs::read_to_string(&file) {
            break text.trim().parse().expect("a port");
        }
        if stopping.load(Ordering::SeqCst) {
            return;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("bind the given port");
    for stream in listener.incoming() {
        if stopping.load(Ordering::SeqCst) {
            return;
        }
        let stream = stream.expect("accept");
        stream.set_nodelay(true).expect("TCP_NODELAY");
        let number = connections.fetch_add(1, Ordering::SeqCst);
        let serve = Arc::clone(&serve);
        // It ends with its connection, whose other end the bootstrap has.
        std::thread::spawn(move || serve(number, stream));
    }
}

/// Reads a request with its body; `None` at the end of the connection.
pub fn read_request(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => bytes.push(byte[0]),
            _ => return None,
        }
    }
    let head = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let length = length.map_or(0, |text| text.trim().parse().expect("a length"));
    let start = bytes.len();
    bytes.resize(start + length, 0);
    stream.read_exact(&mut bytes[start..]).ok()?;
    Some(bytes)
}

/// Answers each request of a connection with these bytes.
pub fn answer_all(mut stream: TcpStream, answer: &[u8]) {
    while read_request(&mut stream).is_some() {
        if stream.write_all(answer).is_err() {
            return;
        }
    }
}

/// An answer with a length.
pub fn ok(body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
