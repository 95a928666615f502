//! Large responses: the limit, servers that read slowly, stop reading, or reply early.

use crate::support::api::{CloseAt, Event, HangUp, Kind, PAYLOAD_BYTES_MAX, Script, ScriptedReply};
use crate::support::function;
use crate::support::start::Start;
use crate::{assert_echoed, echo, error_message, noise, probe};

#[test]
fn response_at_the_limit_is_sent_and_over_it_is_an_error() {
    let sizes = [0, 1, 65_536, PAYLOAD_BYTES_MAX - 1, PAYLOAD_BYTES_MAX];
    let mut events: Vec<Event> = (sizes.iter())
        .map(|size| Event::new(&format!("big-{size}"), format!("big {size}")))
        .collect();
    for over in [
        PAYLOAD_BYTES_MAX + 1,
        PAYLOAD_BYTES_MAX + 100_000,
        50_000_000,
    ] {
        events.push(Event::new(&format!("over-{over}"), format!("big {over}")));
        events.push(Event::new(&format!("fine-{over}"), "fine"));
    }
    let outcome = probe().run(Script::events(&events));
    let ledger = outcome.assert_serving();
    for size in sizes {
        let answer = ledger.answer(&format!("big-{size}"));
        assert_eq!(answer.kind, Kind::Response, "{size}");
        let all = answer.body.len() == size && answer.body.iter().all(|byte| *byte == b'x');
        assert!(all, "{size}: {} bytes", answer.body.len());
    }
    for pair in events[sizes.len()..].chunks(2) {
        let posts = ledger.posts_of(&pair[0].id);
        assert_eq!(posts.len(), 1);
        error_message(posts[0], "Function.ResponseSizeTooLarge");
        assert_echoed(ledger, &pair[1]);
    }
    assert_eq!(ledger.connections, 1);
}

#[test]
fn server_that_reads_slowly_gets_the_whole_response() {
    let event = Event::new("slow", noise(7, PAYLOAD_BYTES_MAX));
    let mut reply = ScriptedReply::status(202);
    reply.read_bytes = 16 * 1024;
    let mut script = Script::events([&event, &Event::new("last", "x")]).post(reply);
    script.receive_buffer = 4_096;
    let outcome = echo().run(script);
    assert_echoed(outcome.assert_serving(), &event);
}

#[test]
fn server_that_writes_slowly_gets_the_event_echoed() {
    let event = Event::new("trickle", noise(8, 2 << 20)).chunked(&[32 * 1024]);
    let length = event.reply().len();
    let reply = ScriptedReply::event(&event).split((0..length).step_by(9_999).skip(1));
    let outcome = echo().run(Script::default().get(reply));
    assert_echoed(outcome.assert_serving(), &event);
}

#[test]
fn response_large_closed_within_is_posted_again_whole() {
    for hang_up in [HangUp::Fin, HangUp::Close, HangUp::Reset] {
        let event = Event::new("large", noise(9, PAYLOAD_BYTES_MAX));
        let again = Event::new("large", "must not be handled");
        let last = Event::new("last", "last");
        let cut = ScriptedReply::status(202)
            .close_at(CloseAt::InRequest(100_000))
            .by(hang_up);
        let outcome = echo().run(Script::events([&event, &again, &last]).post(cut));
        let ledger = outcome.assert_serving();
        assert_echoed(ledger, &event);
        assert_echoed(ledger, &last);
        assert_eq!(ledger.posts_of("large").len(), 2, "{ledger}");
        assert_eq!(ledger.connections, 2, "{ledger}");
    }
}

