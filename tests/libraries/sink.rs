//! Where a function's libraries send spans, errors, segments and requests: an HTTP server and a
//! UDP socket on 127.0.0.1. Each message becomes a short description that does not change from run
//! to run.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A server and a socket. Their threads end with the test process.
pub struct Sink {
    /// The port of the HTTP server.
    pub http: u16,
    /// The port of the UDP socket.
    pub udp: u16,
    sent: Arc<Mutex<Vec<Value>>>,
}

impl Sink {
    /// Both on ephemeral ports.
    pub fn start() -> Sink {
        let sent = Arc::new(Mutex::new(Vec::new()));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind 127.0.0.1:0");
        let http = listener.local_addr().expect("the sink's address").port();
        let keeps = Arc::clone(&sent);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let keeps = Arc::clone(&keeps);
                std::thread::spawn(move || serve(&stream, &keeps));
            }
        });
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind 127.0.0.1:0");
        let udp = socket.local_addr().expect("the sink's address").port();
        let keeps = Arc::clone(&sent);
        std::thread::spawn(move || {
            let mut datagram = vec![0; 65_536];
            while let Ok(count) = socket.recv(&mut datagram) {
                keep(&keeps, segment(&datagram[..count]));
            }
        });
        Sink { http, udp, sent }
    }

    /// What has come so far, as soon as it is `count` messages; else what is there at the limit.
    pub fn sent(&self, count: usize, at_most: Duration) -> Vec<Value> {
        let end = std::time::Instant::now() + at_most;
        loop {
            let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
            if sent.len() >= count || std::time::Instant::now() >= end {
                return sent.clone();
            }
            drop(sent);
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn keep(sent: &Mutex<Vec<Value>>, message: Value) {
    sent.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(message);
}

/// Reads requests and answers each, until the client closes the connection.
fn serve(stream: &TcpStream, sent: &Mutex<Vec<Value>>) {
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    while let Some((first, headers, body)) = read_request(&mut reader) {
        keep(sent, describe(&first, &headers, &body));
        // DynamoDB's answer to GetItem; others do not look at it.
        let reply = r#"{"Item":{"id":{"S":"1"}}}"#;
        let head =
            "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: ";
        if write!(writer, "{head}{}\r\n\r\n{reply}", reply.len()).is_err() {
            return;
        }
    }
}

type Headers = Vec<(String, String)>;

fn read_request(reader: &mut impl BufRead) -> Option<(String, Headers, Vec<u8>)> {
    let first = read_line(reader)?;
    let mut headers = Headers::new();
    loop {
        let line = read_line(reader)?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_string()));
    }
    let mut body = Vec::new();
    if header(&headers, "transfer-encoding") == "chunked" {
        loop {
            let size = usize::from_str_radix(read_line(reader)?.trim(), 16).ok()?;
            let mut chunk = vec![0; size];
            reader.read_exact(&mut chunk).ok()?;
            read_line(reader)?;
            if size == 0 {
                break;
            }
            body.extend(chunk);
        }
    } else {
        let size = header(&headers, "content-length").parse().unwrap_or(0);
        body = vec![0; size];
        reader.read_exact(&mut body).ok()?;
    }
    Some((first, headers, body))
}

fn read_line(reader: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    let count = reader.read_line(&mut line).ok()?;
    (count > 0).then(|| line.trim_end().to_string())
}

fn header<'a>(headers: &'a Headers, name: &str) -> &'a str {
    let found = headers.iter().find(|(other, _)| other == name);
    found.map_or("", |(_, value)| value)
}

/// A request: spans of OpenTelemetry by name and kind, items of a Sentry envelope by type, requests
/// to AWS by target and kind of signature.
fn describe(first: &str, headers: &Headers, body: &[u8]) -> Value {
    let text = String::from_utf8_lossy(body);
    let request: Vec<&str> = first.split([' ', '?']).take(2).collect();
    let request = request.join(" ");
    let parsed: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    if parsed["resourceSpans"].is_array() {
        return json!({ "request": request, "spans": spans(&parsed) });
    }
    if request.ends_with("/envelope/") {
        let items = text
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let types: Vec<Value> = items
            .filter(|item| item["type"].is_string() && item.as_object().is_some_and(is_item_header))
            .map(|item| item["type"].clone())
            .collect();
        return json!({ "request": request, "items": types });
    }
    let signature = header(headers, "authorization").split(' ').next();
    json!({
        "request": request,
        "target": header(headers, "x-amz-target"),
        "signature": signature,
        "body": parsed,
    })
}

/// The header of an item in an envelope: the payload that follows has more fields.
fn is_item_header(fields: &serde_json::Map<String, Value>) -> bool {
    fields.keys().all(|key| {
        ["type", "length", "content_type", "headers", "item_count"].contains(&key.as_str())
    })
}

fn spans(traces: &Value) -> Vec<Value> {
    let lists = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let mut found = Vec::new();
    for resource in lists(traces, "resourceSpans") {
        for scope in lists(&resource, "scopeSpans") {
            for span in lists(&scope, "spans") {
                found.push(json!([scope["scope"]["name"], span["name"], span["kind"]]));
            }
        }
    }
    found
}

/// A segment for the X-Ray daemon: a line that says JSON, then the segment.
fn segment(datagram: &[u8]) -> Value {
    let text = String::from_utf8_lossy(datagram);
    let (_, segment) = text.split_once('\n').unwrap_or_default();
    let segment: Value = serde_json::from_str(segment).unwrap_or(Value::Null);
    json!({
        "segment": segment["name"],
        "type": segment["type"],
        "trace": segment["trace_id"],
        "parent": segment["parent_id"],
        "annotations": segment["annotations"],
        "fault": segment["fault"],
        "in_progress": segment["in_progress"],
    })
}
