//! Threads of a function that stream and log while its event is handled.

use serde_json::Value;

use crate::support::api::{Event, Kind, Script, Server};
use crate::support::{function, rounds, start::Start};

fn threads() -> Start {
    Start::new(&function("features/threads"))
}

#[test]
fn stream_of_a_thread_beside_log_records_of_another_is_whole() {
    let events: Vec<Event> = (0..rounds("streams beside log records", 3))
        .map(|number| Event::new(&format!("stream-{number}"), "stream"))
        .collect();
    let start = threads().variable("AWS_LAMBDA_LOG_FORMAT", "JSON");
    let outcome = start.run(Script::events(&events));
    let ledger = outcome.assert_serving();
    for event in &events {
        let post = ledger.answer(&event.id);
        assert_eq!((post.kind, &post.trailers[..]), (Kind::Response, &[][..]));
        assert_eq!(post.chunks, [1; 5_000]);
    }
    // The ids are there whichever thread has the connection.
    let mut counts = vec![0; events.len()];
    for line in outcome.log().lines() {
        let record: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(record["message"], "beside");
        let id = events
            .iter()
            .position(|event| record["requestId"] == event.id);
        counts[id.unwrap_or_else(|| panic!("no id of an event: {line}"))] += 1;
    }
    assert!(!counts.contains(&0), "{counts:?}");
}

#[test]
fn telemetry_variable_is_unset_before_the_first_record() {
    let server = Server::start(Script::events([&Event::new("variable", "variable")]));
    let start = threads()
        .variable("AWS_LAMBDA_RUNTIME_API", &server.address())
        .variable("_LAMBDA_TELEMETRY_LOG_FD", "1");
    let mut process = start.spawn();
    process.until_idle(&server);
    let frames = process.printed();
    let outcome = process.finish(server);
    assert_eq!(outcome.assert_serving().answer("variable").body, b"unset");
    assert!(frames.ends_with(b"of a thread\n"), "{frames:?}");
}
