//! Published versions, and aliases for them.

use crate::local::url;
use std::sync::Arc;

use serde_json::{Value, json};

use super::answer::{self, Form};
use super::deploy::refuse_qualifier;
use super::request::Members;
use super::{
    Answer, Configuration, Function, FunctionRef, Functions, VERSIONS_MAX, errors, no_content, ok,
};
use crate::clock;
use crate::local::http::Reply;
use crate::local::invoke_api::ApiError;
use crate::settings::LATEST;
use crate::sys;

/// Another name of a version.
#[derive(Clone)]
pub struct Alias {
    version: String,
    description: String,
    /// A second version, and its share of the events.
    second: Option<(String, f64)>,
    revision_id: String,
}

impl Alias {
    /// Whether events may go to this version.
    pub fn uses(&self, version: &str) -> bool {
        let second = self.second.as_ref();
        self.version == version || second.is_some_and(|(other, _)| other == version)
    }

    fn shown(&self, function: &str, name: &str) -> Value {
        let mut shown = json!({
            "AliasArn": errors::arn(function, Some(name)),
            "Name": name,
            "FunctionVersion": self.version,
            "Description": self.description,
            "RevisionId": self.revision_id,
        });
        if let (Some((version, weight)), Value::Object(members)) = (&self.second, &mut shown) {
            let weights = json!({ "AdditionalVersionWeights": { version: weight } });
            members.insert("RoutingConfig".to_string(), weights);
        }
        shown
    }

    /// Takes over the members that are there.
    fn update(
        &mut self,
        name: &str,
        function: &Function,
        members: &Members,
    ) -> Result<(), ApiError> {
        if let Some(version) = members.text("FunctionVersion")? {
            self.version = version.to_string();
        }
        if let Some(description) = members.short_text("Description", 256)? {
            self.description = description.to_string();
        }
        if let Some(routing) = members.object("RoutingConfig")? {
            self.second = second_version(&routing)?;
        }
        for version in [
            Some(&self.version),
            self.second.as_ref().map(|(other, _)| other),
        ]
        .into_iter()
        .flatten()
        {
            if !is_version(version) || function.version(Some(version)).is_none() {
                return Err(errors::function_not_found(name, Some(version)));
            }
        }
        match &self.second {
            Some((other, _)) if *other == self.version => Err(errors::invalid(format!(
                "Invalid function version {other}. Function version {other} is already included \
                 in routing configuration."
            ))),
            Some(_) if self.version == LATEST => Err(errors::invalid(
                "$LATEST is not supported for an alias pointing to more than 1 version",
            )),
            _ => Ok(()),
        }
    }
}

/// `$LATEST` or a number: no alias.
fn is_version(text: &str) -> bool {
    text == LATEST || text.parse::<u64>().is_ok()
}

fn second_version(routing: &Members) -> Result<Option<(String, f64)>, ApiError> {
    let Some(Value::Object(weights)) = routing.value("AdditionalVersionWeights") else {
        return Ok(None);
    };
    if weights.len() > 1 {
        return Err(errors::invalid(
            "Number of items in AdditionalVersionWeights cannot be greater than 1",
        ));
    }
    let Some((version, weight)) = weights.iter().next() else {
        return Ok(None);
    };
    let member = "routingConfig.additionalVersionWeights";
    let shown = format!("{{{version}={weight}}}");
    if version.parse::<u64>().is_err() {
        let constraint = "Map keys must satisfy constraint: [Member must have length less than or \
                          equal to 1024, Member must have length greater than or equal to 1, \
                          Member must satisfy regular expression pattern: [0-9]+]";
        return Err(errors::validation(&shown, member, constraint));
    }
    match weight.as_f64() {
        Some(weight) if (0.0..=1.0).contains(&weight) => Ok(Some((version.clone(), weight))),
        _ => {
            let constraint = "Map value must satisfy constraint: [Member must have value less than \
                              or equal to 1.0, Member must have value greater than or equal to \
                              0.0, Member must not be null]";
            Err(errors::validation(&shown, member, constraint))
        }
    }
}

impl Function {
    /// The version that a qualifier names; for an alias its first one.
    pub(super) fn version(&self, qualifier: Option<&str>) -> Option<&Arc<Configuration>> {
        match qualifier {
            None | Some(LATEST) => Some(&self.latest),
            Some(number) if is_version(number) => self.versions.get(&number.parse().ok()?),
            Some(alias) => self.version(Some(&self.aliases.get(alias)?.version)),
        }
    }

    /// The same for one event: an alias may share them out to two versions.
    pub(super) fn version_for_event(&self, qualifier: Option<&str>) -> Option<&Arc<Configuration>> {
        let alias = qualifier.and_then(|name| self.aliases.get(name));
        match alias.and_then(|alias| alias.second.as_ref()) {
            Some((version, weight)) if random_share() < *weight => self.version(Some(version)),
            _ => self.version(qualifier),
        }
    }

    pub(super) fn version_entries(&self) -> Vec<Value> {
        let all = [&self.latest].into_iter().chain(self.versions.values());
        all.map(|found| {
            let version = found.settings.version.as_str();
            answer::configuration(found, Some(version), Form::Entry)
        })
        .collect()
    }

    /// Publishes `$LATEST`, or returns the version that was published from the same.
    pub(super) fn publish(
        &mut self,
        description: Option<&str>,
    ) -> Result<Arc<Configuration>, ApiError> {
        let content = content(&self.latest);
        if self.published.as_ref() == Some(&content)
            && let Some(last) = self.versions.get(&self.last_version)
        {
            return Ok(last.clone());
        }
        if self.versions.len() >= VERSIONS_MAX {
            return Err(errors::storage_exceeded("Code storage limit exceeded."));
        }
        self.last_version += 1;
        self.published = Some(content);
        let version = Arc::new(self.latest.published(self.last_version, description));
        self.versions.insert(self.last_version, version.clone());
        // Its revision changes with each published version, as on Lambda.
        let mut latest = Configuration::clone(&self.latest);
        latest.revision_id = clock::uuid();
        self.latest = Arc::new(latest);
        Ok(version)
    }

