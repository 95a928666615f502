//! HTTP events: requests read from events of each source, and answers written in their shapes.
//!
//! The oracle in `oracle.rs` does both by another technique, with serde_json and strings, from the
//! documented shapes alone. Cases written by hand say what an application sees of a client's
//! request, and what each source loses of it.
//!
//! `TINDERBOX_SEED` repeats one random case, `TINDERBOX_SOAK=3` makes three million mutations.

#[path = "http_event/answers.rs"]
mod answers;
#[path = "http_event/bodies.rs"]
mod bodies;
#[path = "http_event/captures.rs"]
mod captures;
#[path = "http_event/corpus.rs"]
mod corpus;
#[path = "http_event/faults.rs"]
mod faults;
#[path = "http_event/fronts.rs"]
mod fronts;
#[path = "http_event/headers.rs"]
mod headers;
#[path = "http_event/mutations.rs"]
mod mutations;
#[path = "http_event/oracle.rs"]
mod oracle;
#[path = "http_event/ordered.rs"]
mod ordered;
#[path = "http_event/paths.rs"]
mod paths;
#[path = "http_event/queries.rs"]
mod queries;
#[allow(dead_code)]
#[path = "support/random.rs"]
mod random;

use oracle::{Request, Verdict};
use tinderbox::http_event::{EventFault, HttpEvent};

/// How many random cases, of a number for an ordinary run.
pub fn rounds(_what: &str, usual: usize) -> usize {
    if cfg!(miri) { 10 } else { usual }
}

/// All that a writer writes.
pub fn written(write: impl FnOnce(&mut dyn FnMut(&[u8]))) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(&mut |piece| bytes.extend_from_slice(piece));
    bytes
}

/// An event as the reader reads it, in the form of the oracle.
pub fn read(event: &[u8]) -> Verdict {
    let event = match HttpEvent::read(event) {
        Ok(event) => event,
        Err(EventFault::NotHttp) => return Verdict::NotHttp,
        Err(EventFault::Malformed(source, text)) => {
            assert!(!text.is_empty() && text.is_ascii());
            return Verdict::Malformed(source);
        }
    };
    let mut headers = Vec::new();
    for (name, value) in event.headers() {
        let name = String::from_utf8(written(|write| name.write(write))).expect("a token");
        headers.push((name, written(|write| value.write(write))));
    }
    let body = event.body();
    let mut bytes = Vec::new();
    let decoded = body.write(&mut |piece| bytes.extend_from_slice(piece));
    if decoded.is_ok() {
        assert_eq!(body.len_bytes(), bytes.len(), "the length is known before");
    }
    if let Some(plain) = body.plain() {
        assert_eq!(plain, bytes);
    }
    Verdict::Request(Box::new(Request {
        source: event.source(),
        method: event.method().to_vec(),
        path: written(|write| event.write_path(b"", write)),
        query: written(|write| event.write_query(write)),
        headers,
        host: written(|write| event.write_default_host(write)),
        address: written(|write| event.write_client_address(write)),
        context: event.request_context().to_vec(),
        protocol: event.protocol().to_vec(),
        body: decoded.ok().map(|()| bytes),
    }))
}

/// The request of an event; the reader agrees with the oracle.
pub fn request(event: &str) -> Request {
    let read = agree(event.as_bytes());
    match read {
        Verdict::Request(request) => *request,
        other => panic!("{other:?} of {event}"),
    }
}

/// Reads an event, and compares with the oracle.
pub fn agree(event: &[u8]) -> Verdict {
    let real = read(event);
    if let Some(expected) = oracle::read(event) {
        let shown = String::from_utf8_lossy(event);
        assert_eq!(real, expected, "of {shown}");
    }
    real
}
