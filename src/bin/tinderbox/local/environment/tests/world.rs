//! The state machine and the parties around it, each at its place in its own loop, and the process
//! as the kernel has it. A `Move` is what one party does under the lock at once.
//!
//! It is long because a party's moves are told beside each other, each as its loop has it.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::calls::{Answer, Asked, Waiter};
use super::super::state::{Limits, Phase, State};
use super::super::turns::Offer;
use crate::local::invocation::{Invocation, Outcome, Submission};

pub const LIMITS: Limits = Limits {
    timeout: Duration::from_secs(3),
    init_timeout: Duration::from_secs(4),
    is_concurrent: false,
};

/// Where a client is with its event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum At {
    New,
    Offering,
    InHand,
    Released,
    Told,
    Done,
}

/// The process as the kernel has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Process {
    None,
    Alive,
    /// Ended, and not reaped.
    Ended,
    /// Reaped; its last words are still heard.
    Reaped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    Offer(usize),
    Release(usize),
    Look(usize),
    End(usize),
    Ask,
    Take,
    BeginAnswer,
    FinishAnswer,
    CutAnswer,
    BeginInitError,
    FinishInitError,
    Exit,
    Reap,
    Close,
    Start,
    FailToStart,
    OverrunInit,
    Pause,
}

#[derive(Clone)]
pub struct Client {
    pub submission: Arc<Submission>,
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
        let submissions = [0; 2].map(|_| Arc::new(Submission::new(b"1".to_vec())));
        let now = Instant::now();
        let client = |submission| Client {
            submission,
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
            clients: submissions.into_iter().map(client).collect(),
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
        let Client {
            submission, since, ..
        } = &self.clients[client];
        let invocation = || {
            Arc::new(Invocation {
                submission: submission.clone(),
                attempt_id: "attempt".to_string(),
                deadline_ms: 0,
            })
        };
        let submitted = submission.submitted;
        self.state.offer(self.now, *since, submitted, invocation)
    }

    fn id(&self, client: usize) -> String {
        self.clients[client].submission.request_id.clone()
    }

    fn tell(&mut self, client: usize, outcome: &Outcome, at: At) {
        let client = &mut self.clients[client];
        client.outcomes += 1;
        client.error_type = outcome.error_type.clone();
        client.at = at;
    }

