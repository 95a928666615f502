//! The state machine, the parties around it, each at its position in its own loop, and the process
//! as the kernel knows it. A `Move` is what one party does in one step under the lock.
//!
//! It is long because the moves of all parties stand side by side, each as in that party's loop.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::api_calls::{Answer, NextReply, Waiter};
use super::super::invocations::Offer;
use super::super::state::{Limits, Phase, State};
use crate::local::invocation::{Invocation, InvokeRequest};
use crate::local::outcome::Outcome;

pub const LIMITS: Limits = Limits {
    timeout: Duration::from_secs(3),
    init_timeout: Duration::from_secs(4),
    is_concurrent: false,
};

/// How far a client is with its event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum At {
    New,
    Offering,
    Accepted,
    Released,
    Answered,
    Done,
}

/// The process as the kernel knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Process {
    None,
    Alive,
    /// Exited and not reaped.
    Exited,
    /// Reaped; its last requests are still being read.
    Reaped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    Offer(usize),
    Release(usize),
    PollOutcome(usize),
    PollEnd(usize),
    RequestNext,
    TakeEvent,
    BeginAnswer,
    FinishAnswer,
    AbortAnswer,
    BeginInitError,
    FinishInitError,
    Exit,
    Reap,
    Stop,
    Start,
    FailToStart,
    OverrunInit,
    Pause,
}

#[derive(Clone)]
pub struct Client {
    pub request: Arc<InvokeRequest>,
    pub at: At,
    pub since: Instant,
    pub outcomes: u32,
    pub error_type: Option<String>,
}

#[derive(Clone)]
pub struct World {
    pub now: Instant,
    pub state: State,
    pub clients: Vec<Client>,
    pub process: Process,
    pub waiter: Option<Waiter>,
    has_event: Option<String>,
    answer: Option<Answer>,
    init_error: Option<u64>,
    pub starts: u32,
    pub pauses: u32,
}

impl World {
    pub fn new(is_concurrent: bool) -> World {
        let requests = [0; 2].map(|_| Arc::new(InvokeRequest::new(b"1".to_vec())));
        let now = Instant::now();
        let client = |request| Client {
            request,
            at: At::New,
            since: now,
            outcomes: 0,
            error_type: None,
        };
        let limits = Limits {
            is_concurrent,
            ..LIMITS
        };
        World {
            now,
            state: State::new(limits, now),
            clients: requests.into_iter().map(client).collect(),
            process: Process::None,
            waiter: None,
            has_event: None,
            answer: None,
            init_error: None,
            starts: 0,
            pauses: 0,
        }
    }

    fn offer(&mut self, client: usize) -> Offer {
        let Client { request, since, .. } = &self.clients[client];
        let invocation = || {
            Arc::new(Invocation {
                request: request.clone(),
                attempt_id: "attempt".to_string(),
                deadline_ms: 0,
            })
        };
        let received = request.received;
        self.state.offer(self.now, *since, received, invocation)
    }

    fn id(&self, client: usize) -> String {
        self.clients[client].request.id.clone()
    }

    fn record_outcome(&mut self, client: usize, outcome: &Outcome, at: At) {
        let client = &mut self.clients[client];
        client.outcomes += 1;
        client.error_type = outcome.error_type.clone();
        client.at = at;
    }

    /// One move; false if its party is elsewhere in its loop.
    pub fn perform(&mut self, step: Move) -> bool {
        match step {
            Move::Offer(client) => return self.client_offers(client),
            Move::Release(client) | Move::PollOutcome(client) | Move::PollEnd(client) => {
                return self.client_continues(step, client);
            }
            Move::Exit if self.process == Process::Alive => self.process = Process::Exited,
            Move::Reap if self.process == Process::Exited => {
                self.state.process_reaped(self.now);
                self.process = Process::Reaped;
            }
            Move::Stop if self.process == Process::Reaped => {
                self.state
                    .process_stopped(ExitStatus::from_raw(9), self.now);
                self.process = Process::None;
            }
            Move::Start | Move::FailToStart => {
                if self.state.start_due().is_none_or(|due| due > self.now) {
                    return false;
                }
                self.starts += 1;
                self.state.start_requested = false;
                match step {
                    Move::Start => {
                        self.state.process_started(self.starts, self.now);
                        self.process = Process::Alive;
                    }
                    _ => self.state.start_failed(self.now, "no".to_string()),
                }
            }
            Move::OverrunInit => match self.state.init_deadline() {
                Some(deadline) if deadline <= self.now => self.state.kill(self.now),
                _ => return false,
            },
            Move::Pause => match self.next_time() {
                Some(time) => {
                    self.pauses += 1;
                    self.now = time;
                }
                None => return false,
            },
            _ => return self.runtime_calls(step),
        }
        true
    }

