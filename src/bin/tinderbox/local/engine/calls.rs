//! Calls and environments: a call is offered to an environment, accepted, delivered, and looked
//! after until it has its outcome and its end.

use std::sync::Arc;
use std::time::Duration;

use super::{Engine, Key};
use crate::clock;
use crate::local::call::{Call, Stage};
use crate::local::environment::{Environment, Offer};
use crate::local::invocation::{Invocation, InvokeRequest};
use crate::local::log::{Record, Usage};
use crate::local::outcome::Outcome;

/// How long after its answer a process is expected to request the next event.
const NEXT_EVENT_GRACE: Duration = Duration::from_millis(50);

impl Engine {
    /// Whether a function handles as many calls at once as it may.
    pub fn is_at_limit(&self, pool: Key) -> bool {
        let Some(pool) = self.pools.get(pool) else {
            return true;
        };
        pool.configuration.settings.concurrency.is_none()
            && pool.waiting.len() + self.running(&pool.environments) >= pool.environments_max
    }

    fn running(&self, environments: &[Key]) -> usize {
        let all = environments.iter();
        all.filter_map(|&key| self.environments.get(key))
            .map(Environment::running_calls)
            .sum()
    }

    /// Offers waiting calls to environments, each to one: first to those that wait for an event,
    /// the last used one first, then to those that start, then to new ones.
    pub fn dispatch(&mut self, key: Key) {
        self.take_due_events(key);
        let Some(pool) = self.pools.get(key) else {
            return;
        };
        if pool.waiting.is_empty() {
            return;
        }
        if self.log.is_full() {
            self.has_waited_for_log = true;
            return;
        }
        let is_concurrent = pool.configuration.settings.concurrency.is_some();
        let key_environments = pool.environments.clone();
        let mut free = key_environments.clone();
        free.retain(|&key| self.environments.get(key).is_some_and(Environment::is_free));
        free.sort_by_key(|&key| {
            let environment = self.environments.get(key);
            environment.map(|it| (!it.is_ready(), std::cmp::Reverse(it.idle_since)))
        });
        let waiting = pool.waiting.len();
        let (all, environments_max) = (pool.environments.len(), pool.environments_max);
        if is_concurrent {
            let first = free.first().copied();
            free = first.into_iter().cycle().take(waiting).collect();
        } else {
            let soon = self.count_answered(&key_environments);
            for _ in all..environments_max.max(all) {
                if free.len() + soon >= waiting {
                    break;
                }
                match self.add_environment(key) {
                    Ok(added) => free.push(added),
                    Err(failure) => {
                        self.log.diagnostic(failure.text());
                        break;
                    }
                }
            }
        }
        self.offer_all(key, &free);
    }

    /// How many environments have answered a moment ago: a call had better wait for one of them
    /// than for the start of another.
    fn count_answered(&mut self, environments: &[Key]) -> usize {
        let mut count = 0;
        for &key in environments {
            let environment = self.environments.get(key);
            let Some(since) = environment.and_then(Environment::answered_since) else {
                continue;
            };
            let end = since + NEXT_EVENT_GRACE;
            if end > self.now {
                count += 1;
                self.wake_by(Some(end));
            }
        }
        count
    }

    /// Offers the first waiting call to the first environment, the second to the second, and so on.
    fn offer_all(&mut self, pool: Key, environments: &[Key]) {
        let mut index = 0;
        for &environment in environments {
            let Some(found) = self.pools.get_mut(pool) else {
                return;
            };
            let Some(call) = found.waiting.remove(index) else {
                return;
            };
            if let Some(call) = self.offer(environment, call)
                && let Some(found) = self.pools.get_mut(pool)
            {
                found.waiting.insert(index, call);
                index += 1;
            }
            self.settle(environment);
        }
    }

