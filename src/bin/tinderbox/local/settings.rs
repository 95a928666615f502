//! What the function is set up with, and the environment variables that tell it so.
//!
//! Names and values are those of a custom runtime on Lambda (Developer Guide, "Defined runtime
//! environment variables"). The workstation's own variables stay outside, but for the region and
//! the credentials.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::clock;

const REGION: &str = "us-east-1";
const ACCOUNT: &str = "123456789012";

/// The settings of one function.
pub struct Settings {
    pub function_name: String,
    /// LAMBDA_TASK_ROOT and the working directory; absolute.
    pub root: PathBuf,
    pub handler: String,
    pub timeout: Duration,
    pub init_timeout: Duration,
    pub memory_mb: u32,
    /// Added last: they replace what Lambda would set.
    pub variables: Vec<(OsString, OsString)>,
    /// So many events at once; `None` is one at a time, as classic Lambda has it.
    pub concurrency: Option<u16>,
    /// A snapshot is taken after init.
    pub snapstart: bool,
    /// One event only: nothing is started again.
    pub one_shot: bool,
}

impl Settings {
    /// The function's ARN.
    pub fn arn(&self) -> String {
        let (region, name) = (region(), &self.function_name);
        format!(
            "arn:aws:lambda:{}:{ACCOUNT}:function:{name}",
            region.display()
        )
    }

    /// `NAME=VALUE` for each variable the process gets.
    pub fn environment(&self, runtime_api: &str) -> Vec<OsString> {
        let mut all = self.lambda_variables(runtime_api);
        all.extend(credentials());
        for (name, value) in &self.variables {
            all.retain(|(known, _)| known != name);
            all.push((name.clone(), value.clone()));
        }
        let join = |(mut name, value): (OsString, OsString)| {
            name.push("=");
            name.push(value);
            name
        };
        all.into_iter().map(join).collect()
    }

    fn lambda_variables(&self, runtime_api: &str) -> Vec<(OsString, OsString)> {
        let name = &self.function_name;
        let date = clock::date_path();
        let initialization = match (self.concurrency, self.snapstart) {
            (Some(_), _) => "lambda-managed-instances",
            (None, true) => "snap-start",
            (None, false) => "on-demand",
        };
        let texts = [
            ("AWS_LAMBDA_RUNTIME_API", runtime_api.to_string()),
            ("_HANDLER", self.handler.clone()),
            ("LAMBDA_RUNTIME_DIR", "/var/runtime".to_string()),
            ("AWS_LAMBDA_FUNCTION_NAME", name.clone()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_string()),
            (
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
                self.memory_mb.to_string(),
            ),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", initialization.to_string()),
            ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{name}")),
            (
                "AWS_LAMBDA_LOG_STREAM_NAME",
                format!("{date}/[$LATEST]{}", clock::hex_32()),
            ),
            ("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR".to_string()),
            ("AWS_XRAY_DAEMON_ADDRESS", "127.0.0.1:2000".to_string()),
            ("_AWS_XRAY_DAEMON_ADDRESS", "127.0.0.1".to_string()),
            ("_AWS_XRAY_DAEMON_PORT", "2000".to_string()),
            ("LANG", "en_US.UTF-8".to_string()),
            ("TZ", ":UTC".to_string()),
            ("PATH", "/usr/local/bin:/usr/bin/:/bin:/opt/bin".to_string()),
        ];
        let mut all: Vec<(OsString, OsString)> = texts
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        if let Some(count) = self.concurrency {
            let count = count.to_string();
            all.push(("AWS_LAMBDA_MAX_CONCURRENCY".into(), count.into()));
        }
        all.push(("LAMBDA_TASK_ROOT".into(), self.root.clone().into()));
        all.push(("LD_LIBRARY_PATH".into(), library_path(&self.root)));
        all.push(("AWS_REGION".into(), region()));
        all.push(("AWS_DEFAULT_REGION".into(), region()));
        all
    }
}

fn library_path(root: &Path) -> OsString {
    let mut path = OsString::from("/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:");
    path.push(root);
    path.push(":");
    path.push(root.join("lib"));
    path.push(":/opt/lib");
    path
}

fn region() -> OsString {
    own("AWS_REGION")
        .or_else(|| own("AWS_DEFAULT_REGION"))
        .unwrap_or_else(|| REGION.into())
}

/// Those of the workstation's environment, or such that AWS refuses.
fn credentials() -> Vec<(OsString, OsString)> {
    const NAMES: [&str; 3] = [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
    ];
    let owned: Vec<_> = NAMES
        .iter()
        .filter_map(|&name| Some((OsString::from(name), own(name)?)))
        .collect();
    // A session token of nobody's would spoil a user's long-lived keys, so it is all or nothing.
    if owned
        .iter()
        .any(|(name, _)| name.as_os_str() == OsStr::new(NAMES[0]))
    {
        return owned;
    }
    NAMES
        .iter()
        .map(|&name| (name.into(), "local".into()))
        .collect()
}

fn own(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}
