//! Large responses: the limit, a server that reads slowly, that stops reading, that answers early.

use crate::support::api::{Cut, Event, HangUp, Kind, PAYLOAD_BYTES_MAX, Script, Turn};
use crate::support::function;
use crate::support::start::Start;
use crate::{assert_echoed, echo, error_message, noise, probe};

#[test]
fn a_response_at_the_limit_is_sent_and_one_over_it_is_an_error() {
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
fn a_server_that_reads_slowly_gets_every_byte() {
    let event = Event::new("slow", noise(7, PAYLOAD_BYTES_MAX));
    let mut turn = Turn::status(202);
    turn.read_bytes = 16 * 1024;
    let mut script = Script::events([&event, &Event::new("last", "x")]).post(turn);
    script.receive_buffer = 4_096;
    let outcome = echo().run(script);
    assert_echoed(outcome.assert_serving(), &event);
}

#[test]
fn a_server_that_writes_a_large_event_slowly_is_waited_for() {
    let event = Event::new("trickle", noise(8, 2 << 20)).chunked(&[32 * 1024]);
    let length = event.reply().len();
    let turn = Turn::event(&event).split((0..length).step_by(9_999).skip(1));
    let outcome = echo().run(Script::default().get(turn));
    assert_echoed(outcome.assert_serving(), &event);
}

#[test]
fn a_close_within_a_large_response_posts_it_again_whole() {
    for hang_up in [HangUp::Fin, HangUp::Close, HangUp::Reset] {
        let event = Event::new("large", noise(9, PAYLOAD_BYTES_MAX));
        let again = Event::new("large", "must not be handled");
        let last = Event::new("last", "last");
        let cut = Turn::status(202).cut(Cut::InRequest(100_000)).by(hang_up);
        let outcome = echo().run(Script::events([&event, &again, &last]).post(cut));
        let ledger = outcome.assert_serving();
        assert_echoed(ledger, &event);
        assert_echoed(ledger, &last);
        assert_eq!(ledger.posts_of("large").len(), 2, "{ledger}");
        assert_eq!(ledger.connections, 2, "{ledger}");
    }
}

#[test]
fn a_close_within_a_large_event_is_survived() {
    for hang_up in [HangUp::Fin, HangUp::Reset] {
        let sized = Event::new("sized", noise(10, PAYLOAD_BYTES_MAX));
        let chunked = Event::new("chunked", noise(11, PAYLOAD_BYTES_MAX)).chunked(&[32 * 1024]);
        let mut script = Script::default();
        for event in [&sized, &chunked] {
            let cut = Turn::event(event).cut(Cut::InReply(5_000_000)).by(hang_up);
            script = script.get(cut).get(Turn::event(event));
        }
        let outcome = echo().run(script);
        let ledger = outcome.assert_serving();
        assert_echoed(ledger, &sized);
        assert_echoed(ledger, &chunked);
    }
}

/// A refusal that comes before the body of a 6 MB response is read, then what becomes of the
/// connection.
fn early(status: u16, cut: Option<HangUp>) -> Turn {
    let mut turn = Turn::status(status);
    turn.early = true;
    if let Some(hang_up) = cut {
        turn = turn.cut(Cut::AfterReply).by(hang_up);
    }
    turn
}

#[test]
fn an_early_413_is_no_loss_whether_the_connection_stays_or_goes() {
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
fn an_early_refusal_that_can_be_read_ends_the_runtime() {
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
    // Pages are released with the 16th short event; the resident part ends at 262,144 bytes, the
    // room before the body has 4,096 of them.
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
fn answer_that_is_sent_again_is_whole_when_pages_were_released() {
    for hang_up in [HangUp::Close, HangUp::Reset] {
        let events = large_then_small(15, 262_144);
        let (again, last) = (
            Event::new("checked", "must not be handled"),
            Event::new("last", "x"),
        );
        let mut script = Script::events(events.iter().chain([&again, &last]));
        for _ in 0..events.len() - 1 {
            script = script.post(Turn::status(202));
        }
        let cut = Turn::status(202).cut(Cut::InRequest(100_000)).by(hang_up);
        let outcome = echo().run(script.post(cut));
        let ledger = outcome.assert_serving();
        assert_echoed(ledger, &events[16]);
        assert_echoed(ledger, &last);
        assert_eq!(ledger.posts_of("checked").len(), 2, "{ledger}");
    }
}
