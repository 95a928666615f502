//! The functions that the local Lambda has, and the calls that manage them.
//!
//! Data alone: nothing here starts or stops a process. `manage` answers a call and returns what the
//! engine has to do about it (`Change`); `resolve` finds the version that an event is for. A
//! version is an `Arc<Configuration>` that never changes, so an environment holds on to the one
//! that it was started with, and to its files.
//!
//! - `configuration`  one version of a function
//! - `options`        `--function` of the command line
//! - `request`, `answer`, `errors`  members of bodies, answers, and errors in Lambda's words
//! - `deploy`, `update`  create, update, delete
//! - `package`, `zip` deployment packages
//! - `versions`       published versions and aliases
//! - `attributes`     tags, permissions, reserved concurrency
//!
//! Sources: AWS's model of the API (lambda, 2015-03-31); for the texts of errors, answers of
//! production recorded by localstack/localstack (tests/aws/services/lambda_, snapshots).

mod answer;
mod attributes;
mod call;
mod change;
mod configuration;
mod deploy;
mod errors;
mod not_emulated;
mod options;
mod package;
mod request;

#[cfg(test)]
mod tests;
mod update;
mod versions;
pub mod zip;

pub use call::{Manage, ManageCall};
pub use change::Change;
pub use configuration::Configuration;
pub use not_emulated::refusal;
pub use options::FunctionOptions;

use crate::local::url;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::RunOptions;
use super::http::Reply;
use super::invoke_api::{ApiError, FunctionRef};
use super::sandbox::Sandbox;
use crate::clock;
use crate::output::Failure;
use crate::settings::{LATEST, region};
use answer::Form;
use attributes::Permission;
use configuration::{Code, Defaults};
use request::Members;
use versions::Alias;

/// The most functions, and the most published versions and aliases of one; all unpacked packages.
const FUNCTIONS_MAX: usize = 1000;
const VERSIONS_MAX: usize = 1000;
const UNPACKED_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;

/// Lambda's limits for requests, in bytes: those with code, and here for all others.
const CODE_REQUEST_BYTES_MAX: usize = 70_167_211;
const REQUEST_BYTES_MAX: usize = 1024 * 1024;

/// All functions, by name.
pub struct Functions {
    functions: BTreeMap<String, Function>,
    /// The function that serves every name, because the user gave it none.
    any_name: Option<String>,
    defaults: Defaults,
}

/// A function: its versions, and what belongs to all of them.
struct Function {
    latest: Arc<Configuration>,
    versions: BTreeMap<u64, Arc<Configuration>>,
    /// The number of the last version, which is never used again, and what it was published from.
    last_version: u64,
    published: Option<Value>,
    aliases: BTreeMap<String, Alias>,
    tags: BTreeMap<String, String>,
    permissions: Vec<Permission>,
    reserved_concurrency: Option<u64>,
}

/// The version that an event is for.
pub struct Resolved {
    pub configuration: Arc<Configuration>,
    /// `$LATEST`, or a number.
    pub executed_version: String,
    /// With the qualifier of the call, if there was one.
    pub invoked_arn: String,
    /// The most events at once that the function may handle; 0 is none.
    pub reserved_concurrency: Option<u64>,
}

type Answer = Result<(Reply, Option<Change>), ApiError>;

impl Functions {
    /// Those of the command line.
    pub fn new(options: &RunOptions, sandbox: Arc<Sandbox>) -> Result<Functions, Failure> {
        let defaults = Defaults::new(options, sandbox);
        let mut functions = BTreeMap::new();
        for function in &options.functions {
            let configuration = Configuration::local(function, &defaults)?;
            let name = function.name.clone();
            if functions
                .insert(name, Function::new(configuration))
                .is_some()
            {
                return Err(Failure::new(format!(
                    "run: the function '{}' is there twice: give each another name",
                    function.name
                )));
            }
        }
        let only = options.functions.first().map(|only| only.name.clone());
        Ok(Functions {
            functions,
            any_name: only.filter(|_| options.serves_any_name),
            defaults,
        })
    }

    /// The version that an event for this function is for.
    pub fn resolve(&self, reference: &FunctionRef) -> Result<Resolved, ApiError> {
        let qualifier = reference.qualifier.as_deref();
        let shown = qualifier.or(Some(LATEST));
        let (name, function) = self.find(reference, shown)?;
        let found = function.version_for_event(qualifier);
        let found = found.or_else(|| self.is_any_name(name).then_some(&function.latest));
        let Some(configuration) = found.cloned() else {
            return Err(errors::function_not_found(name, qualifier));
        };
        Ok(Resolved {
            executed_version: configuration.settings.version.clone(),
            invoked_arn: errors::arn(name, qualifier),
            reserved_concurrency: function.reserved_concurrency,
            configuration,
        })
    }

    /// The longest body of this call that is read.
    pub fn body_bytes_max(call: &ManageCall) -> usize {
        match call.operation {
            Manage::CreateFunction | Manage::UpdateFunctionCode => CODE_REQUEST_BYTES_MAX,
            _ => REQUEST_BYTES_MAX,
        }
    }

    /// Lambda's answer to a longer one.
    pub fn body_too_large(call: &ManageCall) -> Reply {
        let limit = Functions::body_bytes_max(call);
        let text = format!(
            "Request must be smaller than {limit} bytes for the {:?} operation",
            call.operation
        );
        errors::too_large(text).reply()
    }

    /// Answers a call; the engine has to act on the change.
    pub fn manage(&mut self, call: &ManageCall, body: &[u8]) -> (Reply, Option<Change>) {
        let answer = Members::parse(body).and_then(|members| self.perform(call, &members));
        let (reply, change) = match answer {
            Ok((reply, change)) => (reply.with_header("X-Amzn-RequestId", clock::uuid()), change),
            Err(error) => (error.reply(), None),
        };
        (reply, change)
    }