    /// Offers a call to an environment; returned if it has to wait.
    fn offer(&mut self, key: Key, mut call: Call) -> Option<Call> {
        let now = self.now;
        let Some(environment) = self.environments.get_mut(key) else {
            return Some(call);
        };
        let timeout = environment.settings().timeout;
        let request = call.request.clone();
        let invocation = || {
            let timeout_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
            Arc::new(Invocation {
                request,
                attempt_id: clock::uuid(),
                deadline_ms: clock::now_ms().saturating_add(timeout_ms),
            })
        };
        let (since, received) = (call.waiting_since, call.waiting_since);
        match environment.state.offer(now, since, received, invocation) {
            Offer::Waiting => {
                let time = since + environment.state.offer_timeout();
                self.wake_by(Some(time));
                Some(call)
            }
            Offer::Accepted => {
                environment.thaw();
                call.stage = Stage::Running { released: now };
                self.log_init(key);
                self.log_start(key, &call.request);
                if let Some(environment) = self.environments.get_mut(key) {
                    environment.state.release(&call.request.id);
                    environment.calls.push(call);
                }
                None
            }
            Offer::Failed(failure) => {
                let init_timeout = environment.settings().init_timeout;
                let duration = now.duration_since(call.waiting_since);
                self.log_init_failure(key, &failure, duration);
                self.log_start(key, &call.request);
                let outcome = Outcome::init_failure(&call.request.id, failure, init_timeout);
                self.answer_call(key, &mut call, outcome, duration);
                let usage = Usage {
                    duration,
                    ..Usage::default()
                };
                self.end_call(key, call, usage);
                None
            }
        }
    }

    fn log_start(&mut self, key: Key, request: &InvokeRequest) {
        let (id, attempt) = (request.id.as_str(), request.attempt);
        self.log_record(key, &Record::Start { id, attempt });
    }

    /// Does what the state of an environment allows, until there is no more of it.
    pub fn settle(&mut self, key: Key) {
        while let Some(environment) = self.environments.get_mut(key) {
            environment.perform_actions();
            let is_changed =
                self.supervise(key) || self.deliver_events(key) || self.poll_calls(key);
            if !is_changed {
                return;
            }
        }
    }

    /// Sends released events to the connections that wait for one.
    fn deliver_events(&mut self, key: Key) -> bool {
        let now = self.now;
        let mut index = 0;
        while let Some(environment) = self.environments.get_mut(key)
            && let Some(&(waiter, connection)) = environment.waiting.get(index)
        {
            match environment.state.take_event(now, waiter) {
                Ok(None) => index += 1,
                Ok(Some(invocation)) => {
                    environment.waiting.remove(index);
                    self.send_event(connection, &invocation);
                    return true;
                }
                Err(_) => {
                    environment.waiting.remove(index);
                    self.close(connection);
                    return true;
                }
            }
        }
        false
    }

    /// Looks for outcomes and ends of an environment's calls.
    fn poll_calls(&mut self, key: Key) -> bool {
        let now = self.now;
        let mut index = 0;
        while let Some(environment) = self.environments.get_mut(key)
            && let Some(call) = environment.calls.get(index)
        {
            let is_concurrent = environment.settings().concurrency.is_some();
            let (state, calls) = (&mut environment.state, &environment.calls);
            let next = match &call.stage {
                Stage::Waiting => None, // never among accepted calls
                Stage::Running { released } => {
                    match state.poll_outcome(now, &calls[index].request.id) {
                        Ok(outcome) => {
                            let duration = now.duration_since(*released);
                            let mut call = environment.calls.remove(index);
                            self.answer_call(key, &mut call, outcome, duration);
                            if let Some(environment) = self.environments.get_mut(key) {
                                environment.calls.insert(index, call);
                            }
                            return true;
                        }
                        Err(time) => Some(time),
                    }
                }
                Stage::Ending { duration, .. } => {
                    let ended = match is_concurrent {
                        true => Ok(*duration),
                        false => state.poll_end(now),
                    };
                    match ended {
                        Ok(duration) => {
                            let call = environment.calls.remove(index);
                            self.end_accepted_call(key, call, duration);
                            return true;
                        }
                        Err(time) => Some(time),
                    }
                }
            };
            self.wake_by(next);
            index += 1;
        }
        false
    }

    /// Moves asynchronous calls whose time has come to those that wait for an environment.
    fn take_due_events(&mut self, key: Key) {
        if self.shutdown.is_some() {
            return;
        }
        while !self.is_at_limit(key) {
            let now = self.now;
            let Some(pool) = self.pools.get_mut(key) else {
                return;
            };
            match pool.take_event(now) {
                Ok(mut call) => {
                    call.waiting_since = now;
                    call.stage = Stage::Waiting;
                    pool.waiting.push_back(call);
                }
                Err(time) => return self.wake_by(time),
            }
        }
    }
}
