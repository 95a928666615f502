//! Connections that the server closes, in every phase, once and twice in a row.

use crate::support::api::{CloseAt, Event, Framing, HangUp, Kind, Ledger, Script, ScriptedReply};
use crate::{assert_echoed, echo, support};

const HANG_UPS: [HangUp; 3] = [HangUp::Fin, HangUp::Close, HangUp::Reset];

/// Every n-th offset of `0..end`; every one at native speed.
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
        let cut = ScriptedReply::event(&event)
            .close_at(CloseAt::InReply(offset))
            .by(hang_up);
        script = script.get(cut).get(ScriptedReply::event(&event));
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
fn event_with_length_closed_at_every_offset_is_delivered_again() {
    closes_within_an_event(Framing::Sized, HangUp::Fin);
}

#[test]
fn event_in_chunks_closed_at_every_offset_is_delivered_again() {
    closes_within_an_event(Framing::Chunked(vec![4, 3]), HangUp::Fin);
}

#[test]
fn event_reset_at_every_offset_is_delivered_again() {
    closes_within_an_event(Framing::Sized, HangUp::Reset);
    closes_within_an_event(Framing::Unusual(6), HangUp::Reset);
}

/// The server lost the answer and delivers the same id again, with another body that must not be
/// handled: the stored answer is posted again.
fn again(script: Script, id: &str) -> Script {
    script.get(ScriptedReply::event(&Event::new(id, "must not be handled")))
}

fn assert_stored_answer(ledger: &Ledger, event: &Event) {
    for post in ledger.posts_of(&event.id) {
        let part = &event.body[..post.body.len().min(event.body.len())];
        assert!(post.body == part, "{}: handled again; {ledger}", event.id);
    }
    assert_echoed(ledger, event);
}

