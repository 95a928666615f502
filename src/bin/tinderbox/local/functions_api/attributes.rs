//! What belongs to a function as a whole: tags, permissions, reserved concurrency, and the answers
//! about what does not exist here.

use crate::local::url;
use serde_json::{Map, Value, json};

use super::request::Members;
use super::versions::alias_not_found;
use super::{
    Answer, Function, FunctionRef, Functions, Manage, ManageCall, alias_name, errors, no_content,
    ok,
};
use crate::local::http::Reply;
use crate::local::invoke_api::ApiError;
use crate::settings::LATEST;

/// Lambda's limits for the tags of a function and for its policy.
const TAGS_MAX: usize = 50;
const POLICY_BYTES_MAX: usize = 20 * 1024;

/// A statement of a resource policy. It is stored and returned: here everybody may call.
pub struct Permission {
    qualifier: Option<String>,
    id: String,
    statement: Value,
}

impl Functions {
    pub(super) fn perform_setting(
        &mut self,
        call: &ManageCall,
        reference: &FunctionRef,
        members: &Members,
    ) -> Answer {
        use Manage as M;
        match call.operation {
            M::ListTags | M::TagResource | M::UntagResource => self.tags(call, reference, members),
            M::AddPermission => self.add_permission(reference, members),
            M::RemovePermission => self.remove_permission(reference, alias_name(call)),
            M::GetPolicy => self.get_policy(reference),
            M::PutFunctionConcurrency => self.put_concurrency(reference, members),
            M::DeleteFunctionConcurrency => {
                let (_, function) = self.find_mut(reference, None)?;
                function.reserved_concurrency = None;
                no_content()
            }
            M::GetFunctionConcurrency => {
                let (_, function) = self.find(reference, None)?;
                ok(concurrency(function.reserved_concurrency))
            }
            M::ListFunctionUrlConfigs => self.empty_list(reference, "FunctionUrlConfigs"),
            M::ListProvisionedConcurrencyConfigs => {
                self.empty_list(reference, "ProvisionedConcurrencyConfigs")
            }
            M::GetFunctionUrlConfig => Err(does_not_exist()),
            M::GetFunctionEventInvokeConfig => {
                let qualifier = reference.qualifier.as_deref().unwrap_or(LATEST);
                let arn = errors::arn(&reference.name, Some(qualifier));
                Err(errors::not_found(format!(
                    "The function {arn} doesn't have an EventInvokeConfig"
                )))
            }
            other => Err(errors::not_emulated(&format!("{other:?}"))),
        }
    }

    fn empty_list(&self, reference: &FunctionRef, name: &str) -> Answer {
        self.find(reference, None)?;
        ok(json!({ name: [] }))
    }

    fn tags(&mut self, call: &ManageCall, reference: &FunctionRef, members: &Members) -> Answer {
        if reference.qualifier.is_some() {
            return Err(errors::invalid(
                "Tags on function aliases and versions are not supported. Please specify a \
                 function ARN.",
            ));
        }
        let (_, function) = self.find_mut(reference, None)?;
        match call.operation {
            Manage::TagResource => {
                function.add_tags(members.texts("Tags")?.unwrap_or_default())?;
                no_content()
            }
            Manage::UntagResource => {
                for key in url::parameters(&call.query, "tagKeys") {
                    function.tags.remove(&key);
                }
                no_content()
            }
            _ => ok(json!({ "Tags": function.tags })),
        }
    }

    fn put_concurrency(&mut self, reference: &FunctionRef, members: &Members) -> Answer {
        super::deploy::refuse_qualifier(reference)?;
        let (_, function) = self.find_mut(reference, Some(LATEST))?;
        let count = members.integer("ReservedConcurrentExecutions", 0..=u64::from(u32::MAX))?;
        let member = "reservedConcurrentExecutions";
        let missing = || errors::validation("null", member, "Member must not be null");
        function.reserved_concurrency = Some(count.ok_or_else(missing)?);
        ok(concurrency(count))
    }

    fn add_permission(&mut self, reference: &FunctionRef, members: &Members) -> Answer {
        let qualifier = reference.qualifier.clone();
        let (name, function) = self.find_mut(reference, None)?;
        if qualifier.as_deref() == Some(LATEST) {
            let what = "We currently do not support adding policies for $LATEST.";
            return Err(errors::invalid(what));
        }
        if function.version(qualifier.as_deref()).is_none() {
            let shown = qualifier.as_deref().unwrap_or_default();
            return Err(match shown.bytes().all(|byte| byte.is_ascii_digit()) {
                true => errors::function_not_found(&name, Some(shown)),
                false => alias_not_found(&name, shown),
            });
        }
        let id = members.required("StatementId")?.to_string();
        let is_same = |found: &&Permission| found.qualifier == qualifier && found.id == id;
        if function.permissions.iter().any(|found| is_same(&found)) {
            return Err(errors::conflict(format!(
                "The statement id ({id}) provided already exists. Please provide a new statement \
                 id, or remove the existing statement."
            )));
        }
        let statement = statement(&id, &errors::arn(&name, qualifier.as_deref()), members)?;
        let present = function.permissions.iter();
        let present: usize = present.map(|found| found.statement.to_string().len()).sum();
        if present + statement.to_string().len() > POLICY_BYTES_MAX {
            let mut error =
                errors::invalid("The final policy size is bigger than the limit (20480).");
            error.error_type = "PolicyLengthExceededException";
            return Err(error);
        }
        let body = json!({ "Statement": statement.to_string() });
        function.permissions.push(Permission {
            qualifier,
            id,
            statement,
        });
        Ok((Reply::json(201, &body), None))
    }

