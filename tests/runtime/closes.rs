//! Connections that the server ends, in every phase, once and twice.

use crate::support::api::{Cut, Event, Framing, HangUp, Kind, Ledger, Script, Turn};
use crate::{assert_echoed, echo, support};

const HANG_UPS: [HangUp; 3] = [HangUp::Fin, HangUp::Close, HangUp::Reset];

/// Every n-th offset of `0..end`, all of them at native speed.
fn offsets(end: usize) -> impl Iterator<Item = usize> {
    let count = support::rounds("offsets of a close", end);
    (0..end).step_by(end.div_ceil(count))
}

fn closes_within_an_event(framing: Framing, hang_up: HangUp) {
    let length = Event::new("close-0000", "0123456789").framed(framing.clone());
    let mut script = Script::default();
    let mut events = Vec::new();
    for offset in offsets(length.reply().len()) {
        let event = Event::new(&format!("close-{offset:04}"), "0123456789");
        let event = event.framed(framing.clone());
        let cut = Turn::event(&event).cut(Cut::InReply(offset)).by(hang_up);
        script = script.get(cut).get(Turn::event(&event));
        events.push(event);
    }
    let outcome = echo().run(script);
    let ledger = outcome.assert_serving();
    for event in &events {
        assert_echoed(ledger, event);
        assert_eq!(ledger.posts_of(&event.id).len(), 1, "{}", event.id);
    }
    assert_eq!(ledger.connections, 1 + events.len());
}

#[test]
fn a_close_at_every_offset_of_a_sized_event_is_survived() {
    closes_within_an_event(Framing::Sized, HangUp::Fin);
}

#[test]
fn a_close_at_every_offset_of_a_chunked_event_is_survived() {
    closes_within_an_event(Framing::Chunked(vec![4, 3]), HangUp::Fin);
}

#[test]
fn a_reset_at_every_offset_of_an_event_is_survived() {
    closes_within_an_event(Framing::Sized, HangUp::Reset);
    closes_within_an_event(Framing::Ornate(6), HangUp::Reset);
}

/// The server lost the answer and hands out the same id, with another body that must not be
/// handled: the kept answer is posted again.
fn again(script: Script, id: &str) -> Script {
    script.get(Turn::event(&Event::new(id, "must not be handled")))
}

fn assert_kept_answer(ledger: &Ledger, event: &Event) {
    for post in ledger.posts_of(&event.id) {
        let part = &event.body[..post.body.len().min(event.body.len())];
        assert!(post.body == part, "{}: handled again; {ledger}", event.id);
    }
    assert_echoed(ledger, event);
}

fn closes_within_the_reply_to_a_post(hang_up: HangUp) {
    let reply = Turn::status(202);
    let mut script = Script::default();
    let (mut lost, mut taken) = (Vec::new(), Vec::new());
    for offset in offsets(reply.reply.len()) {
        let cut = reply.clone().cut(Cut::InReply(offset)).by(hang_up);
        let event = Event::new(&format!("lost-{offset}"), format!("body {offset}"));
        script = script.get(Turn::event(&event)).post(cut.clone().lost());
        script = again(script, &event.id).post(reply.clone());
        lost.push(event);
        let event = Event::new(&format!("taken-{offset}"), format!("body {offset}"));
        script = script.get(Turn::event(&event)).post(cut.taken());
        taken.push(event);
        let between = Event::new(&format!("between-{offset}"), "between");
        script = script.get(Turn::event(&between)).post(reply.clone());
    }
    let outcome = echo().run(script);
    let ledger = outcome.assert_serving();
    for event in &lost {
        assert_eq!(
            ledger.posts_of(&event.id).len(),
            2,
            "{}; {ledger}",
            event.id
        );
        assert_kept_answer(ledger, event);
    }
    for event in &taken {
        assert_eq!(
            ledger.posts_of(&event.id).len(),
            1,
            "{}; {ledger}",
            event.id
        );
        assert_echoed(ledger, event);
    }
}

#[test]
fn a_close_at_every_offset_of_the_reply_to_a_post_neither_loses_nor_repeats_an_answer() {
    closes_within_the_reply_to_a_post(HangUp::Fin);
}

#[test]
fn a_reset_at_every_offset_of_the_reply_to_a_post_neither_loses_nor_repeats_an_answer() {
    closes_within_the_reply_to_a_post(HangUp::Reset);
}

