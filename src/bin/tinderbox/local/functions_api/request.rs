//! The body of a management call: its members, checked as Lambda checks them.

use std::borrow::Cow;
use std::ffi::OsString;
use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::errors;
use crate::local::invoke_api::ApiError;

/// Lambda's limit for all environment variables of a function together.
const VARIABLES_BYTES_MAX: usize = 4096;

/// Names of variables that Lambda sets itself (Developer Guide, "Reserved environment variables").
const RESERVED: &[&str] = &[
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
];

/// The members of a body. A member that is null counts as absent.
pub struct Members<'a>(Cow<'a, Map<String, Value>>);

impl Members<'_> {
    /// Parses a body; an empty one has no members.
    pub fn parse(body: &[u8]) -> Result<Members<'static>, ApiError> {
        if body.is_empty() {
            return Ok(Members(Cow::Owned(Map::new())));
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => Ok(Members(Cow::Owned(members))),
            Ok(_) => Err(errors::serialization("expected an object".to_string())),
            Err(error) => Err(errors::serialization(error.to_string())),
        }
    }

    /// Any value.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A string.
    pub fn text(&self, name: &str) -> Result<Option<&str>, ApiError> {
        self.typed(name, "a string", Value::as_str)
    }

    /// A string that has to be there.
    pub fn required(&self, name: &str) -> Result<&str, ApiError> {
        self.text(name)?.ok_or_else(|| missing(name))
    }

    /// A string of at most so many characters.
    pub fn short_text(&self, name: &str, max: usize) -> Result<Option<&str>, ApiError> {
        let text = self.text(name)?;
        match text {
            Some(text) if text.chars().count() > max => {
                let constraint = format!("Member must have length less than or equal to {max}");
                Err(errors::validation(text, &member(name), &constraint))
            }
            text => Ok(text),
        }
    }

    /// An integer in a range.
    pub fn integer(&self, name: &str, range: RangeInclusive<u64>) -> Result<Option<u64>, ApiError> {
        let Some(number) = self.typed(name, "an integer", Value::as_i64)? else {
            return Ok(None);
        };
        let constraint = match u64::try_from(number) {
            Ok(found) if range.contains(&found) => return Ok(Some(found)),
            Ok(found) if found > *range.end() => {
                format!(
                    "Member must have value less than or equal to {}",
                    range.end()
                )
            }
            _ => format!(
                "Member must have value greater than or equal to {}",
                range.start()
            ),
        };
        let shown = number.to_string();
        Err(errors::validation(&shown, &member(name), &constraint))
    }

    /// A boolean; absent is false.
    pub fn flag(&self, name: &str) -> Result<bool, ApiError> {
        let flag = self.typed(name, "a boolean", Value::as_bool)?;
        Ok(flag.unwrap_or(false))
    }

    /// An object.
    pub fn object(&self, name: &str) -> Result<Option<Members<'_>>, ApiError> {
        let object = self.typed(name, "an object", Value::as_object)?;
        Ok(object.map(|members| Members(Cow::Borrowed(members))))
    }

    /// A list of strings.
    pub fn list(&self, name: &str) -> Result<Option<Vec<String>>, ApiError> {
        let texts = |value: &Value| -> Option<Vec<String>> {
            let values = value.as_array()?.iter();
            values
                .map(|value| value.as_str().map(String::from))
                .collect()
        };
        self.typed(name, "a list of strings", texts)
    }

    /// An object whose values are strings.
    pub fn texts(&self, name: &str) -> Result<Option<Vec<(String, String)>>, ApiError> {
        let texts = |value: &Value| -> Option<Vec<(String, String)>> {
            let members = value.as_object()?.iter();
            members
                .map(|(name, value)| Some((name.clone(), value.as_str()?.to_string())))
                .collect()
        };
        self.typed(name, "an object of strings", texts)
    }

    fn typed<'a, T>(
        &'a self,
        name: &str,
        expected: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, ApiError> {
        let Some(value) = self.value(name) else {
            return Ok(None);
        };
        let read = read(value);
        read.map(Some)
            .ok_or_else(|| errors::serialization(format!("{name}: expected {expected}")))
    }

    /// The environment variables of `Environment`.
    pub fn variables(&self) -> Result<Option<Vec<(OsString, OsString)>>, ApiError> {
        let Some(environment) = self.object("Environment")? else {
            return Ok(None);
        };
        let variables = environment.texts("Variables")?.unwrap_or_default();
        check_variables(&variables)?;
        let owned = |(name, value): (String, String)| (name.into(), value.into());
        Ok(Some(variables.into_iter().map(owned).collect()))
    }
}

/// The name of a member as the messages have it: `memorySize`.
fn member(name: &str) -> String {
    let mut characters = name.chars();
    let first = characters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(characters).collect()
}

fn missing(name: &str) -> ApiError {
    let mut error = errors::validation("null", &member(name), "Member must not be null");
    error.text = error.text.replace("Value 'null'", "Value null");
    error
}

fn check_variables(variables: &[(String, String)]) -> Result<(), ApiError> {
    let is_name = |name: &str| {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let starts_well = name.starts_with(|first: char| first.is_ascii_alphabetic());
        name.len() > 1 && starts_well && name.bytes().all(is_part)
    };
    let reserved: Vec<&str> = variables
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| RESERVED.contains(name))
        .collect();
    if !reserved.is_empty() {
        return Err(errors::invalid(format!(
            "Lambda was unable to configure your environment variables because the environment \
             variables you have provided contains reserved keys that are currently not supported \
             for modification. Reserved keys used in this request: {}",
            reserved.join(", ")
        )));
    }
    if let Some((name, _)) = variables.iter().find(|(name, _)| !is_name(name)) {
        let constraint = "Map keys must satisfy constraint: [Member must satisfy regular \
                          expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]";
        return Err(errors::validation(
            name,
            "environment.variables",
            constraint,
        ));
    }
    if let Some((name, _)) = variables.iter().find(|(_, value)| value.contains('\0')) {
        return Err(errors::invalid(format!(
            "The value of the environment variable {name} contains a NUL character"
        )));
    }
    let pairs = variables.iter().cloned();
    let measured: Map<String, Value> = pairs.map(|(name, value)| (name, value.into())).collect();
    let measured = Value::from(measured).to_string();
    match measured.len() > VARIABLES_BYTES_MAX {
        true => Err(errors::invalid(format!(
            "Lambda was unable to configure your environment variables because the environment \
             variables you have provided exceeded the 4KB limit. String measured: {measured}"
        ))),
        false => Ok(()),
    }
}