    /// Refuses a call that is based on another revision of `$LATEST`.
    pub(super) fn check_revision(&self, members: &Members) -> Result<(), ApiError> {
        match members.text("RevisionId")? {
            Some(revision) if revision != self.latest.revision_id => {
                Err(errors::stale_revision("GetFunction/GetAlias"))
            }
            _ => Ok(()),
        }
    }
}

/// What distinguishes two versions.
fn content(found: &Configuration) -> Value {
    let mut content = answer::configuration(found, None, Form::Entry);
    if let Value::Object(members) = &mut content {
        members.remove("LastModified");
        members.remove("RevisionId");
    }
    content
}

/// A random number from 0 to 1.
fn random_share() -> f64 {
    let [a, b, c, d, ..] = sys::random();
    f64::from(u32::from_ne_bytes([a, b, c, d])) / f64::from(u32::MAX)
}

impl Functions {
    pub(super) fn publish_version(&mut self, reference: &FunctionRef, members: &Members) -> Answer {
        refuse_qualifier(reference)?;
        let (_, function) = self.find_mut(reference, None)?;
        function.check_revision(members)?;
        if let Some(wanted) = members.text("CodeSha256")? {
            let (current, _) = function.latest.package();
            if wanted != current {
                return Err(errors::invalid(format!(
                    "CodeSHA256 ({wanted}) is different from current CodeSHA256 in $LATEST \
                     ({current}). Please try again with the CodeSHA256 in $LATEST."
                )));
            }
        }
        let description = members.short_text("Description", 256)?;
        let version = function.publish(description)?;
        let number = version.settings.version.as_str();
        let body = answer::configuration(&version, Some(number), Form::Full);
        Ok((Reply::json(201, &body), None))
    }

    pub(super) fn list_versions(&self, reference: &FunctionRef, query: &str) -> Answer {
        let (_, function) = self.find(reference, None)?;
        ok(answer::page("Versions", function.version_entries(), query)?)
    }

    pub(super) fn create_alias(&mut self, reference: &FunctionRef, members: &Members) -> Answer {
        let alias = members.required("Name")?.to_string();
        check_alias_name(&alias)?;
        let first = members.required("FunctionVersion")?;
        // The version is part of the message about an unknown function too.
        let (name, function) = self.find_mut(reference, Some(first))?;
        if function.aliases.contains_key(&alias) {
            let arn = errors::arn(&name, Some(&alias));
            return Err(errors::conflict(format!("Alias already exists: {arn}")));
        }
        if function.aliases.len() >= VERSIONS_MAX {
            return Err(errors::storage_exceeded("Too many aliases."));
        }
        let mut new = Alias {
            version: String::new(),
            description: String::new(),
            second: None,
            revision_id: clock::uuid(),
        };
        new.update(&name, function, members)?;
        let body = new.shown(&name, &alias);
        function.aliases.insert(alias, new);
        Ok((Reply::json(201, &body), None))
    }

    pub(super) fn update_alias(
        &mut self,
        reference: &FunctionRef,
        alias: &str,
        members: &Members,
    ) -> Answer {
        let (name, function) = self.find_mut(reference, None)?;
        let Some(mut new) = function.aliases.get(alias).cloned() else {
            let arn = errors::arn(&name, Some(alias));
            return Err(errors::not_found(format!("Alias not found: {arn}")));
        };
        if let Some(revision) = members.text("RevisionId")?
            && revision != new.revision_id
        {
            return Err(errors::stale_revision("GetFunction/GetAlias"));
        }
        new.update(&name, function, members)?;
        new.revision_id = clock::uuid();
        let body = new.shown(&name, alias);
        function.aliases.insert(alias.to_string(), new);
        ok(body)
    }

    pub(super) fn get_alias(&self, reference: &FunctionRef, alias: &str) -> Answer {
        let (name, function) = self.find(reference, None)?;
        match function.aliases.get(alias) {
            Some(found) => ok(found.shown(name, alias)),
            None => Err(alias_not_found(name, alias)),
        }
    }

    /// An alias that does not exist is deleted successfully, as on Lambda.
    pub(super) fn delete_alias(&mut self, reference: &FunctionRef, alias: &str) -> Answer {
        let (_, function) = self.find_mut(reference, None)?;
        function.aliases.remove(alias);
        no_content()
    }

    pub(super) fn list_aliases(&self, reference: &FunctionRef, query: &str) -> Answer {
        let (name, function) = self.find(reference, None)?;
        let version = url::parameter(query, "FunctionVersion");
        let aliases = function.aliases.iter();
        let aliases = aliases.filter(|(_, alias)| version.as_deref().is_none_or(|v| alias.uses(v)));
        let entries = aliases.map(|(alias, found)| found.shown(name, alias));
        ok(answer::page("Aliases", entries.collect(), query)?)
    }
}

/// The error for an alias.
pub(super) fn alias_not_found(name: &str, alias: &str) -> ApiError {
    let arn = errors::arn(name, Some(alias));
    errors::not_found(format!("Cannot find alias arn: {arn}"))
}

fn check_alias_name(alias: &str) -> Result<(), ApiError> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let is_number = alias.bytes().all(|byte| byte.is_ascii_digit());
    match (1..=128).contains(&alias.len()) && alias.bytes().all(is_allowed) && !is_number {
        true => Ok(()),
        false => Err(errors::validation(
            alias,
            "name",
            "Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)",
        )),
    }
}