    fn client_offers(&mut self, client: usize) -> bool {
        let others_are_done = self.clients[..client].iter().all(|c| c.at == At::Done);
        let may_begin = self.state.limits.is_concurrent || others_are_done;
        match self.clients[client].at {
            At::New if may_begin => self.clients[client].since = self.now,
            At::Offering => {}
            _ => return false,
        }
        match self.offer(client) {
            Offer::Accepted => self.clients[client].at = At::Accepted,
            Offer::Waiting => self.clients[client].at = At::Offering,
            Offer::Failed(failure) => {
                let id = self.id(client);
                let outcome = Outcome::init_failure(&id, failure, LIMITS.init_timeout);
                self.record_outcome(client, &outcome, At::Done);
            }
        }
        true
    }

    fn client_continues(&mut self, step: Move, client: usize) -> bool {
        let id = self.id(client);
        let is_concurrent = self.state.limits.is_concurrent;
        match (step, self.clients[client].at) {
            (Move::Release(_), At::Accepted) => {
                self.state.release(&id);
                self.clients[client].at = At::Released;
            }
            (Move::PollOutcome(_), At::Released) => {
                if let Ok(outcome) = self.state.poll_outcome(self.now, &id) {
                    let at = if is_concurrent {
                        At::Done
                    } else {
                        At::Answered
                    };
                    self.record_outcome(client, &outcome, at);
                }
            }
            (Move::PollEnd(_), At::Answered) => {
                if self.state.poll_end(self.now).is_ok() {
                    self.clients[client].at = At::Done;
                }
            }
            _ => return false,
        }
        true
    }

    /// The process's calls; what it has sent is also read after its exit.
    fn runtime_calls(&mut self, step: Move) -> bool {
        match step {
            Move::RequestNext if self.process == Process::Alive && self.waiter.is_none() => {
                match self.state.request_next(self.now) {
                    NextReply::Waiting(waiter) => self.waiter = Some(waiter),
                    NextReply::Event(event) => {
                        self.has_event = Some(event.request.id.clone());
                    }
                    NextReply::Refused(_) => {}
                }
            }
            Move::TakeEvent => {
                let Some(waiter) = self.waiter else {
                    return false;
                };
                match self.state.take_event(self.now, waiter) {
                    Ok(Some(event)) => {
                        self.has_event = Some(event.request.id.clone());
                        self.waiter = None;
                    }
                    Ok(None) => {}
                    Err(_) => self.waiter = None,
                }
            }
            Move::BeginAnswer if self.process != Process::None && self.answer.is_none() => {
                let Some(id) = self.has_event.take() else {
                    return false;
                };
                self.answer = self.state.begin_answer(&id, None).ok();
            }
            Move::FinishAnswer | Move::AbortAnswer => match (self.answer.take(), step) {
                (Some(answer), Move::FinishAnswer) => {
                    let outcome = Outcome::response(Vec::new(), "");
                    let _ = self.state.finish_answer(&answer, outcome);
                }
                (Some(answer), _) => self.state.abort_answer(&answer),
                (None, _) => return false,
            },
            Move::BeginInitError if self.process == Process::Alive => {
                self.init_error = self.state.begin_init_error().ok();
            }
            Move::FinishInitError => match self.init_error.take() {
                Some(generation) => {
                    let outcome = Outcome::response(Vec::new(), "");
                    self.state.finish_init_error(generation, outcome);
                }
                None => return false,
            },
            _ => return false,
        }
        true
    }

