//! Two bootstraps that take turns, as `tinderbox measure` measures them, and the events for both.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// The tool: the one of this build.
const TOOL: &str = env!("CARGO_BIN_EXE_tinderbox");

/// Files with the events of a Function URL.
pub struct Events {
    /// A GET: 700 bytes, as a browser makes one.
    pub get: PathBuf,
    /// A POST, and the bytes of its body before base64.
    pub post: PathBuf,
    pub posted: usize,
}

impl Events {
    pub fn write(folder: &Path) -> Events {
        let posted = 4_400_000;
        let (get, post) = (folder.join("get.json"), folder.join("post.json"));
        std::fs::write(&get, event("GET", None).to_string()).expect("write an event");
        // Three bytes of 0xff are four slashes.
        let body = "/".repeat(posted / 3 * 4) + ["", "/w==", "//8="][posted % 3];
        let event = event("POST", Some(&body)).to_string();
        std::fs::write(&post, event).expect("write an event");
        Events { get, post, posted }
    }
}

fn event(method: &str, body: Option<&str>) -> Value {
    let host = "abcdefghijklmnop.lambda-url.us-east-1.on.aws";
    let mut event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/greetings",
        "rawQueryString": "name=Ada",
        "headers": {
            "accept": "*/*",
            "content-type": "application/octet-stream",
            "host": host,
            "user-agent": "curl/8.5.0",
            "x-amzn-trace-id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700",
            "x-forwarded-for": "203.0.113.9",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "queryStringParameters": { "name": "Ada" },
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "abcdefghijklmnop",
            "domainName": host,
            "domainPrefix": "abcdefghijklmnop",
            "http": {
                "method": method,
                "path": "/greetings",
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.9",
                "userAgent": "curl/8.5.0",
            },
            "requestId": "00000000-0000-0000-0000-000000000000",
            "routeKey": "$default",
            "stage": "$default",
            "time": "28/Nov/2026:10:00:00 +0000",
            "timeEpoch": 1_795_860_000_000_u64,
        },
        "isBase64Encoded": body.is_some(),
    });
    if let Some(body) = body {
        event["body"] = body.into();
    }
    event
}

/// A bootstrap with an application.
pub struct Candidate {
    name: &'static str,
    bootstrap: PathBuf,
    task: PathBuf,
    handler: &'static str,
    port: u16,
}

impl Candidate {
    pub fn new(
        name: &'static str,
        bootstrap: PathBuf,
        task: &Path,
        handler: &'static str,
    ) -> Candidate {
        Candidate {
            name,
            bootstrap,
            task: task.to_path_buf(),
            handler,
            port: super::free_port(),
        }
    }

    /// Fails unless the answer to an event is a page with this text.
    pub fn assert_answer(&self, event: &Path, expected: &str) {
        let mut command = Command::new(TOOL);
        command.arg("run").arg(&self.bootstrap);
        command.arg("--task-root").arg(&self.task);
        command.args(["--handler", self.handler, "--timeout", "20"]);
        command.args(["--env", &format!("PORT={}", self.port)]);
        command.arg("--once").arg(event);
        let output = command.stdin(Stdio::null()).output().expect("run the tool");
        let log = String::from_utf8_lossy(&output.stderr);
        let text = String::from_utf8_lossy(&output.stdout);
        let answer: Value = serde_json::from_str(&text).unwrap_or_default();
        let (status, body) = (&answer["statusCode"], &answer["body"]);
        let right = *status == 200 && body == expected;
        assert!(right, "{} {}: {text}\n{log}", self.name, self.handler);
    }

    /// As the tool takes it.
    fn argument(&self) -> String {
        format!(
            "{}={},task-root={},handler={},env=PORT={}",
            self.name,
            self.bootstrap.display(),
            self.task.display(),
            self.handler,
            self.port
        )
    }
}

/// The figures of one bootstrap.
pub struct Measured {
    /// From just before the process was created to the first answer, in microseconds.
    pub starts: Vec<f64>,
    /// Medians of blocks of warm events, in microseconds.
    pub events: Vec<f64>,
    /// At the first answer, of all its processes, in KiB.
    pub resident: f64,
    pub private: f64,
    /// System calls of all its processes for one event.
    pub calls: f64,
}

/// The figures of those that took turns.
pub struct Run {
    pub ours: Measured,
    pub rival: Option<Measured>,
    pub baseline: Measured,
}

/// Measures ours, the rival and the baseline, each this many times: cold starts, warm events.
pub fn measure(
    ours: &Candidate,
    rival: Option<&Candidate>,
    event: &Path,
    [starts, events]: [usize; 2],
) -> Run {
    let baseline = super::support::binary("baseline");
    let mut command = Command::new(TOOL);
    command.arg("measure").arg(ours.argument());
    if let Some(rival) = rival {
        command.arg("--compare").arg(rival.argument());
    }
    command
        .arg("--baseline")
        .arg(format!("baseline={}", baseline.display()));
    command.args(["--cold-starts", &starts.to_string()]);
    command.args(["--invocations", &events.to_string()]);
    command
        .arg("--event")
        .arg(event)
        .args(["--timeout", "20", "--json"]);
    let output = command.stdin(Stdio::null()).output().expect("run the tool");
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "tinderbox measure:\n{log}");
    let all: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let of = |name: &str| {
        let list = all["bootstraps"].as_array().expect("a list");
        list.iter().find(|one| one["name"] == name).map(measured)
    };
    Run {
        ours: of(ours.name).expect("figures of ours"),
        rival: of("rival"),
        baseline: of("baseline").expect("figures of the baseline"),
    }
}

fn measured(one: &Value) -> Measured {
    let column = |key: &str, at: usize| -> Vec<f64> {
        let rounds = one[key].as_array().expect("rounds");
        rounds.iter().map(|round| number(&round[at])).collect()
    };
    Measured {
        starts: column("starts_us", 1),
        events: column("blocks_us", 0),
        resident: number(&one["resident_kib"]),
        private: number(&one["private_kib"]),
        calls: number(&one["system_calls_per_invocation"]),
    }
}

/// A figure; NaN where there is none, because the machine refuses to count it.
fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}
