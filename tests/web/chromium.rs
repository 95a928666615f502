//! Chromium without a window, controlled by its debugging protocol over a pair of pipes: JSON
//! messages, each with a NUL behind it.

use crate::support::{TempDir, bound, sys};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// The program of Debian's package of the same name.
pub const PROGRAM: &str = "chromium-headless-shell";

/// Descriptors 3 and 4 are the browser's ends of the pipes. It is started as root in tests, where
/// its sandbox refuses to work.
const COMMAND: &str = "exec chromium-headless-shell --remote-debugging-pipe --no-sandbox \
     --disable-gpu --disable-dev-shm-usage --disable-background-networking --no-first-run \
     --host-resolver-rules=\"$2\" \
     --user-data-dir=\"$1\" about:blank 3<&0 4>&1 </dev/null >/dev/null 2>&1";

/// No name is resolved: no page may need another machine.
const NO_NAMES: &str = "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1";

/// The longest wait for a page or an answer, in milliseconds at native speed.
const PATIENCE_MS: u64 = 10_000;

/// A browser with one page. Dropping it ends all of its processes.
pub struct Browser {
    child: Child,
    commands: ChildStdin,
    messages: Receiver<Value>,
    session: Option<String>,
    number: u64,
    /// Answers to the page's requests: status and address.
    answers: Vec<(u64, String)>,
    /// Exceptions of the page's scripts.
    exceptions: Vec<String>,
    _profile: TempDir,
}

impl Browser {
    /// A browser with an empty page.
    pub fn start() -> Browser {
        Browser::start_with(NO_NAMES)
    }

