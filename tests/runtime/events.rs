//! Events: every size in every framing, deadlines, trace ids, repeated ids.

use crate::support::api::{Event, Framing, Kind, PAYLOAD_BYTES_MAX, Script, ScriptedReply, now_ms};
use crate::{assert_echoed, echo, error_message, noise, probe};

const SIZES: [usize; 9] = [0, 1, 2_047, 2_048, 2_049, 65_535, 65_536, 65_537, 1 << 20];

fn framings() -> Vec<Framing> {
    vec![
        Framing::Sized,
        Framing::Chunked(vec![usize::MAX]),
        Framing::Chunked(vec![32 * 1024]),
        Framing::Chunked(vec![
            1, 2, 3, 15, 16, 17, 255, 256, 257, 4_095, 4_096, 4_097,
        ]),
        Framing::Unusual(5_000),
    ]
}

#[test]
fn event_of_every_size_and_framing_is_echoed() {
    let mut events = Vec::new();
    for (number, framing) in framings().into_iter().enumerate() {
        for size in SIZES {
            let event = Event::new(&format!("size-{size}-framing-{number}"), noise(1, size));
            events.push(event.framed(framing.clone()));
        }
    }
    let outcome = echo().run(Script::events(&events));
    let ledger = outcome.assert_serving();
    for event in &events {
        assert_echoed(ledger, event);
    }
    assert_eq!(ledger.connections, 1);
}

#[test]
fn event_of_the_largest_size_is_echoed_in_every_framing() {
    let body = noise(2, PAYLOAD_BYTES_MAX);
    let mut framings = framings();
    framings.push(Framing::Chunked(vec![PAYLOAD_BYTES_MAX - 1, 1]));
    let events: Vec<Event> = (framings.into_iter().enumerate())
        .map(|(number, framing)| Event::new(&format!("max-{number}"), body.clone()).framed(framing))
        .collect();
    let outcome = echo().run(Script::events(&events));
    let ledger = outcome.assert_serving();
    for event in &events {
        assert_echoed(ledger, event);
    }
    assert_eq!(ledger.connections, 1);
}

#[test]
fn event_in_chunks_of_one_byte_is_echoed() {
    let event = Event::new("ones", noise(3, 3_000)).chunked(&[1]);
    let outcome = echo().run(Script::events([&event]));
    assert_echoed(outcome.assert_serving(), &event);
}

#[test]
fn event_over_the_limit_is_refused_and_the_next_is_echoed() {
    let mut events = Vec::new();
    for bytes in [PAYLOAD_BYTES_MAX + 1, PAYLOAD_BYTES_MAX + 9_000, 20 << 20] {
        for framing in [
            Framing::Sized,
            Framing::Chunked(vec![usize::MAX]),
            Framing::Chunked(vec![PAYLOAD_BYTES_MAX, 1, usize::MAX]),
            Framing::Chunked(vec![32 * 1024]),
        ] {
            let number = events.len();
            events.push(Event::new(&format!("over-{number}"), vec![b'x'; bytes]).framed(framing));
            events.push(Event::new(&format!("fine-{number}"), "fine"));
        }
    }
    let outcome = echo().run(Script::events(&events));
    let ledger = outcome.assert_serving();
    for pair in events.chunks(2) {
        error_message(ledger.answer(&pair[0].id), "Runtime.EventTooLarge");
        assert_echoed(ledger, &pair[1]);
    }
    assert_eq!(ledger.connections, 1);
}

#[test]
fn deadline_invalid_is_ignored() {
    let now = now_ms();
    let texts = [
        "600000".to_string(),
        "0".to_string(),
        (now - 1_000).to_string(),
        (now + 1).to_string(),
        (now + 5 * 365 * 86_400_000).to_string(),
        u64::MAX.to_string(),
        "18446744073709551616".to_string(),
        "99999999999999999999999999999999".to_string(),
        "-5".to_string(),
        "soon".to_string(),
        "12 34".to_string(),
        "1e12".to_string(),
        "0x10".to_string(),
        String::new(),
    ];
    let mut events: Vec<Event> = (texts.iter().enumerate())
        .map(|(number, text)| Event::new(&format!("deadline-{number}"), "x").deadline(text))
        .collect();
    events.push(Event::new("no-deadline", "x").without("Lambda-Runtime-Deadline-Ms"));
    for start in [echo(), probe()] {
        let outcome = start.run(Script::events(&events));
        let ledger = outcome.assert_serving();
        for event in &events {
            assert_echoed(ledger, event);
        }
    }
}

#[test]
fn trace_id_variable_is_set_per_event_and_unset_without_one() {
    let header = "Lambda-Runtime-Trace-Id";
    let long = "Root=1-".to_string() + &"a".repeat(200);
    let values = [
        Some("Root=1-1;Parent=2;Sampled=1"),
        Some("Root=1-2;Parent=3;Sampled=0;Lineage=a:b:c"),
        None,
        Some("x"),
        Some(""),
        Some(long.as_str()),
        None,
        None,
        Some("last"),
    ];
    let events: Vec<Event> = (values.iter().enumerate())
        .map(|(number, value)| {
            let event = Event::new(&format!("trace-{number}"), "env");
            value
                .iter()
                .fold(event, |event, value| event.header(header, value))
        })
        .collect();
    // A value from the start of the process must not be left.
    let start = probe().variable("_X_AMZN_TRACE_ID", "stale");
    for start in [probe(), start] {
        let outcome = start.run(Script::events(&events));
        let ledger = outcome.assert_serving();
        for (event, value) in events.iter().zip(values) {
            let expected = value.filter(|value| !value.is_empty()).unwrap_or("unset");
            let body = &ledger.answer(&event.id).body;
            assert_eq!(String::from_utf8_lossy(body), expected, "{}", event.id);
        }
    }
}

#[test]
fn request_id_repeated_after_its_answer_is_handled_again() {
    let first = Event::new("again", "first");
    let second = Event::new("again", "second");
    let last = Event::new("last", "last");
    let outcome = echo().run(Script::events([&first, &second, &first, &last]));
    assert_eq!(outcome.code, None, "{}", outcome.ledger);
    let posts = outcome.ledger.posts_of("again");
    let bodies: Vec<&[u8]> = posts.iter().map(|post| post.body.as_slice()).collect();
    assert_eq!(bodies, [b"first".as_slice(), b"second", b"first"]);
    assert!(
        posts
            .iter()
            .all(|post| post.counted && post.kind == Kind::Response)
    );
    assert_echoed(&outcome.ledger, &last);
}

#[test]
fn event_in_one_write_with_the_post_reply_is_handled() {
    // Both replies in one write: the POST's, and the one to the GET that came with it.
    let events: Vec<Event> = (0..50)
        .map(|number| Event::new(&format!("joined-{number}"), format!("body {number}")))
        .collect();
    let mut script = Script::default().get(ScriptedReply::event(&events[0]));
    for event in &events[1..] {
        // The reply to the POST is empty here, and sent with the event.
        let both = ScriptedReply::event(event).after(&ScriptedReply::status(202).bytes);
        script = script.post(ScriptedReply::raw("")).get(both);
    }
    let outcome = echo().run(script);
    let ledger = outcome.assert_serving();
    for event in &events {
        assert_echoed(ledger, event);
    }
    assert_eq!(ledger.connections, 1);
}
