//! Every reachable state of the state machine, and the invariants of each.
//!
//! `world` is the state with the parties around it. `explore` performs every move in every state
//! that any order of moves leads to, which includes each interleaving of any two steps. Invariants:
//!
//! - no accepted event belongs to a process that is gone, and no event has two outcomes;
//! - whatever the runtime does or omits from here on, each event gets its outcome and its end by
//!   the tool's own steps and by time, and never for lack of a process (`run_to_the_end`).

mod world;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use super::invocations::Offer;
use super::state::{Phase, State};
use crate::local::invocation::{Invocation, InvokeRequest};
use crate::local::outcome::InitFailure;
use world::{At, LIMITS, Move, Process, World};

/// How many processes are started, and how often time passes, on any path. More leads only to
/// states that differ in counts.
const STARTS_MAX: u32 = 2;
const PAUSES_MAX: u32 = 2;

const MOVES: [Move; 22] = [
    Move::Offer(0),
    Move::Offer(1),
    Move::Release(0),
    Move::Release(1),
    Move::PollOutcome(0),
    Move::PollOutcome(1),
    Move::PollEnd(0),
    Move::PollEnd(1),
    Move::RequestNext,
    Move::TakeEvent,
    Move::BeginAnswer,
    Move::FinishAnswer,
    Move::AbortAnswer,
    Move::BeginInitError,
    Move::FinishInitError,
    Move::Exit,
    Move::Reap,
    Move::Stop,
    Move::Start,
    Move::FailToStart,
    Move::OverrunInit,
    Move::Pause,
];

/// Walks all reachable states; their number.
fn explore(is_concurrent: bool) -> usize {
    let mut seen = HashSet::new();
    let mut ahead = vec![(World::new(is_concurrent), Vec::new())];
    while let Some((world, path)) = ahead.pop() {
        if !seen.insert(world.fingerprint()) {
            continue;
        }
        check(&world, &path);
        run_to_the_end(&world, &path);
        for step in MOVES {
            let mut next = world.clone();
            next.state.actions = Default::default();
            let mut path = path.clone();
            path.push(step);
            if step == Move::Pause && world.is_behind() {
                continue;
            }
            if next.perform(step) && next.starts <= STARTS_MAX && next.pauses <= PAUSES_MAX {
                kill_as_outcomes(&mut next);
                ahead.push((next, path));
            }
        }
    }
    seen.len()
}

/// The kernel ends a process that was sent SIGKILL.
fn kill_as_outcomes(world: &mut World) {
    if world.state.actions.kill.is_some() && world.process == Process::Alive {
        world.process = Process::Exited;
    }
}

fn check(world: &World, path: &[Move]) {
    let state = &world.state;
    for client in &world.clients {
        assert!(client.outcomes <= 1, "two outcomes: {path:?}");
        let is_accepted = matches!(client.at, At::Accepted | At::Released);
        if state.phase == Phase::Stopped && is_accepted {
            let id = &client.request.id;
            let outcome = state.clone().poll_outcome(world.now, id);
            assert!(outcome.is_ok(), "accepted by no process: {path:?}");
        }
    }
    let is_gone = matches!(world.process, Process::None | Process::Reaped);
    assert_eq!(state.process.is_none(), is_gone, "{path:?}");
}

/// The runtime does nothing more: the tool's own steps and time bring each event to its end.
fn run_to_the_end(world: &World, path: &[Move]) {
    const OWN: [Move; 12] = [
        Move::Offer(0),
        Move::Offer(1),
        Move::Release(0),
        Move::Release(1),
        Move::PollOutcome(0),
        Move::PollOutcome(1),
        Move::PollEnd(0),
        Move::PollEnd(1),
        Move::Reap,
        Move::Stop,
        Move::Start,
        Move::OverrunInit,
    ];
    let mut world = world.clone();
    for _ in 0..100 {
        if world.clients.iter().all(|client| client.at == At::Done) {
            break;
        }
        let before = world.fingerprint();
        for step in OWN {
            world.state.actions = Default::default();
            world.perform(step);
            kill_as_outcomes(&mut world);
        }
        if world.fingerprint() == before && !world.perform(Move::Pause) {
            break;
        }
    }
    for client in &world.clients {
        let ended = (client.at, client.outcomes);
        assert_eq!(ended, (At::Done, 1), "no end: {path:?}");
        let error_type = client.error_type.as_deref();
        assert_ne!(error_type, Some("Runtime.Unavailable"), "{path:?}");
    }
}

#[test]
fn single_event_any_interleaving_has_one_outcome() {
    let states = explore(false);
    assert!(states > 1000, "only {states} states");
    println!("{states} states");
}

#[test]
fn concurrent_events_any_interleaving_have_one_outcome_each() {
    let states = explore(true);
    assert!(states > 1000, "only {states} states");
    println!("{states} states");
}

#[test]
fn process_that_survives_sigkill_fails_this_event_and_the_next() {
    let mut world = World::new(false);
    for step in [
        Move::Offer(0),
        Move::Start,
        Move::RequestNext,
        Move::Offer(0),
        Move::Release(0),
        Move::TakeEvent,
        Move::Pause, // to the deadline
        Move::PollOutcome(0),
        Move::PollEnd(0),
        Move::Pause, // it does not exit
        Move::PollEnd(0),
        Move::Offer(1),
    ] {
        assert!(world.perform(step), "{step:?}");
    }
    let ends = world.clients.iter().map(|client| {
        let error_type = client.error_type.clone().unwrap_or_default();
        (client.at, error_type)
    });
    let expected = ["Sandbox.Timedout", "Runtime.Unavailable"];
    let expected = expected.map(|error_type| (At::Done, error_type.to_string()));
    assert_eq!(ends.collect::<Vec<_>>(), expected);
}

#[test]
fn failed_start_fails_waiting_events_and_not_later_ones() {
    let mut state = State::new(LIMITS, Instant::now());
    let request = Arc::new(InvokeRequest::new(Vec::new()));
    let invocation = || -> Arc<Invocation> { unreachable!("nothing is ready") };
    let (then, now) = (request.received, request.received + LIMITS.timeout);
    let waiting = state.offer(then, then, then, invocation);
    assert!(matches!(waiting, Offer::Waiting) && state.start_requested);
    state.start_requested = false;
    state.start_failed(now, "no".to_string());
    let offer = state.offer(now, then, then, invocation);
    let is_failed = matches!(offer, Offer::Failed(InitFailure::NotStarted(_)));
    assert!(is_failed && !state.start_requested);
    let later = now + LIMITS.timeout;
    assert!(matches!(
        state.offer(later, later, later, invocation),
        Offer::Waiting
    ));
    assert!(state.start_requested);
}