    /// The next time at which a party checks its condition.
    pub fn next_time(&self) -> Option<Instant> {
        let waits = (0..self.clients.len()).filter_map(|client| self.waits_for(client));
        let supervisor = [self.state.start_due(), self.state.init_deadline()];
        let times = waits.flatten().chain(supervisor.into_iter().flatten());
        times.filter(|time| *time > self.now).min()
    }

    /// Whether steps of the tool or of the kernel are due, which never take as long as the next
    /// pause.
    pub fn is_behind(&self) -> bool {
        let supervisor = [self.state.start_due(), self.state.init_deadline()];
        let is_due = supervisor.into_iter().flatten().any(|due| due <= self.now);
        let is_left = matches!(self.process, Process::Exited | Process::Reaped);
        let quick = self.now + LIMITS.init_timeout;
        let has_found = (0..self.clients.len()).any(|client| {
            let wants_start = self.state.phase == Phase::Stopped && !self.state.start_requested;
            let is_next = match self.clients[client].at {
                At::Accepted => true,
                At::Offering => wants_start,
                _ => false,
            };
            is_next || self.waits_for(client) == Some(None)
        });
        (is_due || is_left || has_found) && self.next_time().is_some_and(|time| time > quick)
    }

    /// Whether a client waits; if so, until when at the latest according to the state machine, and
    /// `Some(None)` if its condition is already true.
    pub fn waits_for(&self, client: usize) -> Option<Option<Instant>> {
        let mut copy = self.clone();
        let id = self.id(client);
        match self.clients[client].at {
            At::Offering => Some(match copy.offer(client) {
                Offer::Waiting => Some(self.clients[client].since + self.state.offer_timeout()),
                Offer::Accepted | Offer::Failed(_) => None,
            }),
            At::Released => Some(copy.state.poll_outcome(self.now, &id).err()),
            At::Answered => Some(copy.state.poll_end(self.now).err()),
            At::New | At::Accepted | At::Done => None,
        }
    }

    pub fn may_take(&self) -> bool {
        let mut state = self.state.clone();
        let taken = self.waiter.map(|waiter| state.take_event(self.now, waiter));
        taken.is_some_and(|taken| !matches!(taken, Ok(None)))
    }

    /// Everything that distinguishes states, except ids and absolute times.
    pub fn fingerprint(&self) -> String {
        let s = &self.state;
        let time = |time: Instant| {
            let left = time.saturating_duration_since(self.now).as_millis();
            left as i64 - self.now.saturating_duration_since(time).as_millis().min(1) as i64
        };
        let of = |event: &Option<Arc<Invocation>>| {
            let id = event.as_ref().map(|event| &event.request.id);
            let mine = |client: &Client| Some(&client.request.id) == id;
            self.clients.iter().position(mine)
        };
        let clients = self.clients.iter().map(|client| {
            let (since, outcomes) = (time(client.since + s.offer_timeout()), client.outcomes);
            (client.at, since, outcomes)
        });
        let waits = (0..self.clients.len()).map(|client| self.waits_for(client));
        let waits = waits.map(|wait| wait.map(|until| until.map(time)));
        format!(
            "{:?} {:?} {:?} {} {} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
            s.phase,
            s.process.is_some(),
            s.ending.map(|ending| time(ending.since())),
            s.is_killed(),
            s.start_requested,
            (s.init_error.is_some(), s.init_failure.is_some()),
            (of(&s.current), of(&s.held), of(&s.pending)),
            (s.has_outcome, s.outcome.is_some(), time(s.deadline)),
            (s.init_deadline().map(time), s.start_due().map(time)),
            (s.waiters.len(), self.may_take(), self.waiter.is_some()),
            self.has_event
                .as_ref()
                .map(|id| (0..2).position(|client| self.id(client) == *id)),
            self.answer
                .as_ref()
                .map(|answer| of(&Some(answer.invocation.clone()))),
            (self.init_error, self.process, self.starts, self.pauses),
            clients.collect::<Vec<_>>(),
            waits.collect::<Vec<_>>(),
        ) + &format!("{}", s.in_flight.has_queued())
    }
}