/// The phases of a GET in which nothing has been delivered.
const PHASES_OF_GET: [Cut; 6] = [
    Cut::BeforeRequest,
    Cut::InRequest(1),
    Cut::InRequest(20),
    Cut::InRequest(60),
    Cut::BeforeReply,
    Cut::InReply(30),
];

#[test]
fn a_close_in_each_phase_of_asking_is_survived_once() {
    for hang_up in HANG_UPS {
        let mut script = Script::default();
        let mut events = Vec::new();
        for (number, phase) in PHASES_OF_GET.into_iter().enumerate() {
            let event = Event::new(&format!("phase-{number}"), "event");
            let cut = Turn::event(&event).cut(phase).by(hang_up);
            script = script.get(cut).get(Turn::event(&event));
            events.push(event);
        }
        let outcome = echo().run(script);
        let ledger = outcome.assert_serving();
        for event in &events {
            assert_echoed(ledger, event);
        }
        assert_eq!(ledger.connections, 1 + PHASES_OF_GET.len());
    }
}

#[test]
fn a_second_close_of_asking_in_a_row_ends_the_runtime() {
    let event = Event::new("event", "event");
    for hang_up in [HangUp::Fin, HangUp::Reset] {
        for first in PHASES_OF_GET {
            for second in [Cut::BeforeReply, Cut::InReply(17)] {
                let cut = |phase| Turn::event(&event).cut(phase).by(hang_up);
                let script = Script::default().get(cut(first)).get(cut(second));
                let outcome = echo().run(script.get(Turn::event(&event)));
                let ledger = outcome.assert_exit(1);
                assert!(ledger.posts.is_empty(), "{first:?} {second:?}; {ledger}");
                assert_eq!(ledger.connections, 2, "{first:?} {second:?}; {ledger}");
            }
        }
    }
}

/// The phases of a POST of 1,000 bytes in which the server has not replied.
fn phases_of_post() -> Vec<Cut> {
    let mut phases = vec![Cut::BeforeRequest, Cut::BeforeReply];
    phases.extend([1, 30, 90, 200, 600, 1_050].map(Cut::InRequest));
    phases
}

#[test]
fn a_close_in_each_phase_of_answering_posts_the_kept_answer_when_the_same_id_comes_back() {
    for hang_up in HANG_UPS {
        let mut script = Script::default();
        let mut events = Vec::new();
        for (number, phase) in phases_of_post().into_iter().enumerate() {
            let event = Event::new(&format!("phase-{number}"), vec![b'a' + number as u8; 1_000]);
            let cut = Turn::status(202).cut(phase).by(hang_up).lost();
            script = script.get(Turn::event(&event)).post(cut);
            script = again(script, &event.id).post(Turn::status(202));
            events.push(event);
        }
        let outcome = echo().run(script);
        let ledger = outcome.assert_serving();
        for event in &events {
            assert_kept_answer(ledger, event);
        }
        assert_eq!(ledger.connections, 1 + events.len());
    }
}

#[test]
fn a_close_in_each_phase_of_answering_is_an_answer_when_another_id_comes() {
    for hang_up in HANG_UPS {
        let mut script = Script::default();
        let mut events = Vec::new();
        for (number, phase) in phases_of_post().into_iter().enumerate() {
            let event = Event::new(&format!("phase-{number}"), vec![b'a' + number as u8; 1_000]);
            let cut = Turn::status(202).cut(phase).by(hang_up).taken();
            let between = Event::new(&format!("between-{number}"), "between");
            script = script.get(Turn::event(&event)).post(cut);
            script = script.get(Turn::event(&between)).post(Turn::status(202));
            events.push(event);
            events.push(between);
        }
        let outcome = echo().run(script);
        assert_eq!(outcome.code, None, "{}\n{}", outcome.ledger, outcome.stderr);
        for event in &events {
            let posts = outcome.ledger.posts_of(&event.id);
            assert!(posts.len() <= 1, "{}: twice; {}", event.id, outcome.ledger);
            if event.id.starts_with("between") {
                assert_echoed(&outcome.ledger, event);
            }
        }
    }
}

