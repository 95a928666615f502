//! A function's configuration and the environment variables that follow from it.
//!
//! Names and values are those of a custom runtime on Lambda (Developer Guide, "Defined runtime
//! environment variables"). Of the workstation's own variables the function gets only the region
//! and the credentials.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use crate::clock;

const REGION: &str = "us-east-1";
/// The account that the function seems to belong to.
pub const ACCOUNT: &str = "123456789012";

/// The PATH that Lambda gives a custom runtime.
pub const LAMBDA_PATH: &str = "/usr/local/bin:/usr/bin/:/bin:/opt/bin";

/// The version of a function that is not published.
pub const LATEST: &str = "$LATEST";

/// What the processes of one version of a function are configured with.
#[derive(Clone)]
pub struct Settings {
    pub function_name: String,
    /// `$LATEST`, or the number of a published version.
    pub version: String,
    /// LAMBDA_TASK_ROOT and the working directory; absolute.
    pub task_root: PathBuf,
    pub handler: String,
    pub timeout: Duration,
    pub init_timeout: Duration,
    pub memory_mb: u32,
    /// Added last, so they replace variables that Lambda sets.
    pub variables: Vec<(OsString, OsString)>,
    /// The maximum number of concurrent events; `None` is one at a time, as on classic Lambda.
    pub concurrency: Option<u16>,
    /// A snapshot is taken after init.
    pub snapstart: bool,
    pub logging: Logging,
}

/// Where and how a function logs; `None` is Lambda's default.
#[derive(Clone, Default)]
pub struct Logging {
    pub group: Option<String>,
    /// `JSON`, with the lowest level of the function's own lines.
    pub json_level: Option<String>,
}

impl Logging {
    /// The name of the log group.
    pub fn group(&self, function_name: &str) -> String {
        let default = || format!("/aws/lambda/{function_name}");
        self.group.clone().unwrap_or_else(default)
    }
}

impl Settings {
    /// The function's ARN.
    pub fn arn(&self) -> String {
        arn(&self.function_name)
    }

    /// Lambda's word for how an environment comes into being.
    pub fn initialization_type(&self) -> &'static str {
        match (self.concurrency, self.snapstart) {
            (Some(_), _) => "lambda-managed-instances",
            (None, true) => "snap-start",
            (None, false) => "on-demand",
        }
    }

    /// `NAME=VALUE` for each variable of the process.
    pub fn environment(&self, runtime_api: &str) -> Vec<OsString> {
        self.environment_with(runtime_api, |_| {})
    }

    /// The same; `adjust` changes the variables before those of the user are added.
    pub fn environment_with(
        &self,
        runtime_api: &str,
        adjust: impl FnOnce(&mut Vec<(OsString, OsString)>),
    ) -> Vec<OsString> {
        let mut all = self.lambda_variables(runtime_api);
        all.extend(credentials());
        adjust(&mut all);
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
        let initialization = self.initialization_type();
        let texts = [
            ("AWS_LAMBDA_RUNTIME_API", runtime_api.to_string()),
            ("_HANDLER", self.handler.clone()),
            ("LAMBDA_RUNTIME_DIR", "/var/runtime".to_string()),
            ("AWS_LAMBDA_FUNCTION_NAME", name.clone()),
            ("AWS_LAMBDA_FUNCTION_VERSION", self.version.clone()),
            (
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
                self.memory_mb.to_string(),
            ),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", initialization.to_string()),
            ("AWS_LAMBDA_LOG_GROUP_NAME", self.logging.group(name)),
            (
                "AWS_LAMBDA_LOG_STREAM_NAME",
                format!("{date}/[{}]{}", self.version, clock::random_hex()),
            ),
            ("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR".to_string()),
            ("AWS_XRAY_DAEMON_ADDRESS", "127.0.0.1:2000".to_string()),
            ("_AWS_XRAY_DAEMON_ADDRESS", "127.0.0.1".to_string()),
            ("_AWS_XRAY_DAEMON_PORT", "2000".to_string()),
            ("LANG", "en_US.UTF-8".to_string()),
            ("TZ", ":UTC".to_string()),
            ("PATH", LAMBDA_PATH.to_string()),
        ];
        let mut all: Vec<(OsString, OsString)> = texts
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        if let Some(count) = self.concurrency {
            let count = count.to_string();
            all.push(("AWS_LAMBDA_MAX_CONCURRENCY".into(), count.into()));
        }
        if let Some(level) = &self.logging.json_level {
            all.push(("AWS_LAMBDA_LOG_FORMAT".into(), "JSON".into()));
            all.push(("AWS_LAMBDA_LOG_LEVEL".into(), level.into()));
        }
        all.push(("LAMBDA_TASK_ROOT".into(), self.task_root.clone().into()));
        all.push(("LD_LIBRARY_PATH".into(), library_path(&self.task_root)));
        all.push(("AWS_REGION".into(), region()));
        all.push(("AWS_DEFAULT_REGION".into(), region()));
        all
    }
}

/// The ARN of the function of this name.
pub fn arn(function_name: &str) -> String {
    static PREFIX: OnceLock<String> = OnceLock::new(); // each event has an ARN
    let prefix = PREFIX.get_or_init(|| {
        let region = region();
        format!("arn:aws:lambda:{}:{ACCOUNT}:function:", region.display())
    });
    format!("{prefix}{function_name}")
}

fn library_path(task_root: &Path) -> OsString {
    let mut path = OsString::from("/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:");
    path.push(task_root);
    path.push(":");
    path.push(task_root.join("lib"));
    path.push(":/opt/lib");
    path
}

/// The region in which the function seems to run.
pub fn region() -> OsString {
    nonempty_var("AWS_REGION")
        .or_else(|| nonempty_var("AWS_DEFAULT_REGION"))
        .unwrap_or_else(|| REGION.into())
}

/// The workstation's credentials, or invalid ones that AWS refuses.
fn credentials() -> Vec<(OsString, OsString)> {
    const NAMES: [&str; 3] = [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
    ];
    let from_environment: Vec<_> = NAMES
        .iter()
        .filter_map(|&name| Some((OsString::from(name), nonempty_var(name)?)))
        .collect();
    // An invalid session token would break a user's long-lived keys, so it is all or nothing.
    if from_environment
        .iter()
        .any(|(name, _)| name.as_os_str() == OsStr::new(NAMES[0]))
    {
        return from_environment;
    }
    NAMES
        .iter()
        .map(|&name| (name.into(), "local".into()))
        .collect()
}

fn nonempty_var(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}
