//! Outcomes and ends of calls: what callers and the log get, and another attempt for a failed
//! asynchronous call.

use std::time::Duration;

use super::{Engine, Key};
use crate::local::call::{Call, CallResult, ReplyTo, Stage};
use crate::local::invocation::InvokeRequest;
use crate::local::log::{Record, Status, Usage};
use crate::local::outcome::{EXITED, OUT_OF_MEMORY, Outcome};

/// The wait before the first retry of a failed asynchronous call; the second is twice as long, as
/// on Lambda, where they are one minute and two.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

impl Engine {
    /// A call has its outcome.
    pub fn answer_call(&mut self, key: Key, call: &mut Call, outcome: Outcome, duration: Duration) {
        let id = call.request.id.as_str();
        let result = CallResult::of(&outcome);
        let message = outcome.platform_message(id);
        let held = match call.request.wants_log_tail {
            true => Some(outcome),
            false => {
                self.deliver(&call.reply_to, &call.request, outcome, None);
                None
            }
        };
        if let (Some(error_type), Some(message)) = (&result.error_type, &message) {
            let record = Record::Failed {
                error_type,
                message,
            };
            self.log_record(key, &record);
        }
        if result.status() == Status::Timeout
            && let Some(environment) = self.environments.get(key)
            && !matches!(call.stage, Stage::Waiting)
        {
            let timeout = environment.settings().timeout;
            self.log_record(key, &Record::TimedOut { id, timeout });
        }
        call.stage = Stage::Ending {
            answered: self.now,
            duration,
            result,
            held,
        };
    }

    /// Gives the outcome to whoever waits for it.
    fn deliver(
        &mut self,
        to: &ReplyTo,
        request: &InvokeRequest,
        outcome: Outcome,
        tail: Option<&[u8]>,
    ) {
        match to {
            ReplyTo::Caller(caller) => self.send_outcome(*caller, request, outcome, tail),
            ReplyTo::Stdout => self.print_outcome(outcome),
            ReplyTo::Nobody => {}
        }
    }

    pub fn end_accepted_call(&mut self, key: Key, call: Call, duration: Duration) {
        let now = self.now;
        let Some(environment) = self.environments.get_mut(key) else {
            return;
        };
        environment.idle_since = self.now;
        let peak_kib = match environment.settings().concurrency {
            Some(_) => None,
            None => environment.peak_kib(duration, now),
        };
        environment.freeze();
        let state = &mut environment.state;
        let usage = Usage {
            duration,
            init: state.init.take(),
            restore: state.restore.take(),
            peak_kib,
        };
        self.wake_by(Some(self.now + self.options.idle_timeout));
        self.end_call(key, call, usage);
    }

    /// A call is over: its last lines; another attempt for a failed asynchronous one.
    pub fn end_call(&mut self, key: Key, mut call: Call, mut usage: Usage) {
        let stage = std::mem::replace(&mut call.stage, Stage::Waiting);
        let Stage::Ending { result, held, .. } = stage else {
            return;
        };
        let (id, status) = (call.request.id.as_str(), result.status());
        let done = Record::RuntimeDone {
            id,
            status,
            duration: usage.duration,
            produced_bytes: result.produced_bytes,
        };
        self.log_record(key, &done);
        self.log_record(key, &Record::End { id });
        let status = self.reported_status(key, status, &mut usage);
        self.log_record(key, &Record::Report { id, status, usage });
        let Some(environment) = self.environments.get(key) else {
            return;
        };
        let pool = environment.pool;
        if let Some(outcome) = held {
            let tail = environment.log.tail().to_vec();
            self.deliver(&call.reply_to, &call.request, outcome, Some(&tail));
        }
        self.changed.push(pool);
        match call.reply_to {
            ReplyTo::Stdout => self.once_over(),
            ReplyTo::Nobody if result.error_type.is_some() => self.retry_event(pool, call),
            _ => {}
        }
    }

    /// What the REPORT line says: an exit because of the memory limit is known only there.
    fn reported_status<'a>(
        &mut self,
        key: Key,
        status: Status<'a>,
        usage: &mut Usage,
    ) -> Status<'a> {
        let Some(environment) = self.environments.get_mut(key) else {
            return status;
        };
        if !environment.take_out_of_memory() || status != Status::Error(EXITED) {
            return status;
        }
        usage.peak_kib = Some(u64::from(environment.settings().memory_mb) << 10);
        Status::Error(OUT_OF_MEMORY)
    }

    /// An asynchronous call has failed.
    fn retry_event(&mut self, pool: Key, mut call: Call) {
        call.failures += 1;
        if call.failures > self.options.async_retries {
            let text = format!(
                "the event {} has failed {} times: Lambda would send it to the function's \
                 destination for failures or to its dead-letter queue",
                call.request.id, call.failures
            );
            return self.log.diagnostic(&text);
        }
        let time = self.now + RETRY_PAUSE * (1 << (call.failures - 1).min(8));
        self.wake_by(Some(time));
        if let Some(pool) = self.pools.get_mut(pool) {
            pool.events.push_back((Some(time), call));
        }
    }
}