    fn remove_permission(&mut self, reference: &FunctionRef, id: &str) -> Answer {
        let qualifier = reference.qualifier.clone();
        let Ok((_, function)) = self.find_mut(reference, None) else {
            let arn = errors::arn(&reference.name, qualifier.as_deref());
            return Err(errors::not_found(format!("No policy found for: {arn}")));
        };
        let permissions = &mut function.permissions;
        if !permissions.iter().any(|found| found.qualifier == qualifier) {
            let what = "No policy is associated with the given resource.";
            return Err(errors::not_found(what.to_string()));
        }
        let before = permissions.len();
        permissions.retain(|found| found.qualifier != qualifier || found.id != id);
        match permissions.len() < before {
            true => no_content(),
            false => Err(errors::not_found(format!(
                "Statement {id} is not found in resource policy."
            ))),
        }
    }

    fn get_policy(&self, reference: &FunctionRef) -> Answer {
        let (_, function) = self.find(reference, None).map_err(|_| does_not_exist())?;
        let permissions = function.permissions.iter();
        let statements: Vec<&Value> = permissions
            .filter(|found| found.qualifier == reference.qualifier)
            .map(|found| &found.statement)
            .collect();
        if statements.is_empty() {
            return Err(does_not_exist());
        }
        let policy = json!({ "Version": "2012-10-17", "Id": "default", "Statement": statements });
        ok(json!({
            "Policy": policy.to_string(),
            "RevisionId": function.latest.revision_id,
        }))
    }

    pub(super) fn account_settings(&self) -> Reply {
        let body = json!({
            "AccountLimit": {
                "TotalCodeSize": 80_530_636_800u64,
                "CodeSizeUnzipped": super::zip::UNPACKED_BYTES_MAX,
                "CodeSizeZipped": 52_428_800,
                "ConcurrentExecutions": 1000,
                "UnreservedConcurrentExecutions": 1000,
            },
            "AccountUsage": {
                "TotalCodeSize": self.unpacked_bytes(),
                "FunctionCount": self.functions.len(),
            },
        });
        Reply::json(200, &body)
    }
}

impl Function {
    pub(super) fn add_tags(&mut self, tags: Vec<(String, String)>) -> Result<(), ApiError> {
        let mut all = self.tags.clone();
        all.extend(tags);
        if all.len() > TAGS_MAX {
            return Err(errors::invalid(
                "Number of tags exceeds resource tag limit.",
            ));
        }
        if all
            .iter()
            .any(|(key, value)| key.len() > 512 || value.len() > 1024)
        {
            return Err(errors::invalid("A tag is too long."));
        }
        self.tags = all;
        Ok(())
    }
}

fn concurrency(count: Option<u64>) -> Value {
    match count {
        Some(count) => json!({ "ReservedConcurrentExecutions": count }),
        None => json!({}),
    }
}

fn does_not_exist() -> ApiError {
    errors::not_found("The resource you requested does not exist.".to_string())
}

fn statement(id: &str, resource: &str, members: &Members) -> Result<Value, ApiError> {
    let principal = members.required("Principal")?;
    let is_account = principal.len() == 12 && principal.bytes().all(|byte| byte.is_ascii_digit());
    let principal = match principal {
        "*" => json!("*"),
        _ if is_account => json!({ "AWS": format!("arn:aws:iam::{principal}:root") }),
        _ if principal.starts_with("arn:") => json!({ "AWS": principal }),
        _ => json!({ "Service": principal }),
    };
    let mut conditions: Map<String, Value> = Map::new();
    for (member, operator, key) in [
        ("SourceArn", "ArnLike", "AWS:SourceArn"),
        ("SourceAccount", "StringEquals", "AWS:SourceAccount"),
        ("PrincipalOrgID", "StringEquals", "aws:PrincipalOrgID"),
        (
            "EventSourceToken",
            "StringEquals",
            "lambda:EventSourceToken",
        ),
        (
            "FunctionUrlAuthType",
            "StringEquals",
            "lambda:FunctionUrlAuthType",
        ),
    ] {
        if let Some(value) = members.text(member)? {
            let operator = conditions.entry(operator).or_insert_with(|| json!({}));
            operator[key] = value.into();
        }
    }
    let mut statement = json!({
        "Sid": id,
        "Effect": "Allow",
        "Principal": principal,
        "Action": members.required("Action")?,
        "Resource": resource,
    });
    if !conditions.is_empty() {
        statement["Condition"] = conditions.into();
    }
    Ok(statement)
}
