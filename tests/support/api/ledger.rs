//! The server's record of every delivery and every request, in order of arrival.
//!
//! "Exactly once" is checked here, not by the runtime's own log. An answer is *counted* when the
//! server accepted it (its whole body was read, or the script says so); then its id is no longer
//! outstanding, and a second answer for it is a violation.

use super::now_ms;
use super::request::Head;
use std::fmt::Write;
use std::hash::Hasher;

/// The call that a POST makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `/runtime/invocation/ID/response`
    Response,
    /// `/runtime/invocation/ID/error`
    Error,
    /// `/runtime/init/error`
    InitError,
    /// `/runtime/restore/error`
    RestoreError,
}

/// A POST of which at least the head was read.
#[derive(Clone, Debug)]
pub struct Post {
    /// The number of its connection, from 1.
    pub connection: usize,
    /// The call.
    pub kind: Kind,
    /// The request id in the path; empty for an init or restore error.
    pub id: String,
    /// The headers as received.
    pub headers: Vec<(String, String)>,
    /// The part of the body that was read; of a streamed one, at most the first 16 MiB.
    pub body: Vec<u8>,
    /// The length of that part in bytes.
    pub body_bytes: usize,
    /// The sizes of the chunks of a streamed body.
    pub chunks: Vec<usize>,
    /// The trailers of a streamed body.
    pub trailers: Vec<(String, String)>,
    /// SipHash of the body, for the log.
    pub hash: u64,
    /// The whole body was read.
    pub complete: bool,
    /// The server accepted it as the answer.
    pub counted: bool,
    /// The time when it was read, in milliseconds since the epoch.
    pub at_ms: u64,
    /// The next GET, or its first bytes, came in the read that completed this POST.
    pub get_behind: bool,
}

impl Post {
    /// The value of a header, by name in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self
            .headers
            .iter()
            .filter(|h| h.0.eq_ignore_ascii_case(name));
        found.next().map(|h| h.1.as_str())
    }
}

/// A reply to `/next` with an event.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The request id of the event.
    pub id: String,
    /// The whole reply was written.
    pub complete: bool,
    /// The time when it was written, in milliseconds since the epoch.
    pub at_ms: u64,
}

/// Everything that the server received and delivered.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Delivered events, in order.
    pub deliveries: Vec<Delivery>,
    /// Answers in order of arrival.
    pub posts: Vec<Post>,
    /// The number of GETs of `/next`.
    pub gets: usize,
    /// The number of accepted connections.
    pub connections: usize,
    /// Faults of the runtime as a client.
    pub violations: Vec<String>,
    /// One line for each step.
    pub log: Vec<String>,
    /// The number of bytes of streamed responses so far.
    pub streamed_bytes: usize,
    /// The number of GETs of `/restore/next`.
    pub restores: usize,
    /// The heads of the requests of extensions.
    pub extensions: Vec<Head>,
    /// Ids whose connection was closed before their answer: the platform fails these events.
    pub abandoned: Vec<String>,
    /// The ids that are being handled, by connection: delivered whole and not answered.
    pub outstanding: Vec<(usize, String)>,
    /// The largest number of events that were outstanding at once.
    pub outstanding_max: usize,
    /// The time of each GET of `/next`, in milliseconds since the epoch.
    pub gets_at_ms: Vec<u64>,
}

impl Ledger {
    /// How often the event was delivered whole.
    pub fn delivered(&self, id: &str) -> usize {
        let whole = self.deliveries.iter().filter(|d| d.id == id && d.complete);
        whole.count()
    }

    /// The POSTs that name this id, in order.
    pub fn posts_of(&self, id: &str) -> Vec<&Post> {
        self.posts.iter().filter(|post| post.id == id).collect()
    }

    /// The answers to this id that the server accepted.
    pub fn answers(&self, id: &str) -> Vec<&Post> {
        let posts = self.posts.iter();
        posts.filter(|post| post.id == id && post.counted).collect()
    }

    /// The time from the last delivery of the event to its only answer.
    pub fn took_ms(&self, id: &str) -> u64 {
        let mut deliveries = self.deliveries.iter().rev();
        let delivery = deliveries.find(|d| d.id == id && d.complete);
        let from_ms = delivery.expect("a delivery").at_ms;
        self.answer(id).at_ms.saturating_sub(from_ms)
    }

    /// The only answer to this id; fails the test unless there is exactly one.
    pub fn answer(&self, id: &str) -> &Post {
        let answers = self.answers(id);
        assert_eq!(answers.len(), 1, "answers to {id}; {self}");
        answers[0]
    }