    /// The same, with rules for the resolution of names.
    pub fn start_with(resolver_rules: &str) -> Browser {
        let profile = TempDir::new();
        let mut command = Command::new("sh");
        command.args(["-c", COMMAND, "sh"]).arg(profile.path());
        command.arg(resolver_rules);
        command.env("HOME", profile.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        // A group of its own, which can be killed as one.
        let mut child = crate::support::spawn(command.process_group(0));
        let commands = child.stdin.take().expect("a pipe");
        let mut answers = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            let mut message = Vec::new();
            while answers
                .read_until(0, &mut message)
                .is_ok_and(|count| count > 0)
            {
                message.pop();
                let message: Value = match serde_json::from_slice(&std::mem::take(&mut message)) {
                    Ok(message) => message,
                    Err(_) => return,
                };
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let mut browser = Browser {
            child,
            commands,
            messages,
            session: None,
            number: 0,
            answers: Vec::new(),
            exceptions: Vec::new(),
            _profile: profile,
        };
        let target = browser.command("Target.createTarget", &json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let session = browser.command("Target.attachToTarget", &attach);
        browser.session = session["sessionId"].as_str().map(str::to_string);
        for domain in ["Page.enable", "Network.enable", "Runtime.enable"] {
            browser.command(domain, &json!({}));
        }
        browser
    }

    /// The result of a command.
    fn command(&mut self, method: &str, parameters: &Value) -> Value {
        match self.try_command(method, parameters) {
            Ok(result) => result,
            Err(error) => panic!("{method} {parameters}: {error}"),
        }
    }

    fn try_command(&mut self, method: &str, parameters: &Value) -> Result<Value, Value> {
        self.number += 1;
        let number = self.number;
        let mut message = json!({"id": number, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        let bytes = format!("{message}\0");
        self.commands
            .write_all(bytes.as_bytes())
            .expect("send a command to the browser");
        let end = Instant::now() + bound(PATIENCE_MS);
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let message = match self.messages.recv_timeout(left) {
                Ok(message) => message,
                Err(RecvTimeoutError::Timeout) => panic!("the browser does not answer {method}"),
                Err(RecvTimeoutError::Disconnected) => panic!("the browser has ended"),
            };
            if message["id"] != number {
                self.note(&message);
            } else if message["error"].is_object() {
                return Err(message["error"].clone());
            } else {
                return Ok(message["result"].clone());
            }
        }
    }

    /// Stores what an event of the page reports.
    fn note(&mut self, message: &Value) {
        let parameters = &message["params"];
        match message["method"].as_str() {
            Some("Network.responseReceived") => {
                let answer = &parameters["response"];
                let address = answer["url"].as_str().unwrap_or_default().to_string();
                let status = answer["status"].as_u64().unwrap_or_default();
                self.answers.push((status, address));
            }
            // Only addresses of other machines have names, and no page may need one of them.
            Some("Network.loadingFailed")
                if parameters["canceled"] != true
                    && parameters["errorText"] != "net::ERR_NAME_NOT_RESOLVED" =>
            {
                let error = parameters["errorText"].to_string();
                self.answers.push((0, error));
            }
            Some("Runtime.exceptionThrown") => {
                self.exceptions
                    .push(parameters["exceptionDetails"].to_string());
            }
            _ => {}
        }
    }

    /// Opens an address, and waits until the page and all that belongs to it is loaded.
    pub fn open(&mut self, address: &str) {
        let result = self.command("Page.navigate", &json!({"url": address}));
        assert!(result["errorText"].is_null(), "{address}: {result}");
        self.until(
            &format!("{address} is loaded"),
            "document.readyState === 'complete'",
        );
    }

    /// The value of an expression in the page; an error while the page is being replaced.
    fn try_evaluate(&mut self, expression: &str) -> Result<Value, String> {
        let parameters = json!({
            "expression": expression,
            "returnByValue": true,
            "awaitPromise": true,
            "userGesture": true,
        });
        let result = self.try_command("Runtime.evaluate", &parameters);
        let result = result.map_err(|error| error.to_string())?;
        match result.get("exceptionDetails") {
            Some(exception) => Err(exception.to_string()),
            None => Ok(result["result"]["value"].clone()),
        }
    }

    /// The value of an expression in the page.
    pub fn evaluate(&mut self, expression: &str) -> Value {
        match self.try_evaluate(expression) {
            Ok(value) => value,
            Err(error) => panic!("{expression}: {error}"),
        }
    }

    /// Waits until an expression is true in a page; fails the test, and shows the page, when it is
    /// not within the limit.
    pub fn until(&mut self, what: &str, expression: &str) {
        let end = Instant::now() + bound(PATIENCE_MS);
        let expression = format!("!!({expression})");
        while self.try_evaluate(&expression) != Ok(true.into()) {
            if Instant::now() > end {
                let page = "document.location.href + '\\n' + document.body.innerText";
                let page = self.try_evaluate(page);
                panic!("never: {what}: {page:?}, {:?}", self.answers);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Sets the value of a field.
    pub fn fill(&mut self, selector: &str, value: &str) {
        self.until(selector, &format!("document.querySelector({selector:?})"));
        let value = Value::from(value);
        let set = format!(
            "{{ const field = document.querySelector({selector:?}); field.value = {value};
                field.dispatchEvent(new Event('input', {{ bubbles: true }}));
                field.dispatchEvent(new Event('change', {{ bubbles: true }})); }}"
        );
        self.evaluate(&set);
    }

    /// Clicks an element.
    pub fn click(&mut self, selector: &str) {
        self.until(selector, &format!("document.querySelector({selector:?})"));
        self.evaluate(&format!(
            "void document.querySelector({selector:?}).click()"
        ));
    }

    /// Chooses a file in a field for files.
    pub fn choose_file(&mut self, selector: &str, path: &Path) {
        self.until(selector, &format!("document.querySelector({selector:?})"));
        let expression = format!("document.querySelector({selector:?})");
        let field = self.command("Runtime.evaluate", &json!({"expression": expression}));
        let parameters = json!({
            "files": [path.to_str()],
            "objectId": field["result"]["objectId"],
        });
        self.command("DOM.setFileInputFiles", &parameters);
    }

    /// The answers so far of a status of 400 and more, and the requests without answer.
    pub fn failures(&mut self) -> Vec<(u64, String)> {
        self.evaluate("0"); // what came before it has been read then
        let answers = self.answers.iter();
        let failures = answers.filter(|(status, _)| *status == 0 || *status >= 400);
        failures.cloned().collect()
    }

    /// The number of answers so far.
    pub fn answers(&self) -> usize {
        self.answers.len()
    }

    /// Exceptions of the scripts of the pages so far.
    pub fn exceptions(&self) -> &[String] {
        &self.exceptions
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        sys::kill_group(self.child.id(), sys::SIGKILL);
        let _ = self.child.wait();
    }
}
