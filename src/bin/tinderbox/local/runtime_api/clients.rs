//! Which processes may call the Runtime API: those of the bootstrap's tree, see `peer`.

use std::net::TcpStream;
use std::time::Instant;

use crate::local::guard::{self, Forbidden, Notices};
use crate::local::http::Request;
use crate::local::peer::{self, Peers, Tree, Verdict};
use crate::output::diagnostic;

/// The accepted processes, and what is reported about others.
pub struct Clients {
    /// Those of the bootstrap's tree; `None` is all of this machine's.
    peers: Option<Peers>,
    notices: Notices,
    has_warned: bool,
}

impl Clients {
    /// `any`: all processes of this machine may call.
    pub fn new(any: bool) -> Clients {
        Clients {
            peers: (!any).then(Peers::open),
            notices: Notices::default(),
            has_warned: false,
        }
    }

    /// Whether the connection's other end is of the tree of this bootstrap, and not of the others'.
    pub fn verdict(
        &mut self,
        stream: &TcpStream,
        leader: Option<u32>,
        others: Vec<u32>,
    ) -> Verdict {
        let Some(peers) = &self.peers else {
            return Verdict::InTree;
        };
        let tree = Tree {
            tool: std::process::id(),
            leader,
            others,
        };
        let verdict = peers.verdict(stream, &tree);
        if verdict == Verdict::Unavailable && !self.has_warned {
            self.has_warned = true;
            diagnostic(
                "this system does not report which process calls (no sock_diag, no /proc): the \
                 Runtime API takes calls from every local process",
            );
        }
        verdict
    }

    /// Whether a request of such a connection is served.
    pub fn check(&mut self, verdict: Verdict, request: &Request) -> Result<(), Forbidden> {
        let now = Instant::now();
        let notices = &mut self.notices;
        let result = guard::check_runtime_call(request).and_then(|()| match verdict {
            Verdict::InTree | Verdict::Unavailable => Ok(()),
            Verdict::Closed if is_answer(request) => Ok(()),
            Verdict::Closed => Err(forbidden("a process that has closed its connection")),
            // The search for its name looks at all processes, so it is as rare as the lines.
            Verdict::Foreign(owner) if notices.is_due(now) => {
                Err(forbidden(&peer::describe(owner)))
            }
            Verdict::Foreign(_) => Err(forbidden("another process")),
        });
        if let Err(forbidden) = &result {
            notices.log("Runtime API", &forbidden.text, now);
        }
        result
    }
}

fn forbidden(who: &str) -> Forbidden {
    Forbidden {
        text: format!(
            "Only the bootstrap and what it started may call, and the caller is {who}. Start \
             tinderbox run with --any-runtime to accept the calls of every local process."
        ),
    }
}

/// Whether the request posts the answer of an event, whose id it has to know.
fn is_answer(request: &Request) -> bool {
    let parts: Vec<&str> = request.path.split('/').collect();
    let is_path = |operation| {
        matches!(parts.as_slice(), ["", "2018-06-01", "runtime", "invocation", _, last]
            if *last == operation)
    };
    request.method == "POST" && (is_path("response") || is_path("error"))
}
