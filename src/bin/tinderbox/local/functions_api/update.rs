//! The members of a configuration in a call, checked and taken over.

use serde_json::json;

use super::configuration::Configuration;
use super::errors;
use super::request::Members;
use crate::local::invoke_api::ApiError;

/// The most bytes of members that are stored and have no effect.
const STORED_BYTES_MAX: usize = 64 * 1024;

/// Members that are stored and returned.
const STORED: &[&str] = &[
    "CapacityProviderConfig",
    "DeadLetterConfig",
    "DurableConfig",
    "EphemeralStorage",
    "FileSystemConfigs",
    "KMSKeyArn",
    "TracingConfig",
    "VpcConfig",
];

impl Configuration {
    /// Takes over the members of `UpdateFunctionConfigurationRequest` that are there.
    pub fn update(&mut self, members: &Members) -> Result<(), ApiError> {
        if let Some(handler) = members.short_text("Handler", 128)? {
            if handler.contains(char::is_whitespace) {
                let constraint = r"Member must satisfy regular expression pattern: [^\s]+";
                return Err(errors::validation(handler, "handler", constraint));
            }
            self.settings.handler = handler.to_string();
        }
        if let Some(seconds) = members.integer("Timeout", 1..=5400)? {
            self.settings.timeout = std::time::Duration::from_secs(seconds);
        }
        if let Some(mb) = members.integer("MemorySize", 128..=32_768)? {
            self.settings.memory_mb = u32::try_from(mb).unwrap_or(u32::MAX);
        }
        if let Some(description) = members.short_text("Description", 256)? {
            self.description = description.to_string();
        }
        if let Some(role) = members.short_text("Role", 2048)? {
            self.role = role.to_string();
        }
        if let Some(runtime) = members.text("Runtime")? {
            check_runtime(runtime)?;
            self.runtime = runtime.to_string();
        }
        if let Some(variables) = members.variables()? {
            self.variables = variables;
        }
        if let Some(architecture) = architecture(members)? {
            self.architecture = architecture;
        }
        if let Some(snapstart) = members.object("SnapStart")? {
            self.snapstart = snapstart.text("ApplyOn")? == Some("PublishedVersions");
        }
        self.update_logging(members)?;
        self.update_stored(members)
    }

    fn update_logging(&mut self, members: &Members) -> Result<(), ApiError> {
        let Some(config) = members.object("LoggingConfig")? else {
            return Ok(());
        };
        let logging = &mut self.settings.logging;
        if let Some(group) = config.short_text("LogGroup", 512)? {
            logging.group = Some(group.to_string());
        }
        let level = config.text("ApplicationLogLevel")?;
        if let Some(level) = level
            && !["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"].contains(&level)
        {
            let constraint = "Member must satisfy enum value set: [TRACE, DEBUG, INFO, WARN, \
                              ERROR, FATAL]";
            let member = "loggingConfig.applicationLogLevel";
            return Err(errors::validation(level, member, constraint));
        }
        match config.text("LogFormat")? {
            Some("JSON") => {
                let before = logging.json_level.take();
                let level = level.map(String::from).or(before);
                logging.json_level = level.or(Some("INFO".to_string()));
            }
            Some("Text") => logging.json_level = None,
            Some(other) => {
                let constraint = "Member must satisfy enum value set: [JSON, Text]";
                return Err(errors::validation(
                    other,
                    "loggingConfig.logFormat",
                    constraint,
                ));
            }
            None if logging.json_level.is_some() && level.is_some() => {
                logging.json_level = level.map(String::from);
            }
            None => {}
        }
        Ok(())
    }

    fn update_stored(&mut self, members: &Members) -> Result<(), ApiError> {
        for &name in STORED {
            if let Some(value) = members.value(name) {
                self.stored.insert(name.to_string(), value.clone());
            }
        }
        if let Some(layers) = members.list("Layers")? {
            let shown = layers
                .iter()
                .map(|arn| json!({ "Arn": arn, "CodeSize": 0 }));
            self.stored.insert("Layers".to_string(), shown.collect());
        }
        let length = serde_json::Value::from(self.stored.clone())
            .to_string()
            .len();
        match length > STORED_BYTES_MAX {
            true => Err(errors::too_large(format!(
                "The configuration has {length} bytes, and the limit is {STORED_BYTES_MAX}"
            ))),
            false => Ok(()),
        }
    }
}

/// `arn:PARTITION:iam::ACCOUNT:role/NAME`.
pub fn check_role(role: &str) -> Result<(), ApiError> {
    let parts: Vec<&str> = role.splitn(6, ':').collect();
    let is_valid = match parts.as_slice() {
        ["arn", partition, "iam", "", account, name] => {
            partition.starts_with("aws")
                && account.len() == 12
                && account.bytes().all(|byte| byte.is_ascii_digit())
                && name.starts_with("role")
        }
        _ => false,
    };
    match is_valid {
        true => Ok(()),
        false => {
            let constraint = "Member must satisfy regular expression pattern: \
                arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+";
            Err(errors::validation(role, "role", constraint))
        }
    }
}

/// Any runtime will do whose package has a bootstrap; a misspelled one will not.
fn check_runtime(runtime: &str) -> Result<(), ApiError> {
    const FAMILIES: [&str; 8] = [
        "provided", "nodejs", "python", "java", "dotnet", "ruby", "go1.x", "custom",
    ];
    match FAMILIES.iter().any(|family| runtime.starts_with(family)) {
        true => Ok(()),
        false => Err(errors::invalid(format!(
            "Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum \
             value set: [provided.al2023, provided.al2] or be a valid ARN"
        ))),
    }
}

/// The only member of `Architectures`.
pub fn architecture(members: &Members) -> Result<Option<String>, ApiError> {
    let Some(list) = members.list("Architectures")? else {
        return Ok(None);
    };
    let shown = format!("[{}]", list.join(", "));
    match list.as_slice() {
        [one] if one == "x86_64" || one == "arm64" => Ok(Some(one.clone())),
        [_] => Err(errors::validation(
            &shown,
            "architectures",
            "Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, \
             arm64], Member must not be null]",
        )),
        _ => Err(errors::validation(
            &shown,
            "architectures",
            "Member must have length less than or equal to 1",
        )),
    }
}
