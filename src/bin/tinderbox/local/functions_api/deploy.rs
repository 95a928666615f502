//! Functions are created, updated and deleted.

use std::sync::Arc;

use super::answer::{self, Form};
use super::configuration::Configuration;
use super::request::Members;
use super::update::{architecture, check_role};
use super::{
    Answer, Change, FUNCTIONS_MAX, Function, FunctionRef, Functions, UNPACKED_BYTES_MAX, errors,
    no_content, ok, package,
};
use crate::local::http::Reply;
use crate::local::invoke_api::ApiError;
use crate::settings::LATEST;

const NAME_BYTES_MAX: usize = 64;

impl Functions {
    pub(super) fn create_function(&mut self, members: &Members) -> Answer {
        let name = members.required("FunctionName")?;
        let name = plain_name(name)?;
        if let Some(role) = members.value("Role") {
            check_role(role.as_str().unwrap_or_default())?;
        } else {
            members.required("Role")?;
        }
        if members.text("PackageType")? == Some("Image") {
            let what = "functions that are images in calls: use tinderbox run --image";
            return Err(errors::not_emulated(what));
        }
        let code = members.object("Code")?;
        let code =
            code.ok_or_else(|| errors::validation("null", "code", "Member must not be null"))?;
        if self.functions.contains_key(&name) {
            return Err(errors::conflict(format!("Function already exist: {name}")));
        }
        if self.functions.len() >= FUNCTIONS_MAX {
            return Err(errors::storage_exceeded("Code storage limit exceeded."));
        }
        let (code, program) = package::unpack(&code, &self.defaults.runner)?;
        let mut configuration = Configuration::new(&name, program, code, &self.defaults);
        configuration.update(members)?;
        configuration.apply_defaults(&self.defaults);
        self.check_storage(&configuration)?;
        let tags = members.texts("Tags")?.unwrap_or_default();
        let mut function = Function::new(configuration);
        function.add_tags(tags)?;
        let shown = match members.flag("Publish")? {
            true => function.publish(None)?,
            false => function.latest.clone(),
        };
        self.functions.insert(name.clone(), function);
        let body = answer::configuration(&shown, None, Form::Full);
        Ok((Reply::json(201, &body), Some(Change::Created(name))))
    }

    pub(super) fn update_code(&mut self, reference: &FunctionRef, members: &Members) -> Answer {
        refuse_qualifier(reference)?;
        let (_, function) = self.find(reference, None)?;
        function.check_revision(members)?;
        if members.text("ImageUri")?.is_some() {
            let what = "Please don't provide ImageUri when updating a function with packageType \
                        Zip.";
            return Err(errors::invalid(what));
        }
        let mut new = Configuration::clone(&function.latest);
        new.set_code(package::unpack(members, &self.defaults.runner)?);
        if let Some(architecture) = architecture(members)? {
            new.architecture = architecture;
        }
        self.replace(reference, new, members)
    }

    pub(super) fn update_configuration(
        &mut self,
        reference: &FunctionRef,
        members: &Members,
    ) -> Answer {
        refuse_qualifier(reference)?;
        let (_, function) = self.find(reference, None)?;
        function.check_revision(members)?;
        let mut new = Configuration::clone(&function.latest);
        if let Some(role) = members.text("Role")? {
            check_role(role)?;
        }
        new.update(members)?;
        new.apply_defaults(&self.defaults);
        self.replace(reference, new, members)
    }

    /// The new `$LATEST`, published if the call says so.
    fn replace(
        &mut self,
        reference: &FunctionRef,
        mut new: Configuration,
        members: &Members,
    ) -> Answer {
        self.check_storage(&new)?;
        if members.flag("DryRun")? {
            return ok(answer::configuration(&new, None, Form::Full));
        }
        new.touch();
        let (name, function) = self.find_mut(reference, None)?;
        function.latest = Arc::new(new);
        let body = match members.flag("Publish")? {
            true => {
                let version = function.publish(None)?;
                let number = version.settings.version.as_str();
                answer::configuration(&version, Some(number), Form::Full)
            }
            false => answer::configuration(&function.latest, None, Form::Full),
        };
        Ok((Reply::json(200, &body), Some(Change::Restart(name))))
    }

    pub(super) fn delete_function(&mut self, reference: &FunctionRef) -> Answer {
        let (name, function) = match reference.qualifier.as_deref() {
            Some(LATEST) => {
                let what = "$LATEST version cannot be deleted without deleting the function.";
                return Err(errors::invalid(what));
            }
            Some(_) => self.find_mut(reference, None)?,
            None => {
                let (name, _) = self.find(reference, None)?;
                let name = name.to_string();
                self.functions.remove(&name);
                let change = Change::Deleted {
                    name,
                    version: None,
                };
                return no_content().map(|(reply, _)| (reply, Some(change)));
            }
        };
        let qualifier = reference.qualifier.clone().unwrap_or_default();
        let Ok(number) = qualifier.parse() else {
            let what = "Deletion of aliases is not currently supported.";
            return Err(errors::invalid(what));
        };
        let uses = function.aliases.iter();
        let uses = uses.filter(|(_, alias)| alias.uses(&qualifier));
        let uses: Vec<&str> = uses.map(|(alias, _)| alias.as_str()).collect();
        if !uses.is_empty() {
            return Err(errors::conflict(format!(
                "Unable to delete version because the following aliases reference it: [{}]",
                uses.join(", ")
            )));
        }
        // A version that does not exist is deleted successfully, as on Lambda.
        let is_gone = function.versions.remove(&number).is_some();
        let change = Change::Deleted {
            name,
            version: Some(qualifier),
        };
        no_content().map(|(reply, _)| (reply, is_gone.then_some(change)))
    }

    fn check_storage(&self, new: &Configuration) -> Result<(), ApiError> {
        let more = match &*new.code {
            super::Code::Zip { unpacked_bytes, .. } => *unpacked_bytes,
            super::Code::Local => 0,
        };
        match self.unpacked_bytes().saturating_add(more) > UNPACKED_BYTES_MAX {
            true => Err(errors::storage_exceeded("Code storage limit exceeded.")),
            false => Ok(()),
        }
    }
}

/// The name of a function to create: as it is, or the last part of its ARN.
fn plain_name(text: &str) -> Result<String, ApiError> {
    let name = match text.rsplit_once(":function:") {
        Some((_, name)) => name,
        None => text.strip_prefix("function:").unwrap_or(text),
    };
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if name.is_empty() || !name.bytes().all(is_allowed) {
        let constraint = "Member must satisfy regular expression pattern: \
            (arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:\
            )?(\\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?";
        return Err(errors::validation(text, "functionName", constraint));
    }
    if name.len() > NAME_BYTES_MAX {
        let constraint = "Member must have length less than or equal to 64";
        let mut error = errors::validation(text, "functionName", constraint);
        error.error_type = "InvalidParameterValueException";
        return Err(error);
    }
    Ok(name.to_string())
}

/// Only `$LATEST` changes.
pub(super) fn refuse_qualifier(reference: &FunctionRef) -> Result<(), ApiError> {
    match reference.qualifier.as_deref() {
        None | Some(LATEST) => Ok(()),
        Some(_) => Err(errors::invalid(
            "This operation is permitted on Lambda functions only. Aliases and versions do not \
             support this operation. Please specify either a function name or an unqualified \
             function ARN.",
        )),
    }
}
