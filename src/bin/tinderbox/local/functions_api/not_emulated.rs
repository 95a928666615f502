//! Operations of Lambda's API that are not emulated, so that the refusal can name them.

use super::errors;
use crate::local::invoke_api::ApiError;

/// Method, path behind the API's date, and name; `*` is any one part.
const OPERATIONS: &[(&str, &str, &str)] = &[
    (
        "POST",
        "layers/*/versions/*/policy",
        "AddLayerVersionPermission",
    ),
    (
        "POST",
        "durable-executions/*/checkpoint",
        "CheckpointDurableExecution",
    ),
    ("POST", "capacity-providers", "CreateCapacityProvider"),
    ("POST", "code-signing-configs", "CreateCodeSigningConfig"),
    ("POST", "event-source-mappings", "CreateEventSourceMapping"),
    ("POST", "functions/*/url", "CreateFunctionUrlConfig"),
    ("DELETE", "capacity-providers/*", "DeleteCapacityProvider"),
    (
        "DELETE",
        "code-signing-configs/*",
        "DeleteCodeSigningConfig",
    ),
    ("DELETE", "durable-executions/*", "DeleteDurableExecution"),
    (
        "DELETE",
        "event-source-mappings/*",
        "DeleteEventSourceMapping",
    ),
    (
        "DELETE",
        "functions/*/code-signing-config",
        "DeleteFunctionCodeSigningConfig",
    ),
    (
        "DELETE",
        "functions/*/event-invoke-config",
        "DeleteFunctionEventInvokeConfig",
    ),
    ("DELETE", "functions/*/url", "DeleteFunctionUrlConfig"),
    ("DELETE", "layers/*/versions/*", "DeleteLayerVersion"),
    (
        "DELETE",
        "functions/*/provisioned-concurrency",
        "DeleteProvisionedConcurrencyConfig",
    ),
    ("DELETE", "resource-policy/*", "DeleteResourcePolicy"),
    ("GET", "capacity-providers/*", "GetCapacityProvider"),
    ("GET", "code-signing-configs/*", "GetCodeSigningConfig"),
    ("GET", "durable-executions/*", "GetDurableExecution"),
    (
        "GET",
        "durable-executions/*/history",
        "GetDurableExecutionHistory",
    ),
    (
        "GET",
        "durable-executions/*/state",
        "GetDurableExecutionState",
    ),
    ("GET", "event-source-mappings/*", "GetEventSourceMapping"),
    (
        "GET",
        "functions/*/code-signing-config",
        "GetFunctionCodeSigningConfig",
    ),
    (
        "GET",
        "functions/*/recursion-config",
        "GetFunctionRecursionConfig",
    ),
    (
        "GET",
        "functions/*/function-scaling-config",
        "GetFunctionScalingConfig",
    ),
    ("GET", "layers/*/versions/*", "GetLayerVersion"),
    ("GET", "layers/*/versions/*/policy", "GetLayerVersionPolicy"),
    ("GET", "resource-policy/*", "GetResourcePolicy"),
    (
        "GET",
        "functions/*/runtime-management-config",
        "GetRuntimeManagementConfig",
    ),
    ("GET", "capacity-providers", "ListCapacityProviders"),
    ("GET", "code-signing-configs", "ListCodeSigningConfigs"),
    (
        "GET",
        "functions/*/durable-executions",
        "ListDurableExecutionsByFunction",
    ),
    (
        "GET",
        "functions/*/event-invoke-config/list",
        "ListFunctionEventInvokeConfigs",
    ),
    (
        "GET",
        "capacity-providers/*/function-versions",
        "ListFunctionVersionsByCapacityProvider",
    ),
    (
        "GET",
        "code-signing-configs/*/functions",
        "ListFunctionsByCodeSigningConfig",
    ),
    ("GET", "layers/*/versions", "ListLayerVersions"),
    (
        "POST",
        "durable-executions/*/pause",
        "PauseDurableExecution",
    ),
    ("POST", "layers/*/versions", "PublishLayerVersion"),
    (
        "PUT",
        "functions/*/code-signing-config",
        "PutFunctionCodeSigningConfig",
    ),
    (
        "PUT",
        "functions/*/event-invoke-config",
        "PutFunctionEventInvokeConfig",
    ),
    (
        "PUT",
        "functions/*/recursion-config",
        "PutFunctionRecursionConfig",
    ),
    (
        "PUT",
        "functions/*/function-scaling-config",
        "PutFunctionScalingConfig",
    ),
    (
        "PUT",
        "functions/*/provisioned-concurrency",
        "PutProvisionedConcurrencyConfig",
    ),
    ("PUT", "resource-policy/*", "PutResourcePolicy"),
    (
        "PUT",
        "functions/*/runtime-management-config",
        "PutRuntimeManagementConfig",
    ),
    (
        "DELETE",
        "layers/*/versions/*/policy/*",
        "RemoveLayerVersionPermission",
    ),
    (
        "POST",
        "durable-executions/*/resume",
        "ResumeDurableExecution",
    ),
    (
        "POST",
        "durable-execution-callbacks/*/fail",
        "SendDurableExecutionCallbackFailure",
    ),
    (
        "POST",
        "durable-execution-callbacks/*/heartbeat",
        "SendDurableExecutionCallbackHeartbeat",
    ),
    (
        "POST",
        "durable-execution-callbacks/*/succeed",
        "SendDurableExecutionCallbackSuccess",
    ),
    ("POST", "durable-executions/*/stop", "StopDurableExecution"),
    ("PUT", "capacity-providers/*", "UpdateCapacityProvider"),
    ("PUT", "code-signing-configs/*", "UpdateCodeSigningConfig"),
    ("PUT", "event-source-mappings/*", "UpdateEventSourceMapping"),
    (
        "POST",
        "functions/*/event-invoke-config",
        "UpdateFunctionEventInvokeConfig",
    ),
    ("PUT", "functions/*/url", "UpdateFunctionUrlConfig"),
];