    fn perform(&mut self, call: &ManageCall, members: &Members) -> Answer {
        use Manage as M;
        match call.operation {
            M::CreateFunction => return self.create_function(members),
            M::ListFunctions => return self.list_functions(&call.query),
            M::GetAccountSettings => return Ok((self.account_settings(), None)),
            M::ListLayers => return ok(json!({ "Layers": [] })),
            M::ListEventSourceMappings => return ok(json!({ "EventSourceMappings": [] })),
            _ => {}
        }
        let Some(reference) = &call.function else {
            return Err(errors::validation(
                "",
                "functionName",
                "Member must not be null",
            ));
        };
        match call.operation {
            M::GetFunction | M::GetFunctionConfiguration => self.get_function(call, reference),
            M::DeleteFunction => self.delete_function(reference),
            M::UpdateFunctionCode => self.update_code(reference, members),
            M::UpdateFunctionConfiguration => self.update_configuration(reference, members),
            M::PublishVersion => self.publish_version(reference, members),
            M::ListVersionsByFunction => self.list_versions(reference, &call.query),
            M::CreateAlias => self.create_alias(reference, members),
            M::UpdateAlias => self.update_alias(reference, alias_name(call), members),
            M::GetAlias => self.get_alias(reference, alias_name(call)),
            M::DeleteAlias => self.delete_alias(reference, alias_name(call)),
            M::ListAliases => self.list_aliases(reference, &call.query),
            _ => self.perform_setting(call, reference, members),
        }
    }

    /// The function of this name, under its own name; `shown` is the qualifier in the error.
    fn find(
        &self,
        reference: &FunctionRef,
        shown: Option<&str>,
    ) -> Result<(&str, &Function), ApiError> {
        let name = self.own_name(reference, shown)?;
        let found = self.functions.get_key_value(&name);
        found
            .map(|(name, function)| (name.as_str(), function))
            .ok_or_else(|| errors::function_not_found(&name, shown))
    }

    /// The same, to change it.
    fn find_mut(
        &mut self,
        reference: &FunctionRef,
        shown: Option<&str>,
    ) -> Result<(String, &mut Function), ApiError> {
        let name = self.own_name(reference, shown)?;
        match self.functions.get_mut(&name) {
            Some(function) => Ok((name, function)),
            None => Err(errors::function_not_found(&name, shown)),
        }
    }

    fn own_name(&self, reference: &FunctionRef, shown: Option<&str>) -> Result<String, ApiError> {
        let name = &reference.name;
        if self.functions.contains_key(name) {
            check_region(reference)?;
            return Ok(name.clone());
        }
        match &self.any_name {
            Some(only) if self.functions.contains_key(only) => Ok(only.clone()),
            _ => {
                check_region(reference)?;
                Err(errors::function_not_found(name, shown))
            }
        }
    }

    fn is_any_name(&self, name: &str) -> bool {
        self.any_name.as_deref() == Some(name)
    }

    fn get_function(&self, call: &ManageCall, reference: &FunctionRef) -> Answer {
        let qualifier = reference.qualifier.as_deref();
        let (name, function) = self.find(reference, qualifier)?;
        let found = function.version(qualifier);
        let found = found.ok_or_else(|| errors::function_not_found(name, qualifier))?;
        ok(match call.operation {
            Manage::GetFunction => answer::function(function, found, qualifier),
            _ => answer::configuration(found, qualifier, Form::Full),
        })
    }

    fn list_functions(&self, query: &str) -> Answer {
        let mut entries = Vec::new();
        let all_versions = match url::parameter(query, "FunctionVersion").as_deref() {
            None => false,
            Some("ALL") => true,
            Some(other) => {
                let constraint = "Member must satisfy enum value set: [ALL]";
                return Err(errors::validation(other, "functionVersion", constraint));
            }
        };
        for function in self.functions.values() {
            if all_versions {
                entries.extend(function.version_entries());
            } else {
                entries.push(answer::configuration(&function.latest, None, Form::Entry));
            }
        }
        ok(answer::page("Functions", entries, query)?)
    }

    /// The bytes of all unpacked packages; versions may share one.
    fn unpacked_bytes(&self) -> u64 {
        let mut packages = BTreeMap::new();
        for function in self.functions.values() {
            let published = function.versions.values();
            for configuration in published.chain([&function.latest]) {
                if let Code::Zip { unpacked_bytes, .. } = &*configuration.code {
                    packages.insert(Arc::as_ptr(&configuration.code), *unpacked_bytes);
                }
            }
        }
        packages.values().sum()
    }
}

impl Function {
    fn new(configuration: Configuration) -> Function {
        Function {
            latest: Arc::new(configuration),
            versions: BTreeMap::new(),
            last_version: 0,
            published: None,
            aliases: BTreeMap::new(),
            tags: BTreeMap::new(),
            permissions: Vec::new(),
            reserved_concurrency: None,
        }
    }
}

/// An answer with status 200 and no change.
fn ok(body: Value) -> Answer {
    Ok((Reply::json(200, &body), None))
}

/// An empty answer.
fn no_content() -> Answer {
    Ok((Reply::empty(204), None))
}

fn alias_name(call: &ManageCall) -> &str {
    call.name.as_deref().unwrap_or_default()
}

fn check_region(reference: &FunctionRef) -> Result<(), ApiError> {
    let here = region();
    let here = here.to_string_lossy();
    match &reference.region {
        Some(there) if *there != *here => Err(errors::not_found(format!(
            "Functions from '{there}' are not reachable in this region ('{here}')"
        ))),
        _ => Ok(()),
    }
}
