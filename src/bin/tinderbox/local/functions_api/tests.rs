//! Calls as clients make them, and the recorded answers of production as vectors: localstack's
//! tests/aws/services/lambda_/test_lambda_api.snapshot.json, whose test names the comments have.

mod aliases;
mod attributes;
mod configuration;
mod deployment;
mod lookup;
mod versions;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::base64;
use crate::local::EventFormat;
use crate::local::sandbox::{Sandbox, SandboxOptions};
use crate::local::temporary::TemporaryFolder;

const ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:";
const ROLE: &str = "arn:aws:iam::123456789012:role/x";

/// Functions of a tool, and the folder with the bootstrap of the first one.
struct Tool {
    functions: Functions,
    _folder: TemporaryFolder,
}

impl Tool {
    /// With one function of this name; `None` serves every name.
    fn new(name: Option<&str>) -> Tool {
        let folder = TemporaryFolder::new("task").expect("a folder");
        let bootstrap = folder.contents().join("bootstrap");
        fs::write(&bootstrap, "#!/bin/sh\n").expect("a file");
        fs::set_permissions(&bootstrap, fs::Permissions::from_mode(0o755)).expect("a mode");
        let function = FunctionOptions::new(
            name.unwrap_or("function").to_string(),
            folder.contents().into(),
        );
        let options = RunOptions {
            functions: vec![function],
            serves_any_name: name.is_none(),
            handler: "function.handler".to_string(),
            timeout: Duration::from_secs(3),
            init_timeout: Duration::from_secs(10),
            memory_mb: 128,
            variables: vec![("MINE".into(), "1".into())],
            port: 0,
            runtime_port: 0,
            event_format: EventFormat::Json,
            concurrency: None,
            snapstart: false,
            once: None,
            runner: Vec::new(),
            environments: 1,
            idle_timeout: Duration::from_secs(300),
            async_retries: 0,
            json: false,
            host: crate::host::Host::LOOPBACK,
            is_host_chosen: false,
            any_runtime: false,
            sandbox: SandboxOptions::default(),
        };
        let functions = Functions::new(&options, Arc::new(Sandbox::none()));
        Tool {
            functions: functions.unwrap_or_else(|failure| panic!("{}", failure.text())),
            _folder: folder,
        }
    }

    fn call(&mut self, method: &str, path: &str, body: &Value) -> (u16, Value, Option<Change>) {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let path = format!("/2015-03-31/{path}");
        let call = ManageCall::route(method, &path, query);
        let call = call.unwrap_or_else(|| panic!("{method} {path}"));
        let (reply, change) = match call {
            Ok(call) => self.functions.manage(&call, &encoded(body)),
            Err(error) => (error.reply(), None),
        };
        let shown = match reply.body.is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(&reply.body).expect("JSON"),
        };
        (reply.status, shown, change)
    }

    fn ok(&mut self, method: &str, path: &str, body: &Value) -> Value {
        let (status, shown, _) = self.call(method, path, body);
        assert!(status < 300, "{method} {path}: {status} {shown}");
        shown
    }

    /// The status, the name and the text of an error.
    fn error(&mut self, method: &str, path: &str, body: &Value) -> (u16, String, String) {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let call = ManageCall::route(method, &format!("/2015-03-31/{path}"), query);
        let call = call.unwrap_or_else(|| panic!("{method} {path}"));
        let (reply, change) = match call {
            Ok(call) => self.functions.manage(&call, &encoded(body)),
            Err(error) => (error.reply(), None),
        };
        let shown: Value = serde_json::from_slice(&reply.body).expect("JSON");
        assert_eq!(change, None, "{shown}");
        let text = shown.get("Message").or(shown.get("message"));
        let name = reply
            .headers
            .iter()
            .find(|(name, _)| *name == "X-Amzn-ErrorType");
        (
            reply.status,
            name.expect("a name").1.clone(),
            text.and_then(Value::as_str).unwrap_or_default().to_string(),
        )
    }

    fn resolve(&self, name: &str, qualifier: Option<&str>) -> Result<Resolved, String> {
        let found = self.functions.resolve(&reference(name, qualifier));
        found.map_err(|error| error.text)
    }
}

fn encoded(body: &Value) -> Vec<u8> {
    match body {
        Value::Null => Vec::new(),
        body => body.to_string().into_bytes(),
    }
}

fn reference(name: &str, qualifier: Option<&str>) -> FunctionRef {
    FunctionRef {
        name: name.to_string(),
        qualifier: qualifier.map(String::from),
        region: None,
        account: None,
    }
}

/// A zip by Info-ZIP with an executable bootstrap.
fn zip() -> String {
    zip::tests::samples::DEBIAN.to_string()
}

fn creation(name: &str) -> Value {
    json!({
        "FunctionName": name,
        "Runtime": "provided.al2023",
        "Role": ROLE,
        "Handler": "index.handler",
        "Code": { "ZipFile": zip() },
    })
}