    /// One move; false when it is not this party's turn.
    pub fn make(&mut self, this: Move) -> bool {
        match this {
            Move::Offer(client) => return self.client_offers(client),
            Move::Release(client) | Move::Look(client) | Move::End(client) => {
                return self.client_goes_on(this, client);
            }
            Move::Exit if self.process == Process::Alive => self.process = Process::Ended,
            Move::Reap if self.process == Process::Ended => {
                self.state.lose_process(self.now);
                self.process = Process::Reaped;
            }
            Move::Close if self.process == Process::Reaped => {
                self.state.close(ExitStatus::from_raw(9), self.now);
                self.process = Process::None;
            }
            Move::Start | Move::FailToStart => {
                if self.state.start_due().is_none_or(|due| due > self.now) {
                    return false;
                }
                self.starts += 1;
                self.state.start_is_wanted = false;
                match this {
                    Move::Start => {
                        self.state.begin(self.starts, self.now);
                        self.process = Process::Alive;
                    }
                    _ => self.state.fail_to_begin(self.now, "no".to_string()),
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
            _ => return self.runtime_calls(this),
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
            Offer::Accepted => self.clients[client].at = At::InHand,
            Offer::Waiting => self.clients[client].at = At::Offering,
            Offer::Failed(failure) => {
                let id = self.id(client);
                let outcome = Outcome::init_failure(&id, failure, LIMITS.init_timeout);
                self.tell(client, &outcome, At::Done);
            }
        }
        true
    }

    fn client_goes_on(&mut self, this: Move, client: usize) -> bool {
        let id = self.id(client);
        let is_concurrent = self.state.limits.is_concurrent;
        match (this, self.clients[client].at) {
            (Move::Release(_), At::InHand) => {
                self.state.release(&id);
                self.clients[client].at = At::Released;
            }
            (Move::Look(_), At::Released) => {
                if let Ok(outcome) = self.state.outcome(self.now, &id) {
                    let at = if is_concurrent { At::Done } else { At::Told };
                    self.tell(client, &outcome, at);
                }
            }
            (Move::End(_), At::Told) => {
                if self.state.end(self.now).is_ok() {
                    self.clients[client].at = At::Done;
                }
            }
            _ => return false,
        }
        true
    }

    /// The process's calls; what it has sent is heard also behind its end.
    fn runtime_calls(&mut self, this: Move) -> bool {
        match this {
            Move::Ask if self.process == Process::Alive && self.waiter.is_none() => {
                match self.state.ask(self.now) {
                    Asked::Waits(waiter) => self.waiter = Some(waiter),
                    Asked::Event(event) => {
                        self.has_event = Some(event.submission.request_id.clone());
                    }
                    Asked::Refused(_) => {}
                }
            }
            Move::Take => {
                let Some(waiter) = self.waiter else {
                    return false;
                };
                match self.state.take_event(self.now, waiter) {
                    Ok(Some(event)) => {
                        self.has_event = Some(event.submission.request_id.clone());
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
            Move::FinishAnswer | Move::CutAnswer => match (self.answer.take(), this) {
                (Some(answer), Move::FinishAnswer) => {
                    let outcome = Outcome::response(Vec::new(), "");
                    let _ = self.state.finish_answer(&answer, outcome);
                }
                (Some(answer), _) => self.state.cut_answer(&answer),
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

    /// The next time that a party waits for.
    pub fn next_time(&self) -> Option<Instant> {
        let waits = (0..self.clients.len()).filter_map(|client| self.waits_for(client));
        let keeper = [self.state.start_due(), self.state.init_deadline()];
        let times = waits.flatten().chain(keeper.into_iter().flatten());
        times.filter(|time| *time > self.now).min()
    }

    /// Whether the tool's or the kernel's own steps would take longer than they ever do, if time
    /// passed now.
    pub fn is_behind(&self) -> bool {
        let keeper = [self.state.start_due(), self.state.init_deadline()];
        let is_due = keeper.into_iter().flatten().any(|due| due <= self.now);
        let is_left = matches!(self.process, Process::Ended | Process::Reaped);
        let quick = self.now + LIMITS.init_timeout;
        let has_found = (0..self.clients.len()).any(|client| {
            let wants_start = self.state.phase == Phase::Stopped && !self.state.start_is_wanted;
            let is_next = match self.clients[client].at {
                At::InHand => true,
                At::Offering => wants_start,
                _ => false,
            };
            is_next || self.waits_for(client) == Some(None)
        });
        (is_due || is_left || has_found) && self.next_time().is_some_and(|time| time > quick)
    }

    /// Whether a client waits; if so, until when at the latest, as the state machine tells it, and
    /// `Some(None)` when it has what it waits for.
    pub fn waits_for(&self, client: usize) -> Option<Option<Instant>> {
        let mut copy = self.clone();
        let id = self.id(client);
        match self.clients[client].at {
            At::Offering => Some(match copy.offer(client) {
                Offer::Waiting => Some(self.clients[client].since + self.state.wait_max()),
                Offer::Accepted | Offer::Failed(_) => None,
            }),
            At::Released => Some(copy.state.outcome(self.now, &id).err()),
            At::Told => Some(copy.state.end(self.now).err()),
            At::New | At::InHand | At::Done => None,
        }
    }

    pub fn may_take(&self) -> bool {
        let mut state = self.state.clone();
        let taken = self.waiter.map(|waiter| state.take_event(self.now, waiter));
        taken.is_some_and(|taken| !matches!(taken, Ok(None)))
    }

    /// What tells this state from others, but for ids and absolute times.
    pub fn print(&self) -> String {
        let s = &self.state;
        let time = |time: Instant| {
            let left = time.saturating_duration_since(self.now).as_millis();
            left as i64 - self.now.saturating_duration_since(time).as_millis().min(1) as i64
        };
        let of = |event: &Option<Arc<Invocation>>| {
            let id = event.as_ref().map(|event| &event.submission.request_id);
            let mine = |client: &Client| Some(&client.submission.request_id) == id;
            self.clients.iter().position(mine)
        };
        let clients = self.clients.iter().map(|client| {
            let (since, told) = (time(client.since + s.wait_max()), client.outcomes);
            (client.at, since, told)
        });
        let waits = (0..self.clients.len()).map(|client| self.waits_for(client));
        let waits = waits.map(|wait| wait.map(|until| until.map(time)));
        format!(
            "{:?} {:?} {:?} {} {} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
            s.phase,
            s.process.is_some(),
            s.dying_since.map(time),
            s.is_killed,
            s.start_is_wanted,
            (s.init_error.is_some(), s.init_failure.is_some()),
            (of(&s.current), of(&s.held), of(&s.pending)),
            (s.settled, s.outcome.is_some(), time(s.deadline)),
            (s.init_deadline().map(time), s.start_due().map(time)),
            (s.line.len(), self.may_take(), self.waiter.is_some()),
            self.has_event
                .as_ref()
                .map(|id| (0..2).position(|client| self.id(client) == *id)),
            self.answer
                .as_ref()
                .map(|answer| of(&Some(answer.invocation.clone()))),
            (self.init_error, self.process, self.starts, self.pauses),
            clients.collect::<Vec<_>>(),
            waits.collect::<Vec<_>>(),
        ) + &format!("{}", s.flights.has_waiting())
    }
}