    /// Every delivered event has exactly one answer that was accepted.
    pub fn assert_balanced(&self) {
        for delivery in self.deliveries.iter().filter(|d| d.complete) {
            self.answer(&delivery.id);
        }
        let open = &self.outstanding;
        assert!(open.is_empty(), "without an answer: {open:?}; {self}");
    }

    /// The runtime violated no rule of the protocol.
    pub fn assert_clean(&self) {
        assert!(self.violations.is_empty(), "violations; {self}");
    }

    pub(super) fn enter_get(&mut self, connection: usize, unanswered: bool) {
        self.gets += 1;
        self.gets_at_ms.push(now_ms());
        self.note(connection, "GET");
        if unanswered {
            self.violation(format!("#{connection} GET with an event unanswered"));
        }
    }

    pub(super) fn enter_delivery(
        &mut self,
        connection: usize,
        id: &str,
        complete: bool,
        bytes: usize,
    ) {
        let part = if complete { "" } else { ", in part" };
        self.note(connection, &format!("event {id}, {bytes} bytes{part}"));
        self.deliveries.push(Delivery {
            id: id.to_string(),
            complete,
            at_ms: now_ms(),
        });
        if complete {
            // Delivered again, it is outstanding once.
            self.outstanding.retain(|(_, other)| other != id);
            self.outstanding.push((connection, id.to_string()));
            self.outstanding_max = self.outstanding_max.max(self.outstanding.len());
        }
    }

    /// Takes a delivery back: the write of the reply failed.
    pub(super) fn take_back_delivery(&mut self, id: Option<&str>, entered: bool) {
        self.abandoned.extend(id.map(str::to_string));
        if let (Some(id), true) = (id, entered)
            && let Some(delivery) = self.deliveries.iter_mut().rfind(|d| d.id == id)
        {
            delivery.complete = false;
            self.outstanding.retain(|(_, other)| other != id);
        }
    }

    pub(super) fn enter_post(&mut self, post: Post) {
        self.check_order(&post);
        let text = format!(
            "POST {:?} {:?} {} bytes {:016x}{}{}{}",
            post.kind,
            post.id,
            post.body_bytes,
            post.hash,
            if post.complete { "" } else { ", in part" },
            if post.counted { "" } else { ", not counted" },
            if post.get_behind { ", GET behind" } else { "" },
        );
        self.note(post.connection, &text);
        self.posts.push(post);
    }

    /// Checks that an answer is for an outstanding event, and that an init error comes first.
    fn check_order(&mut self, post: &Post) {
        if post.kind == Kind::InitError || post.kind == Kind::RestoreError {
            if self.gets > 0 || !self.posts.is_empty() {
                self.violation("an init error that is not the first request".to_string());
            }
            if (self.restores > 0) != (post.kind == Kind::RestoreError) {
                self.violation("an error of another phase".to_string());
            }
        } else if !self.outstanding.iter().any(|(_, id)| *id == post.id) {
            // What was sent of an answer before its connection broke may be read late, when the
            // event was answered over another connection.
            let is_rest = !post.complete && !post.counted;
            let deliveries = self.deliveries.iter();
            if is_rest && deliveries.filter(|one| one.id == post.id).count() > 1 {
                return;
            }
            let now = &self.outstanding;
            let text = format!("an answer to {:?} while {now:?} is being handled", post.id);
            self.violation(text);
        } else if post.counted {
            self.outstanding.retain(|(_, id)| *id != post.id);
        }
    }

    /// A connection is closed; its events, if any, may still be answered on another.
    pub(super) fn enter_end(&mut self, connection: usize) -> Vec<String> {
        let open = self.outstanding.iter();
        let ids = open.filter(|(number, _)| *number == connection);
        let ids: Vec<String> = ids.map(|(_, id)| id.clone()).collect();
        self.abandoned.extend(ids.iter().cloned());
        ids
    }

    pub(super) fn violation(&mut self, text: String) {
        self.log.push(format!("VIOLATION {text}"));
        self.violations.push(text);
    }

    pub(super) fn note(&mut self, connection: usize, text: &str) {
        self.log.push(format!("#{connection} {text}"));
    }
}

impl std::fmt::Display for Ledger {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The last lines explain most failures.
        let skipped = self.log.len().saturating_sub(60);
        let mut text = format!("ledger ({skipped} earlier lines omitted):\n");
        for line in &self.log[skipped..] {
            writeln!(text, "    {line}")?;
        }
        for line in self.violations.iter().take(20) {
            writeln!(text, "    violation: {line}")?;
        }
        out.write_str(&text)
    }
}

/// SipHash of some bytes.
pub fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}
