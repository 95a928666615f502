//! Processes: started when that is due, their output read, their exit noticed and cleaned up after.

use super::{Endpoint, Engine, Key};
use crate::local::environment::{Output, Phase, Started};
use crate::local::log::Record;
use crate::local::pool::Pool;
use crate::sys::epoll::Interest;
use crate::sys::{self, ChildState};

impl Engine {
    /// Starts and kills the process of an environment when that is due, and cleans up after it.
    pub fn supervise(&mut self, key: Key) -> bool {
        let now = self.now;
        let Some(environment) = self.environments.get_mut(key) else {
            return false;
        };
        let retry_at = environment.retry_at();
        if let Some(due) = environment.state.start_due().max(retry_at) {
            if due > now {
                self.wake_by(Some(due));
                return false;
            }
            return self.start_process(key);
        }
        match environment.state.init_deadline() {
            Some(deadline) if deadline <= now => {
                environment.state.kill(now);
                return true;
            }
            deadline => self.wake_by(deadline),
        }
        self.continue_cleanup(key)
    }

    fn start_process(&mut self, key: Key) -> bool {
        let now = self.now;
        let Some(environment) = self.environments.get_mut(key) else {
            return false;
        };
        let pool = environment.pool;
        match environment.start_process(now) {
            Started::Process(output) => {
                self.process_started(key, output);
                true
            }
            Started::Later(time) => {
                self.wake_by(Some(time));
                false
            }
            Started::Failed(text) => {
                self.log.diagnostic(&text);
                self.changed.push(pool);
                true
            }
        }
    }

    pub fn process_started(&mut self, key: Key, output: Output) {
        self.log_record(key, &Record::InitStart);
        let endpoint = self.endpoints.insert(Endpoint::Output(key));
        // It fails only for want of memory; then the output is read at the end.
        let _ = self.epoll.add(&output, endpoint.number(), Interest::Read);
        if let Some(environment) = self.environments.get_mut(key) {
            environment.output = Some((endpoint, output));
        }
    }

    /// Reads the signals that have arrived.
    pub fn handle_signals(&mut self, key: Key) {
        while let Some(Endpoint::Signals(signals)) = self.endpoints.get(key)
            && let Some(signal) = signals.next()
        {
            match signal {
                sys::SIGCHLD => self.reap_children(),
                signal => self.stop_by(signal),
            }
        }
    }

    /// All children of the tool are reaped here, and nowhere else: bootstraps, and orphans that the
    /// tool has adopted as the subreaper.
    fn reap_children(&mut self) {
        while let ChildState::Exited(pid) = sys::poll_children() {
            let leader = self.environments.iter().find_map(|(key, environment)| {
                let is_leader = environment.state.process == Some(pid);
                is_leader.then_some((key, environment.listener))
            });
            let Some((key, listener)) = leader else {
                sys::reap(pid);
                continue;
            };
            // Connections that it has opened last are not accepted yet.
            self.accept_runtime(listener);
            let now = self.now;
            if let Some(environment) = self.environments.get_mut(key) {
                environment.reap_process(pid, now);
            }
        }
        for key in self.environments.keys() {
            self.settle(key);
        }
    }

    fn continue_cleanup(&mut self, key: Key) -> bool {
        let now = self.now;
        let others = self.environments.iter().filter(|&(other, environment)| {
            other != key && environment.state.phase != Phase::Stopped
        });
        let is_alone = others.count() == 0;
        let Some(environment) = self.environments.get_mut(key) else {
            return false;
        };
        let pool = environment.pool;
        match environment.continue_cleanup(is_alone, now) {
            Err(time) => {
                self.wake_by(time);
                false
            }
            Ok(end) => {
                self.read_output(key);
                self.close_output(key);
                for connection in end.connections {
                    self.close(connection);
                }
                if let Some(message) = end.message {
                    let text = match self.once.is_some() {
                        true => message,
                        false => format!("{message}; the next event restarts it"),
                    };
                    self.log.diagnostic(&text);
                }
                if let Some(environment) = self.environments.get_mut(key) {
                    environment.state.process_stopped(end.status, end.exited);
                }
                self.changed.push(pool);
                self.wake_by(Some(now)); // for what is of no use any more
                true
            }
        }
    }

    /// Stops environments that have had no event for a while, but one of each pool, and all of a
    /// retired one; removes what is of no use.
    pub fn stop_idle_environments(&mut self) {
        for pool in self.pools.keys() {
            let Some(found) = self.pools.get(pool) else {
                continue;
            };
            let (is_retired, has_waiting) = (found.is_retired, !found.waiting.is_empty());
            let all = found.environments.clone();
            let mut left = all.len();
            for key in all {
                if !is_retired && (left == 1 || has_waiting) {
                    break;
                }
                if self.stop_if_idle(key, is_retired) {
                    left -= 1;
                }
            }
            let pool_is_empty = |pool: &Pool| pool.is_retired && pool.environments.is_empty();
            if self.pools.get(pool).is_some_and(pool_is_empty) {
                self.pools.remove(pool);
            }
        }
    }

    /// Whether the environment is gone or going.
    fn stop_if_idle(&mut self, key: Key, is_retired: bool) -> bool {
        let now = self.now;
        let Some(environment) = self.environments.get_mut(key) else {
            return true;
        };
        if is_retired {
            environment.state.start_requested = false;
        }
        if environment.is_unused() {
            self.remove_environment(key);
            return true;
        }
        if environment.is_retired {
            return true;
        }
        if !environment.calls.is_empty() {
            return false;
        }
        let time = environment.idle_since + self.options.idle_timeout;
        if is_retired || (environment.is_ready() && time <= now) {
            environment.is_retired = true;
            environment.state.kill(now);
            environment.perform_actions();
            return true;
        }
        if environment.is_ready() {
            self.wake_by(Some(time));
        }
        false
    }

    fn remove_environment(&mut self, key: Key) {
        let Some(environment) = self.environments.remove(key) else {
            return;
        };
        self.endpoints.remove(environment.listener);
        for connection in environment.connections {
            self.endpoints.remove(connection);
        }
        if let Some(pool) = self.pools.get_mut(environment.pool) {
            pool.environments.retain(|&other| other != key);
        }
    }
}