/// The refusal of a call that Lambda knows; `None` for what Lambda does not know either.
pub fn refusal(method: &str, path: &str) -> Option<ApiError> {
    let (date, rest) = path.strip_prefix('/')?.split_once('/')?;
    let is_date = date.len() == 10
        && date
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'-');
    let parts: Vec<&str> = rest.trim_end_matches('/').split('/').collect();
    let fits = |pattern: &str| {
        let pattern: Vec<&str> = pattern.split('/').collect();
        let mut pairs = pattern.iter().zip(&parts);
        pattern.len() == parts.len() && pairs.all(|(own, part)| *own == "*" || own == part)
    };
    let found = OPERATIONS
        .iter()
        .find(|(own, pattern, _)| *own == method && fits(pattern));
    let (_, _, name) = found.filter(|_| is_date)?;
    Some(errors::not_emulated(&format!("the operation {name}")))
}

#[cfg(test)]
mod tests {
    use super::refusal;

    #[test]
    fn operation_known_to_lambda_is_refused_by_name() {
        for (method, path, name) in [
            (
                "POST",
                "/2021-10-31/functions/x/url",
                "CreateFunctionUrlConfig",
            ),
            (
                "POST",
                "/2015-03-31/event-source-mappings/",
                "CreateEventSourceMapping",
            ),
            (
                "POST",
                "/2018-10-31/layers/l/versions",
                "PublishLayerVersion",
            ),
            (
                "PUT",
                "/2019-09-25/functions/arn%3Aaws/event-invoke-config",
                "PutFunctionEventInvokeConfig",
            ),
        ] {
            let error = refusal(method, path).expect(path);
            let text = format!("tinderbox run does not emulate the operation {name}");
            assert_eq!((error.status, error.text), (501, text));
        }
        for (method, path) in [
            ("GET", "/"),
            ("GET", "/functions/x/url"),
            ("POST", "/2021-10-31/functions/x/url/y"),
            ("PATCH", "/2021-10-31/functions/x/url"),
            ("POST", "/2021-10-3x/functions/x/url"),
        ] {
            assert!(refusal(method, path).is_none(), "{method} {path}");
        }
    }
}