fn closes_within_the_reply_to_a_post(hang_up: HangUp) {
    let reply = ScriptedReply::status(202);
    let mut script = Script::default();
    let (mut uncounted, mut counted) = (Vec::new(), Vec::new());
    for offset in offsets(reply.bytes.len()) {
        let cut = reply.clone().close_at(CloseAt::InReply(offset)).by(hang_up);
        let event = Event::new(&format!("uncounted-{offset}"), format!("body {offset}"));
        script = script
            .get(ScriptedReply::event(&event))
            .post(cut.clone().uncounted());
        script = again(script, &event.id).post(reply.clone());
        uncounted.push(event);
        let event = Event::new(&format!("counted-{offset}"), format!("body {offset}"));
        script = script.get(ScriptedReply::event(&event)).post(cut.counted());
        counted.push(event);
        let between = Event::new(&format!("between-{offset}"), "between");
        script = script
            .get(ScriptedReply::event(&between))
            .post(reply.clone());
    }
    let outcome = echo().run(script);
    let ledger = outcome.assert_serving();
    for event in &uncounted {
        assert_eq!(
            ledger.posts_of(&event.id).len(),
            2,
            "{}; {ledger}",
            event.id
        );
        assert_stored_answer(ledger, event);
    }
    for event in &counted {
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
fn post_reply_closed_at_every_offset_loses_and_repeats_no_answer() {
    closes_within_the_reply_to_a_post(HangUp::Fin);
}

#[test]
fn post_reply_reset_at_every_offset_loses_and_repeats_no_answer() {
    closes_within_the_reply_to_a_post(HangUp::Reset);
}

/// The phases of a GET before the event is delivered.
const PHASES_OF_GET: [CloseAt; 6] = [
    CloseAt::BeforeRequest,
    CloseAt::InRequest(1),
    CloseAt::InRequest(20),
    CloseAt::InRequest(60),
    CloseAt::BeforeReply,
    CloseAt::InReply(30),
];

#[test]
fn next_closed_once_in_any_phase_is_requested_again() {
    for hang_up in HANG_UPS {
        let mut script = Script::default();
        let mut events = Vec::new();
        for (number, phase) in PHASES_OF_GET.into_iter().enumerate() {
            let event = Event::new(&format!("phase-{number}"), "event");
            let cut = ScriptedReply::event(&event).close_at(phase).by(hang_up);
            script = script.get(cut).get(ScriptedReply::event(&event));
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
fn next_closed_twice_in_a_row_exits_1() {
    let event = Event::new("event", "event");
    for hang_up in [HangUp::Fin, HangUp::Reset] {
        for first in PHASES_OF_GET {
            for second in [CloseAt::BeforeReply, CloseAt::InReply(17)] {
                let cut = |phase| ScriptedReply::event(&event).close_at(phase).by(hang_up);
                let script = Script::default().get(cut(first)).get(cut(second));
                let outcome = echo().run(script.get(ScriptedReply::event(&event)));
                let ledger = outcome.assert_exit(1);
                assert!(ledger.posts.is_empty(), "{first:?} {second:?}; {ledger}");
                assert_eq!(ledger.connections, 2, "{first:?} {second:?}; {ledger}");
            }
        }
    }
}

/// The phases of a POST of 1,000 bytes before the reply.
fn phases_of_post() -> Vec<CloseAt> {
    let mut phases = vec![CloseAt::BeforeRequest, CloseAt::BeforeReply];
    phases.extend([1, 30, 90, 200, 600, 1_050].map(CloseAt::InRequest));
    phases
}

#[test]
fn post_closed_in_any_phase_is_repeated_when_the_same_id_comes_back() {
    for hang_up in HANG_UPS {
        let mut script = Script::default();
        let mut events = Vec::new();
        for (number, phase) in phases_of_post().into_iter().enumerate() {
            let event = Event::new(&format!("phase-{number}"), vec![b'a' + number as u8; 1_000]);
            let cut = ScriptedReply::status(202)
                .close_at(phase)
                .by(hang_up)
                .uncounted();
            script = script.get(ScriptedReply::event(&event)).post(cut);
            script = again(script, &event.id).post(ScriptedReply::status(202));
            events.push(event);
        }
        let outcome = echo().run(script);
        let ledger = outcome.assert_serving();
        for event in &events {
            assert_stored_answer(ledger, event);
        }
        assert_eq!(ledger.connections, 1 + events.len());
    }
}

#[test]
fn post_closed_in_any_phase_is_not_repeated_when_another_id_comes() {
    for hang_up in HANG_UPS {
        let mut script = Script::default();
        let mut events = Vec::new();
        for (number, phase) in phases_of_post().into_iter().enumerate() {
            let event = Event::new(&format!("phase-{number}"), vec![b'a' + number as u8; 1_000]);
            let cut = ScriptedReply::status(202)
                .close_at(phase)
                .by(hang_up)
                .counted();
            let between = Event::new(&format!("between-{number}"), "between");
            script = script.get(ScriptedReply::event(&event)).post(cut);
            script = script
                .get(ScriptedReply::event(&between))
                .post(ScriptedReply::status(202));
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
fn post_closed_after_its_whole_reply_is_not_repeated() {
    for hang_up in HANG_UPS {
        let events: Vec<Event> = (0..6)
            .map(|number| Event::new(&format!("whole-{number}"), format!("body {number}")))
            .collect();
        let closing = ScriptedReply::status(202)
            .close_at(CloseAt::AfterReply)
            .by(hang_up);
        let mut script = Script::default();
        for event in &events {
            script = script
                .get(ScriptedReply::event(event))
                .post(closing.clone());
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
fn connection_closed_between_event_and_answer_costs_no_answer() {
    // The connection is closed after the whole event: the POST fails, and the server, without an
    // answer, delivers the same event again.
    for hang_up in HANG_UPS {
        let event = Event::new("event", "handled once");
        let last = Event::new("last", "last");
        let cut = ScriptedReply::event(&event)
            .close_at(CloseAt::AfterReply)
            .by(hang_up);
        let script = again(Script::default().get(cut), "event").get(ScriptedReply::event(&last));
        let outcome = echo().run(script);
        let ledger = outcome.assert_serving();
        assert_stored_answer(ledger, &event);
        assert_echoed(ledger, &last);
        assert_eq!(ledger.answer("event").kind, Kind::Response);
    }
}

#[test]
fn post_and_then_next_closed_exits_1() {
    let event = Event::new("event", "event");
    for hang_up in [HangUp::Fin, HangUp::Reset] {
        for first in phases_of_post() {
            for second in PHASES_OF_GET {
                let post = ScriptedReply::status(202).close_at(first).by(hang_up);
                let get = ScriptedReply::event(&event).close_at(second).by(hang_up);
                let script = Script::events([&event]).post(post).get(get);
                let outcome = echo().run(script.get(ScriptedReply::event(&event)));
                let ledger = outcome.assert_exit(1);
                assert!(ledger.posts.len() <= 1, "{first:?} {second:?}; {ledger}");
                assert_eq!(ledger.connections, 2, "{first:?} {second:?}; {ledger}");
            }
        }
    }
}

#[test]
fn post_closed_twice_is_never_counted_twice() {
    let event = Event::new("event", "event");
    let cut = || {
        ScriptedReply::status(202)
            .close_at(CloseAt::BeforeReply)
            .uncounted()
    };
    let script = again(Script::events([&event]).post(cut()), "event").post(cut());
    let outcome = echo().run(again(script, "event"));
    let ledger = outcome.assert_exit(1);
    assert_eq!(ledger.posts_of("event").len(), 2, "{ledger}");
    assert_eq!(ledger.connections, 2, "{ledger}");
}

#[test]
fn idle_connection_closed_is_replaced() {
    for hang_up in HANG_UPS {
        let mut script = Script::default();
        let events = ["one", "two"].map(|id| Event::new(id, id));
        for event in &events {
            let mut late = ScriptedReply::event(event)
                .close_at(CloseAt::BeforeReply)
                .by(hang_up);
            late.delay = std::time::Duration::from_millis(50);
            script = script.get(late).get(ScriptedReply::event(event));
        }
        let outcome = echo().run(script);
        let ledger = outcome.assert_serving();
        events.iter().for_each(|event| assert_echoed(ledger, event));
        assert_eq!(ledger.connections, 3, "{ledger}");
    }
}

#[test]
fn connection_close_header_is_not_counted_as_a_loss() {
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
            let get = ScriptedReply::event(&announced)
                .close_at(CloseAt::AfterReply)
                .by(hang_up);
            let post = ScriptedReply::raw(reply)
                .close_at(CloseAt::AfterReply)
                .by(hang_up);
            // An announced close does not count, so the unannounced one is the first.
            let cut = get.clone().close_at(CloseAt::BeforeReply);
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
