//! The management calls of Lambda's API that have an answer here.

use crate::local::invoke_api::{ApiError, FunctionRef, Names};
use crate::local::url;

/// The operations, with their names in the API reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manage {
    AddPermission,
    CreateAlias,
    CreateFunction,
    DeleteAlias,
    DeleteFunction,
    DeleteFunctionConcurrency,
    GetAccountSettings,
    GetAlias,
    GetFunction,
    GetFunctionConcurrency,
    GetFunctionConfiguration,
    GetFunctionEventInvokeConfig,
    GetFunctionUrlConfig,
    GetPolicy,
    ListAliases,
    ListEventSourceMappings,
    ListFunctionUrlConfigs,
    ListFunctions,
    ListLayers,
    ListProvisionedConcurrencyConfigs,
    ListTags,
    ListVersionsByFunction,
    PublishVersion,
    PutFunctionConcurrency,
    RemovePermission,
    TagResource,
    UntagResource,
    UpdateAlias,
    UpdateFunctionCode,
    UpdateFunctionConfiguration,
}

/// One call.
pub struct ManageCall {
    pub operation: Manage,
    /// The function in the path, for operations that have one there.
    pub function: Option<FunctionRef>,
    /// The alias or the statement in the path.
    pub name: Option<String>,
    /// The raw query.
    pub query: String,
}

impl ManageCall {
    /// The call that a method and a path make; `None` for other paths.
    pub fn route(method: &str, path: &str, query: &str) -> Option<Result<ManageCall, ApiError>> {
        use Manage as M;
        let parts: Vec<&str> = path.trim_end_matches('/').split('/').skip(2).collect();
        let (operation, function, name) = match (method, parts.as_slice()) {
            ("POST", ["functions"]) => (M::CreateFunction, None, None),
            ("GET", ["functions"]) => (M::ListFunctions, None, None),
            ("GET", ["account-settings"]) => (M::GetAccountSettings, None, None),
            ("GET", ["layers"]) => (M::ListLayers, None, None),
            ("GET", ["event-source-mappings"]) => (M::ListEventSourceMappings, None, None),
            ("GET", ["functions", f]) => (M::GetFunction, Some(f), None),
            ("DELETE", ["functions", f]) => (M::DeleteFunction, Some(f), None),
            ("GET", ["functions", f, "configuration"]) => {
                (M::GetFunctionConfiguration, Some(f), None)
            }
            ("PUT", ["functions", f, "configuration"]) => {
                (M::UpdateFunctionConfiguration, Some(f), None)
            }
            ("PUT", ["functions", f, "code"]) => (M::UpdateFunctionCode, Some(f), None),
            ("POST", ["functions", f, "versions"]) => (M::PublishVersion, Some(f), None),
            ("GET", ["functions", f, "versions"]) => (M::ListVersionsByFunction, Some(f), None),
            ("POST", ["functions", f, "aliases"]) => (M::CreateAlias, Some(f), None),
            ("GET", ["functions", f, "aliases"]) => (M::ListAliases, Some(f), None),
            ("GET", ["functions", f, "aliases", a]) => (M::GetAlias, Some(f), Some(a)),
            ("PUT", ["functions", f, "aliases", a]) => (M::UpdateAlias, Some(f), Some(a)),
            ("DELETE", ["functions", f, "aliases", a]) => (M::DeleteAlias, Some(f), Some(a)),
            ("POST", ["functions", f, "policy"]) => (M::AddPermission, Some(f), None),
            ("GET", ["functions", f, "policy"]) => (M::GetPolicy, Some(f), None),
            ("DELETE", ["functions", f, "policy", s]) => (M::RemovePermission, Some(f), Some(s)),
            ("GET", ["functions", f, "concurrency"]) => (M::GetFunctionConcurrency, Some(f), None),
            ("PUT", ["functions", f, "concurrency"]) => (M::PutFunctionConcurrency, Some(f), None),
            ("DELETE", ["functions", f, "concurrency"]) => {
                (M::DeleteFunctionConcurrency, Some(f), None)
            }
            ("GET", ["functions", f, "url"]) => (M::GetFunctionUrlConfig, Some(f), None),
            ("GET", ["functions", f, "urls"]) => (M::ListFunctionUrlConfigs, Some(f), None),
            ("GET", ["functions", f, "event-invoke-config"]) => {
                (M::GetFunctionEventInvokeConfig, Some(f), None)
            }
            ("GET", ["functions", f, "provisioned-concurrency"]) => {
                (M::ListProvisionedConcurrencyConfigs, Some(f), None)
            }
            ("GET", ["tags", f]) => (M::ListTags, Some(f), None),
            ("POST", ["tags", f]) => (M::TagResource, Some(f), None),
            ("DELETE", ["tags", f]) => (M::UntagResource, Some(f), None),
            _ => return None,
        };
        let function = function.map(|part| operation.parse_function(part, query));
        Some(function.transpose().map(|function| ManageCall {
            operation,
            function,
            name: name.map(|name| url::decode(name)),
            query: query.to_string(),
        }))
    }
}

impl Manage {
    fn parse_function(self, part: &str, query: &str) -> Result<FunctionRef, ApiError> {
        use Manage as M;
        match self {
            M::ListTags | M::TagResource | M::UntagResource => FunctionRef::from_resource(part),
            M::GetFunction
            | M::GetFunctionConfiguration
            | M::DeleteFunction
            | M::GetPolicy
            | M::ListVersionsByFunction => {
                FunctionRef::from_request(part, query, Names::Namespaced)
            }
            _ => FunctionRef::from_request(part, query, Names::Plain),
        }
    }
}
