//! A web application behind a bootstrap, with a front for each source.

#![allow(dead_code)] // a part of it in each build

use crate::support::api::{Arrival, Event, Ledger, Post, Script, ScriptedReply, Server};
use crate::support::front::{Answer, Front, Request, Source};
use crate::support::process::{Outcome, Process};
use crate::support::start::Start;
use crate::support::{TempDir, bound, hosting};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// A GET of a Function URL.
pub const GET_EVENT: &str = r#"{"version":"2.0","rawPath":"/get","rawQueryString":"","headers":{},
"requestContext":{"domainName":"abc123.lambda-url.us-east-1.on.aws",
"http":{"method":"GET","path":"/get"}},"isBase64Encoded":false}"#;

/// A bootstrap that serves, and its fronts. Dropping it ends all of them.
pub struct Site {
    fronts: Vec<Front>,
    process: Process,
    api: Arc<Server>,
}

impl Site {
    /// A bootstrap with this handler and this task root, and a front for each source.
    pub fn start(dir: &TempDir, handler: &str) -> Site {
        Site::with_variables(dir, handler, &[])
    }

    /// The same with variables.
    pub fn with_variables(dir: &TempDir, handler: &str, variables: &[(&str, &str)]) -> Site {
        // Of two that start at once, both would find the usual port free.
        let port = free_port().to_string();
        let start = hosting::start(dir, handler).variable("PORT", &port);
        let set = |start: Start, pair: &(&str, &str)| start.variable(pair.0, pair.1);
        Site::with(variables.iter().fold(start, set))
    }

    /// A bootstrap that is started like this. It waits for the end of INIT.
    pub fn with(start: Start) -> Site {
        let script = Script {
            is_observed: true,
            ..Script::default()
        };
        let api = Arc::new(Server::start(script));
        let process = start
            .variable("AWS_LAMBDA_RUNTIME_API", &api.address())
            .spawn();
        let fronts = Source::ALL.map(|source| Front::start(source, &api));
        let mut site = Site {
            fronts: fronts.into(),
            process,
            api,
        };
        site.process.until_idle(&site.api);
        site
    }

    /// The front of a source.
    pub fn front(&self, source: Source) -> &Front {
        let mut fronts = self.fronts.iter();
        let found = fronts.find(|front| front.source() == source);
        found.expect("a front for each source")
    }

    /// The answer to a request through a source.
    pub fn ask(&self, source: Source, request: &Request) -> Answer {
        self.front(source).ask(request)
    }

    /// The answer to a GET through a Function URL.
    pub fn get(&self, target: &str) -> Answer {
        self.front(Source::FunctionUrl).get(target)
    }

    /// The answer to an event that no front has made.
    pub fn post_of(&self, event: &Event) -> Post {
        self.api.deliver(ScriptedReply::event(event));
        let end = Instant::now() + bound(60_000);
        while Instant::now() < end {
            match self.api.next_arrival(&event.id, bound(60_000)) {
                Some(Arrival::End(post)) => return post,
                Some(Arrival::Start(_) | Arrival::Piece(_)) => {}
                Some(Arrival::Abandoned) | None => break,
            }
        }
        panic!("no answer to {}; {}", event.id, self.process.stderr());
    }

    /// The process of the bootstrap.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// The Runtime API, for events that are no requests.
    pub fn api(&self) -> &Server {
        &self.api
    }

    /// Everything that the Runtime API has received so far.
    pub fn ledger(&self) -> Ledger {
        self.api.ledger()
    }

    /// Kills the bootstrap, and returns the outcome: it was serving until then, every event has one
    /// answer, no rule of the protocol was violated, and no process is left.
    pub fn stop(self) -> Outcome {
        let Site {
            fronts,
            process,
            api,
        } = self;
        let faults: Vec<String> = fronts.iter().flat_map(Front::faults).collect();
        drop(fronts);
        let api = Arc::into_inner(api).expect("no front left");
        let outcome = process.finish(api);
        outcome.assert_serving();
        assert!(faults.is_empty(), "{faults:?}; {}", outcome.stderr);
        outcome
    }
}

/// A port on which nobody listens.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind 127.0.0.1:0");
    listener.local_addr().expect("an address").port()
}

/// A task root with these files; those that begin with `#!` are executable.
pub fn task_root(files: &[(&str, &str)]) -> TempDir {
    let dir = TempDir::new();
    for (name, content) in files {
        let _: PathBuf = match content.starts_with("#!") {
            true => dir.executable(name, content.as_bytes()),
            false => dir.file(name, content.as_bytes()),
        };
    }
    dir
}