#[test]
fn event_large_closed_within_is_delivered_again() {
    for hang_up in [HangUp::Fin, HangUp::Reset] {
        let sized = Event::new("sized", noise(10, PAYLOAD_BYTES_MAX));
        let chunked = Event::new("chunked", noise(11, PAYLOAD_BYTES_MAX)).chunked(&[32 * 1024]);
        let mut script = Script::default();
        for event in [&sized, &chunked] {
            let cut = ScriptedReply::event(event)
                .close_at(CloseAt::InReply(5_000_000))
                .by(hang_up);
            script = script.get(cut).get(ScriptedReply::event(event));
        }
        let outcome = echo().run(script);
        let ledger = outcome.assert_serving();
        assert_echoed(ledger, &sized);
        assert_echoed(ledger, &chunked);
    }
}

/// A reply before the body of a 6 MiB response is read, and the close of the connection, if any.
fn early(status: u16, cut: Option<HangUp>) -> ScriptedReply {
    let mut reply = ScriptedReply::status(status);
    reply.early = true;
    if let Some(hang_up) = cut {
        reply = reply.close_at(CloseAt::AfterReply).by(hang_up);
    }
    reply
}

#[test]
fn status_413_before_the_body_is_read_ends_the_event_alone() {
    let endings = [
        None,
        Some(HangUp::Fin),
        Some(HangUp::Close),
        Some(HangUp::Reset),
    ];
    for ending in endings {
        let event = Event::new("large", noise(12, PAYLOAD_BYTES_MAX));
        let last = Event::new("last", "last");
        let script = Script::events([&event, &last]).post(early(413, ending));
        let outcome = echo().run(script);
        let ledger = outcome.assert_serving();
        assert_eq!(ledger.posts_of("large").len(), 1, "{ending:?}; {ledger}");
        assert_echoed(ledger, &last);
    }
}

#[test]
fn status_of_refusal_before_the_body_is_read_exits_1() {
    for status in [400, 403, 500] {
        for ending in [None, Some(HangUp::Fin)] {
            let event = Event::new("large", noise(13, PAYLOAD_BYTES_MAX));
            let never = Event::new("never", "never");
            let script = Script::events([&event, &never]).post(early(status, ending));
            let outcome = echo().run(script);
            let ledger = outcome.assert_exit(1);
            assert_eq!(ledger.posts.len(), 1, "{status} {ending:?}; {ledger}");
        }
    }
}

/// A message over 256 KiB, `small` short ones, and then one of `bytes`.
fn large_then_small(small: usize, bytes: usize) -> Vec<Event> {
    let mut events = vec![Event::new("large", noise(12, 300_000))];
    events.extend((0..small).map(|index| Event::new(&format!("small-{index}"), "x")));
    events.push(Event::new("checked", noise(13, bytes)));
    events
}

#[test]
fn response_around_the_resident_size_is_whole_when_pages_were_released() {
    // Pages are released after the 16th short event. The resident part ends at 262,144 bytes, of
    // which 4,096 precede the body.
    for bytes in [
        257_000, 258_047, 258_048, 258_049, 260_000, 262_143, 262_144, 262_145,
    ] {
        for small in 14..=17 {
            let events = large_then_small(small, bytes);
            for function in [echo(), Start::new(&function("bare"))] {
                let outcome = function.run(Script::events(&events));
                assert_echoed(outcome.assert_serving(), &events[small + 1]);
            }
        }
    }
}

#[test]
fn response_posted_again_is_whole_when_pages_were_released() {
    for hang_up in [HangUp::Close, HangUp::Reset] {
        let events = large_then_small(15, 262_144);
        let (again, last) = (
            Event::new("checked", "must not be handled"),
            Event::new("last", "x"),
        );
        let mut script = Script::events(events.iter().chain([&again, &last]));
        for _ in 0..events.len() - 1 {
            script = script.post(ScriptedReply::status(202));
        }
        let cut = ScriptedReply::status(202)
            .close_at(CloseAt::InRequest(100_000))
            .by(hang_up);
        let outcome = echo().run(script.post(cut));
        let ledger = outcome.assert_serving();
        assert_echoed(ledger, &events[16]);
        assert_echoed(ledger, &last);
        assert_eq!(ledger.posts_of("checked").len(), 2, "{ledger}");
    }
}
