//! Every state that the state machine can reach, and what has to hold in each.
//!
//! `world` is the state with the parties around it. `explore` takes every move in every state that
//! any order of moves leads to, so each interleaving of any two steps is among them. In each state:
//!
//! - no event is in hand of a process that is gone, and no event has two outcomes;
//! - who waits, and would now find something, is woken (`check_wakes`);
//! - whatever the runtime does or leaves undone from here on, each event comes to its outcome and
//!   its end by the tool's own steps and time, not for want of a process (`come_to_the_end`).

mod world;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use super::state::{InitFailure, Phase, State};
use super::turns::Offer;
use crate::local::invocation::{Invocation, Submission};
use world::{At, LIMITS, Move, Process, World};

/// So many processes are started, and so often time passes, on any path. More leads to no states
/// but those that differ in counts.
const STARTS_MAX: u32 = 2;
const PAUSES_MAX: u32 = 2;

const MOVES: [Move; 22] = [
    Move::Offer(0),
    Move::Offer(1),
    Move::Release(0),
    Move::Release(1),
    Move::Look(0),
    Move::Look(1),
    Move::End(0),
    Move::End(1),
    Move::Ask,
    Move::Take,
    Move::BeginAnswer,
    Move::FinishAnswer,
    Move::CutAnswer,
    Move::BeginInitError,
    Move::FinishInitError,
    Move::Exit,
    Move::Reap,
    Move::Close,
    Move::Start,
    Move::FailToStart,
    Move::OverrunInit,
    Move::Pause,
];

/// Walks all that can be reached; how many states that is.
fn explore(is_concurrent: bool) -> usize {
    let mut seen = HashSet::new();
    let mut ahead = vec![(World::new(is_concurrent), Vec::new())];
    while let Some((world, path)) = ahead.pop() {
        if !seen.insert(world.print()) {
            continue;
        }
        check(&world, &path);
        come_to_the_end(&world, &path);
        for this in MOVES {
            let mut next = world.clone();
            next.state.actions = Default::default();
            let mut path = path.clone();
            path.push(this);
            if this == Move::Pause && world.is_behind() {
                continue;
            }
            if next.make(this) && next.starts <= STARTS_MAX && next.pauses <= PAUSES_MAX {
                kill_as_told(&mut next);
                check_wakes(&world, this, &next, &path);
                ahead.push((next, path));
            }
        }
    }
    seen.len()
}

/// The kernel ends what was sent SIGKILL.
fn kill_as_told(world: &mut World) {
    if world.state.actions.kill.is_some() && world.process == Process::Alive {
        world.process = Process::Ended;
    }
}

fn check(world: &World, path: &[Move]) {
    let state = &world.state;
    for client in &world.clients {
        assert!(client.outcomes <= 1, "two outcomes: {path:?}");
        let is_in_hand = matches!(client.at, At::InHand | At::Released);
        if state.phase == Phase::Stopped && is_in_hand {
            let id = &client.submission.request_id;
            let outcome = state.clone().outcome(world.now, id);
            assert!(outcome.is_ok(), "in hand of no process: {path:?}");
        }
    }
    let is_gone = matches!(world.process, Process::None | Process::Reaped);
    assert_eq!(state.process.is_none(), is_gone, "{path:?}");
}

/// Who waited before the move, and now finds something, or has to look earlier, was woken.
fn check_wakes(before: &World, this: Move, after: &World, path: &[Move]) {
    let woken = &after.state.actions;
    // Time wakes nobody: who waits knows when to look.
    if this == Move::Pause {
        return;
    }
    for client in 0..before.clients.len() {
        let own = [Move::Offer(client), Move::Look(client), Move::End(client)];
        let (Some(Some(then)), Some(now)) = (before.waits_for(client), after.waits_for(client))
        else {
            continue;
        };
        let sooner = now.is_none_or(|now| now < then);
        let is_woken = woken.wake_clients || own.contains(&this);
        assert!(!sooner || is_woken, "client {client} sleeps on: {path:?}");
    }
    if before.waiter.is_some() && after.waiter == before.waiter {
        let new = !before.may_take() && after.may_take();
        assert!(!new || woken.wake_runtimes, "/next sleeps on: {path:?}");
    }
    let keeper = |world: &World| [world.state.start_due(), world.state.init_deadline()];
    for (then, now) in keeper(before).into_iter().zip(keeper(after)) {
        let sooner = now.is_some_and(|now| then.is_none_or(|then| now < then));
        assert!(!sooner || woken.wake_keepers, "keeper sleeps on: {path:?}");
    }
    let new = before.state.process.is_none() && after.state.process.is_some();
    assert!(!new || woken.wake_keepers, "undertaker sleeps on: {path:?}");
}

/// The runtime does nothing more. The tool's own steps, and time, bring each event to its end.
fn come_to_the_end(world: &World, path: &[Move]) {
    const OWN: [Move; 12] = [
        Move::Offer(0),
        Move::Offer(1),
        Move::Release(0),
        Move::Release(1),
        Move::Look(0),
        Move::Look(1),
        Move::End(0),
        Move::End(1),
        Move::Reap,
        Move::Close,
        Move::Start,
        Move::OverrunInit,
    ];
    let mut world = world.clone();
    for _ in 0..100 {
        if world.clients.iter().all(|client| client.at == At::Done) {
            break;
        }
        let before = world.print();
        for this in OWN {
            world.state.actions = Default::default();
            world.make(this);
            kill_as_told(&mut world);
        }
        if world.print() == before && !world.make(Move::Pause) {
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
fn one_event_at_a_time_every_interleaving_settles_each_event_once() {
    let states = explore(false);
    assert!(states > 1000, "only {states} states");
    println!("{states} states");
}

#[test]
fn several_events_at_once_every_interleaving_settles_each_event_once() {
    let states = explore(true);
    assert!(states > 1000, "only {states} states");
    println!("{states} states");
}

#[test]
fn process_that_does_not_die_event_and_the_next_fail_in_time() {
    let mut world = World::new(false);
    for this in [
        Move::Offer(0),
        Move::Start,
        Move::Ask,
        Move::Offer(0),
        Move::Release(0),
        Move::Take,
        Move::Pause, // to the deadline
        Move::Look(0),
        Move::End(0),
        Move::Pause, // it does not die
        Move::End(0),
        Move::Offer(1),
    ] {
        assert!(world.make(this), "{this:?}");
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
fn failed_start_is_told_to_who_waited_and_not_to_who_comes_later() {
    let mut state = State::new(LIMITS, Instant::now());
    let submission = Arc::new(Submission::new(Vec::new()));
    let invocation = || -> Arc<Invocation> { unreachable!("nothing is ready") };
    let (then, now) = (submission.submitted, submission.submitted + LIMITS.timeout);
    let waiting = state.offer(then, then, then, invocation);
    assert!(matches!(waiting, Offer::Waiting) && state.start_is_wanted);
    state.start_is_wanted = false;
    state.fail_to_begin(now, "no".to_string());
    let told = state.offer(now, then, then, invocation);
    let is_told = matches!(told, Offer::Failed(InitFailure::NotStarted(_)));
    assert!(is_told && !state.start_is_wanted);
    let later = now + LIMITS.timeout;
    assert!(matches!(
        state.offer(later, later, later, invocation),
        Offer::Waiting
    ));
    assert!(state.start_is_wanted);
}
