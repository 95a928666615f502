//! What callers are shown of functions, in the shapes of Lambda's API.

use crate::local::url;
use serde_json::{Map, Value, json};

use super::configuration::Configuration;
use super::{Function, errors};
use crate::local::invoke_api::ApiError;
use crate::settings::LATEST;

/// How much of a configuration is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// An entry of a list, which has no state.
    Entry,
    /// An answer about one function.
    Full,
}

/// A configuration, under an ARN with this qualifier.
pub fn configuration(found: &Configuration, qualifier: Option<&str>, form: Form) -> Value {
    let settings = &found.settings;
    let (sha256, bytes) = found.package();
    let mut shown = json!({
        "FunctionName": settings.function_name,
        "FunctionArn": errors::arn(&settings.function_name, qualifier),
        "Version": settings.version,
        "Runtime": found.runtime,
        "Role": found.role,
        "Handler": settings.handler,
        "Description": found.description,
        "Timeout": found.timeout_s(),
        "MemorySize": settings.memory_mb,
        "CodeSize": bytes,
        "CodeSha256": sha256,
        "LastModified": found.last_modified,
        "RevisionId": found.revision_id,
        "PackageType": "Zip",
        "Architectures": [found.architecture],
        "EphemeralStorage": { "Size": 512 },
        "TracingConfig": { "Mode": "PassThrough" },
        "LoggingConfig": logging(found),
        "SnapStart": snapstart(found),
    });
    if let Value::Object(members) = &mut shown {
        members.extend(found.stored.clone());
        if !found.variables.is_empty() {
            members.insert("Environment".to_string(), environment(found));
        }
        if form == Form::Full {
            members.insert("State".to_string(), "Active".into());
            members.insert("LastUpdateStatus".to_string(), "Successful".into());
        }
    }
    shown
}

fn environment(found: &Configuration) -> Value {
    let variables = found.variables.iter();
    let shown: Map<String, Value> = variables
        .map(|(name, value)| {
            let [name, value] = [name, value].map(|text| text.to_string_lossy().into_owned());
            (name, value.into())
        })
        .collect();
    json!({ "Variables": shown })
}

fn logging(found: &Configuration) -> Value {
    let logging = &found.settings.logging;
    let group = logging.group(&found.settings.function_name);
    match &logging.json_level {
        Some(level) => json!({
            "LogFormat": "JSON",
            "ApplicationLogLevel": level,
            "SystemLogLevel": "INFO",
            "LogGroup": group,
        }),
        None => json!({ "LogFormat": "Text", "LogGroup": group }),
    }
}

fn snapstart(found: &Configuration) -> Value {
    let is_on = found.snapstart && found.settings.version != LATEST;
    json!({
        "ApplyOn": if found.snapstart { "PublishedVersions" } else { "None" },
        "OptimizationStatus": if is_on { "On" } else { "Off" },
    })
}

/// The answer to GetFunction.
pub fn function(function: &Function, found: &Configuration, qualifier: Option<&str>) -> Value {
    let root = found.settings.task_root.display();
    let mut shown = json!({
        "Configuration": configuration(found, qualifier, Form::Full),
        "Code": { "RepositoryType": "S3", "Location": format!("file://{root}") },
    });
    if let Value::Object(members) = &mut shown {
        if !function.tags.is_empty() {
            members.insert("Tags".to_string(), json!(function.tags));
        }
        if let Some(count) = function.reserved_concurrency {
            let concurrency = json!({ "ReservedConcurrentExecutions": count });
            members.insert("Concurrency".to_string(), concurrency);
        }
    }
    shown
}

/// One page of a list: `Marker` is the number of entries before it.
pub fn page(name: &str, entries: Vec<Value>, query: &str) -> Result<Value, ApiError> {
    const ENTRIES_DEFAULT: usize = 50;
    let number = |parameter: &str, default: usize| match url::parameter(query, parameter) {
        Some(text) => text.parse().map_err(|_| {
            errors::invalid(format!(
                "{parameter} '{text}' is not one that was returned before"
            ))
        }),
        None => Ok(default),
    };
    let start = number("Marker", 0)?;
    let count = number("MaxItems", ENTRIES_DEFAULT)?;
    if !(1..=10_000).contains(&count) {
        let constraint = "Member must have value between 1 and 10000";
        return Err(errors::validation(
            &count.to_string(),
            "maxItems",
            constraint,
        ));
    }
    let total = entries.len();
    let shown: Vec<Value> = entries.into_iter().skip(start).take(count).collect();
    let end = start.saturating_add(shown.len());
    let mut page = Map::new();
    page.insert(name.to_string(), shown.into());
    if end < total {
        page.insert("NextMarker".to_string(), end.to_string().into());
    }
    Ok(page.into())
}
