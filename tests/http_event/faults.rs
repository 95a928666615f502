//! Events that are malformed, each of a source that is known.

use tinderbox::http_event::{EventFault, HttpEvent, Source};

use crate::agree;
use crate::corpus::EVENTS;

#[test]
fn event_malformed_has_its_source_and_a_reason() {
    const REST: Source = Source::RestV1;
    for (event, source, reason) in [
        (r#"{"httpMethod":"","path":"/"}"#, REST, "no method"),
        (r#"{"httpMethod":"GET POST","path":"/"}"#, REST, "no method"),
        (
            r#"{"httpMethod":"G\r\nX: y","path":"/"}"#,
            REST,
            "no method",
        ),
        (r#"{"httpMethod":{},"path":"/"}"#, REST, "no method"),
        (r#"{"httpMethod":"GET"}"#, REST, "no path"),
        (r#"{"httpMethod":"GET","path":null}"#, REST, "no path"),
        (r#"{"httpMethod":"GET","path":["/"]}"#, REST, "no path"),
        (r#"{"httpMethod":"GET","path":"a"}"#, REST, "slash"),
        (
            r#"{"httpMethod":"GET","path":"/","headers":"x"}"#,
            REST,
            "no JSON object",
        ),
        (
            r#"{"httpMethod":"GET","path":"/","multiValueHeaders":[]}"#,
            REST,
            "no JSON object",
        ),
        (
            r#"{"httpMethod":"GET","path":"/","queryStringParameters":1}"#,
            REST,
            "no JSON object",
        ),
        (r#"{"httpMethod":"GET","path":"/","body":{}}"#, REST, "body"),
        (
            r#"{"httpMethod":"GET","version":"1.0"}"#,
            Source::HttpV1,
            "no path",
        ),
        (
            r#"{"requestContext":{"elb":{}}}"#,
            Source::AlbSingle,
            "no method",
        ),
        (
            r#"{"requestContext":{"elb":{}},"multiValueHeaders":{"a":["b"]},"path":"/"}"#,
            Source::AlbMulti,
            "no method",
        ),
        (
            r#"{"version":"2.0","requestContext":{"http":{"method":"GET"}}}"#,
            Source::V2,
            "no path",
        ),
        (
            r#"{"version":"2.0","rawPath":"/","cookies":"a=1",
                "requestContext":{"http":{"method":"GET"}}}"#,
            Source::V2,
            "cookies",
        ),
    ] {
        agree(event.as_bytes());
        let Err(EventFault::Malformed(found, text)) = HttpEvent::read(event.as_bytes()) else {
            panic!("{event} is malformed");
        };
        assert_eq!(found, source, "{event}");
        let text = String::from_utf8_lossy(text);
        assert!(text.contains(reason), "{event}: {text}");
    }
}

#[test]
fn event_members_repeated_count_as_the_last() {
    let event = r#"{"httpMethod":"PUT","\u0068ttpMethod":"POST","path":"/a","path":"/b",
        "headers":{"a":"1"},"headers":{"b":"2"},"body":"x","body":null,
        "requestContext":{"domainName":"a"},"requestContext":{"domainName":"b"}}"#;
    let request = crate::request(event);
    assert_eq!(request.method, b"POST");
    assert_eq!(request.target(), "/b");
    assert_eq!(request.headers, [("b".to_string(), b"2".to_vec())]);
    assert_eq!(request.body.as_deref(), Some(&b""[..]));
    assert_eq!(request.host, b"b");
}

#[test]
fn event_cut_anywhere_is_no_http_event() {
    for event in EVENTS {
        let event = event.trim_end();
        for cut in (0..event.len()).step_by(if cfg!(miri) { 97 } else { 1 }) {
            let read = HttpEvent::read(&event.as_bytes()[..cut]);
            assert!(
                matches!(read, Err(EventFault::NotHttp)),
                "{}",
                &event[..cut]
            );
        }
    }
}
