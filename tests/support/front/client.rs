//! A client of a front: one keep-alive connection.

use super::message::{Answer, Request};
use std::io::{BufReader, Read, Write};
use std::net::TcpStream;

/// A connection.
pub struct Client {
    reader: BufReader<TcpStream>,
}

impl Client {
    /// A connection to `127.0.0.1:PORT`.
    pub fn connect(address: &str) -> Client {
        let stream = TcpStream::connect(address).expect("connect to the front");
        stream.set_nodelay(true).expect("TCP_NODELAY");
        let patience = super::super::bound(90_000);
        stream
            .set_read_timeout(Some(patience))
            .expect("a read timeout");
        Client {
            reader: BufReader::new(stream),
        }
    }

    /// Sends a request and reads its answer.
    pub fn ask(&mut self, request: &Request) -> Answer {
        self.send(request);
        self.read(&request.method)
    }

    /// Sends a request.
    pub fn send(&mut self, request: &Request) {
        let stream = self.reader.get_mut();
        stream.write_all(&request.bytes()).expect("send a request");
    }

    /// Sends bytes, which may be no request.
    pub fn send_bytes(&mut self, bytes: &[u8]) {
        self.reader.get_mut().write_all(bytes).expect("send bytes");
    }

    /// Reads the answer to a request of this method.
    pub fn read(&mut self, method: &str) -> Answer {
        Answer::read(&mut self.reader, method).expect("an answer")
    }

    /// Some of the bytes that come next; none at the end.
    pub fn read_some(&mut self) -> Vec<u8> {
        let mut bytes = vec![0; 64 * 1024];
        let count = self.reader.read(&mut bytes).expect("read an answer");
        bytes.truncate(count);
        bytes
    }
}
