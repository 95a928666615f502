//! Functions: a pool of environments for each version that is in use, and what changes of functions
//! do to it.

use std::sync::Arc;
use std::time::Instant;

use super::shutdown::Once;
use super::{Endpoint, Engine, Key, logs};
use crate::local::call::{Call, ReplyTo};
use crate::local::environment::{Environment, Started};
use crate::local::functions_api::{Change, Configuration, FunctionOptions, Resolved};
use crate::local::invocation::InvokeRequest;
use crate::local::invoke_api::{ApiError, FunctionRef};
use crate::local::pool::Pool;
use crate::output::Failure;

impl Engine {
    /// Starts a process for each function of the command line. The pool of the first one, and the
    /// address of its Runtime API; the error says what is wrong with a file.
    pub fn start_functions(
        &mut self,
        options: &[FunctionOptions],
    ) -> Result<(Key, String), Failure> {
        let mut first = None;
        for function in options {
            let reference = FunctionRef::of_name(&function.name);
            let resolved = self.functions.resolve(&reference);
            let resolved = resolved.map_err(|error| Failure::new(error.text))?;
            let pool = self.pool_of(&resolved);
            let address = self.start_first(pool)?;
            first.get_or_insert((pool, address));
        }
        first.ok_or_else(|| Failure::new("there is no function"))
    }

    /// Starts the process of a pool's first environment; the address of its Runtime API.
    fn start_first(&mut self, pool: Key) -> Result<String, Failure> {
        let first = self.add_environment(pool)?;
        self.now = Instant::now();
        while let Some(environment) = self.environments.get_mut(first) {
            match environment.start_process(self.now) {
                Started::Process(output) => {
                    let address = environment.runtime_address.clone();
                    self.process_started(first, output);
                    self.settle(first);
                    return Ok(address);
                }
                Started::Later(time) => {
                    std::thread::sleep(time.saturating_duration_since(self.now));
                    self.now = Instant::now();
                }
                Started::Failed(text) => return Err(Failure::new(text)),
            }
        }
        Err(Failure::new("the function has no environment"))
    }

    /// Handles one event, prints the answer, and ends.
    pub fn invoke_once(&mut self, pool: Key, mut request: InvokeRequest) {
        self.once = Some(Once::default());
        if let Some(found) = self.pools.get_mut(pool) {
            request.arn = found.configuration.settings.arn();
            let call = Call::new(Arc::new(request), ReplyTo::Stdout, Vec::new());
            found.waiting.push_back(call);
        }
        self.changed.push(pool);
    }

    /// The pool for an event of this function; the version and the ARN are noted in the request.
    pub fn pool_for(
        &mut self,
        reference: &FunctionRef,
        request: &mut InvokeRequest,
    ) -> Result<Key, ApiError> {
        let resolved = self.functions.resolve(reference)?;
        request.version.clone_from(&resolved.executed_version);
        request.arn.clone_from(&resolved.invoked_arn);
        Ok(self.pool_of(&resolved))
    }

    /// The pool of a version, which is made if there is none.
    fn pool_of(&mut self, resolved: &Resolved) -> Key {
        let reserved = resolved.reserved_concurrency;
        let reserved = reserved.map_or(usize::MAX, |count| count.try_into().unwrap_or(usize::MAX));
        let environments_max = self.options.environments_max.min(reserved);
        let found = self.find_pool(&resolved.configuration);
        let key = found.unwrap_or_else(|| {
            let pool = Pool::new(resolved.configuration.clone(), environments_max);
            self.pools.insert(pool)
        });
        if let Some(pool) = self.pools.get_mut(key) {
            pool.environments_max = environments_max;
        }
        key
    }

    fn find_pool(&self, configuration: &Arc<Configuration>) -> Option<Key> {
        let mut pools = self.pools.iter();
        let found = pools.find(|(_, pool)| Arc::ptr_eq(&pool.configuration, configuration));
        found.map(|(key, _)| key)
    }

    /// A call has changed a function.
    pub fn apply_change(&mut self, change: &Change) {
        self.log.diagnostic(&change.to_string());
        match change {
            Change::Created(name) => self.start_new_code(name),
            Change::Restart(name) => {
                let reference = FunctionRef::of_name(name);
                let Ok(resolved) = self.functions.resolve(&reference) else {
                    return;
                };
                let old = self.pools_of(name, Some(&resolved.executed_version));
                let new = self.pool_of(&resolved);
                for key in old.into_iter().filter(|&key| key != new) {
                    self.replace_pool(key, new);
                }
                self.start_new_code(name);
            }
            Change::Deleted { name, version } => {
                for key in self.pools_of(name, version.as_deref()) {
                    self.delete_pool(key);
                }
            }
        }
        self.stop_idle_environments();
    }

    /// The pools of a function, or of one version of it.
    fn pools_of(&self, name: &str, version: Option<&str>) -> Vec<Key> {
        let pools = self.pools.iter().filter(|(_, pool)| {
            let settings = &pool.configuration.settings;
            settings.function_name == name
                && version.is_none_or(|version| settings.version == version)
        });
        pools.map(|(key, _)| key).collect()
    }

    /// Starts a process at once: the next event finds it ready, and a fault is seen now.
    fn start_new_code(&mut self, name: &str) {
        let Ok(resolved) = self.functions.resolve(&FunctionRef::of_name(name)) else {
            return;
        };
        let pool = self.pool_of(&resolved);
        match self.add_environment(pool) {
            Ok(environment) => {
                if let Some(environment) = self.environments.get_mut(environment) {
                    environment.state.start_requested = true;
                }
                self.settle(environment);
            }
            Err(failure) => self.log.diagnostic(failure.text()),
        }
    }

    /// Calls that wait get the new code; accepted ones finish with the old one.
    fn replace_pool(&mut self, old: Key, new: Key) {
        let Some(pool) = self.pools.get_mut(old) else {
            return;
        };
        pool.is_retired = true;
        let (waiting, events) = (
            std::mem::take(&mut pool.waiting),
            std::mem::take(&mut pool.events),
        );
        if let Some(pool) = self.pools.get_mut(new) {
            pool.waiting.extend(waiting);
            pool.events.extend(events);
        }
        self.changed.push(new);
    }

    /// The function is gone: calls that wait are refused, accepted ones finish.
    fn delete_pool(&mut self, key: Key) {
        let Some(pool) = self.pools.get_mut(key) else {
            return;
        };
        pool.is_retired = true;
        pool.events.clear();
        let waiting = std::mem::take(&mut pool.waiting);
        for call in waiting {
            if let ReplyTo::Caller(caller) = call.reply_to {
                let error = ApiError::function_deleted(&call.request.arn);
                self.refuse_call(caller, &call.request, &error);
            }
        }
    }

    /// An environment without a process, with a Runtime API of its own.
    pub fn add_environment(&mut self, pool: Key) -> Result<Key, Failure> {
        let port = match self.environments.iter().next() {
            None => self.options.runtime_port,
            Some(_) => 0,
        };
        let (listener, listener_key) = self.add_runtime_listener(port)?;
        let Some(found) = self.pools.get_mut(pool) else {
            return Err(Failure::new("the function is gone"));
        };
        let configuration = found.configuration.clone();
        let log = logs::environment_log(&configuration.settings, &self.options);
        let listener = (&listener, listener_key);
        let environment = Environment::new(pool, configuration, listener, log, self.now);
        let added = self.environments.insert(environment);
        found.environments.push(added);
        if let Some(Endpoint::Runtimes(_, place)) = self.endpoints.get_mut(listener.1) {
            *place = added;
        }
        Ok(added)
    }
}