#[test]
fn a_close_after_a_whole_reply_is_no_loss() {
    for hang_up in HANG_UPS {
        let events: Vec<Event> = (0..6)
            .map(|number| Event::new(&format!("whole-{number}"), format!("body {number}")))
            .collect();
        let closing = Turn::status(202).cut(Cut::AfterReply).by(hang_up);
        let mut script = Script::default();
        for event in &events {
            script = script.get(Turn::event(event)).post(closing.clone());
        }
        let outcome = echo().run(script);
        let ledger = outcome.assert_serving();
        for event in &events {
            assert_eq!(ledger.posts_of(&event.id).len(), 1, "{ledger}");
            assert_echoed(ledger, event);
        }
    }
}

#[test]
fn a_close_between_an_event_and_its_answer_is_survived() {
    // The event came whole, then the connection ended: the POST meets a dead connection, and the
    // server, which has no answer, hands out the same event.
    for hang_up in HANG_UPS {
        let event = Event::new("event", "handled once");
        let last = Event::new("last", "last");
        let cut = Turn::event(&event).cut(Cut::AfterReply).by(hang_up);
        let script = again(Script::default().get(cut), "event").get(Turn::event(&last));
        let outcome = echo().run(script);
        let ledger = outcome.assert_serving();
        assert_kept_answer(ledger, &event);
        assert_echoed(ledger, &last);
        assert_eq!(ledger.answer("event").kind, Kind::Response);
    }
}

#[test]
fn a_close_of_answering_and_then_of_asking_ends_the_runtime() {
    let event = Event::new("event", "event");
    for hang_up in [HangUp::Fin, HangUp::Reset] {
        for first in phases_of_post() {
            for second in PHASES_OF_GET {
                let post = Turn::status(202).cut(first).by(hang_up);
                let get = Turn::event(&event).cut(second).by(hang_up);
                let script = Script::events([&event]).post(post).get(get);
                let outcome = echo().run(script.get(Turn::event(&event)));
                let ledger = outcome.assert_exit(1);
                assert!(ledger.posts.len() <= 1, "{first:?} {second:?}; {ledger}");
                assert_eq!(ledger.connections, 2, "{first:?} {second:?}; {ledger}");
            }
        }
    }
}

#[test]
fn a_kept_answer_that_meets_a_close_again_is_never_counted_twice() {
    let event = Event::new("event", "event");
    let cut = || Turn::status(202).cut(Cut::BeforeReply).lost();
    let script = again(Script::events([&event]).post(cut()), "event").post(cut());
    let outcome = echo().run(again(script, "event"));
    let ledger = outcome.assert_exit(1);
    assert_eq!(ledger.posts_of("event").len(), 2, "{ledger}");
    assert_eq!(ledger.connections, 2, "{ledger}");
}

#[test]
fn a_close_while_idle_is_survived() {
    for hang_up in HANG_UPS {
        let mut script = Script::default();
        let events = ["one", "two"].map(|id| Event::new(id, id));
        for event in &events {
            let mut late = Turn::event(event).cut(Cut::BeforeReply).by(hang_up);
            late.delay = std::time::Duration::from_millis(50);
            script = script.get(late).get(Turn::event(event));
        }
        let outcome = echo().run(script);
        let ledger = outcome.assert_serving();
        events.iter().for_each(|event| assert_echoed(ledger, event));
        assert_eq!(ledger.connections, 3, "{ledger}");
    }
}

#[test]
fn a_close_that_a_reply_announces_is_no_loss() {
    let close = |line: &str| format!("{line}\r\nConnection: close");
    let reply = "HTTP/1.1 202 Accepted\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    for hang_up in [HangUp::Fin, HangUp::Close] {
        let events: Vec<Event> = (0..6)
            .map(|number| Event::new(&format!("announced-{number}"), format!("body {number}")))
            .collect();
        let mut script = Script::default();
        for event in &events {
            let last = event.lines.len() - 1;
            let mut announced = event.clone();
            announced.lines[last] = close(&announced.lines[last]);
            let get = Turn::event(&announced).cut(Cut::AfterReply).by(hang_up);
            let post = Turn::raw(reply).cut(Cut::AfterReply).by(hang_up);
            // An announced close is no loss, so one that was not announced is the first.
            let cut = get.clone().cut(Cut::BeforeReply);
            script = script.get(cut).get(get).post(post);
        }
        let outcome = echo().run(script);
        let ledger = outcome.assert_serving();
        for event in &events {
            assert_echoed(ledger, event);
            assert_eq!(ledger.posts_of(&event.id).len(), 1, "{ledger}");
        }
    }
}
