//! The front itself: what it makes of requests and of answers, by way of a Node function that
//! echoes events.

use super::site::{Site, task_root};
use crate::support::front::{Answer, Request, Source, answer, coding, event};
use crate::support::skip;
use serde_json::{Value, json};

/// A request with everything that some source changes.
fn rich_request() -> Request {
    Request::new("POST", "/caf%C3%A9%2Fx%25y?b=2&a=1&a=x+y%26z&flag&e=")
        .header("Host", "example.test")
        .header("X-M", "1")
        .header("x-m", "2")
        .header("Cookie", "a=1; b=2")
        .typed("application/octet-stream", [0xff, 0, b'x'])
}

fn event_of(source: Source) -> Value {
    event::event(source, &rich_request(), "127.0.0.1:8443", true)
}

#[test]
fn event_of_each_source_has_path_and_query_of_the_service() {
    let multi = json!({"a": ["1", "x y&z"], "b": ["2"], "e": [""], "flag": [""]});
    let encoded = "/caf%C3%A9%2Fx%25y";
    for (source, path, query) in [
        (Source::Rest, encoded, multi.clone()),
        (Source::Http1, "/café/x%y", multi),
    ] {
        let event = event_of(source);
        assert_eq!(event["path"], path, "{source:?}");
        assert_eq!(
            event["multiValueQueryStringParameters"], query,
            "{source:?}"
        );
        assert_eq!(event["queryStringParameters"]["a"], "x y&z", "{source:?}");
    }
    for (source, path) in [(Source::Http2, "/café/x%y"), (Source::FunctionUrl, encoded)] {
        let event = event_of(source);
        assert_eq!(event["rawPath"], path, "{source:?}");
        assert_eq!(event["requestContext"]["http"]["path"], "/café/x%y");
        assert_eq!(event["rawQueryString"], "b=2&a=1&a=x+y%26z&flag&e=");
        assert_eq!(event["queryStringParameters"]["a"], "1,x y&z");
    }
    let multi = event_of(Source::AlbMulti);
    assert_eq!(multi["path"], encoded);
    let query = &multi["multiValueQueryStringParameters"];
    assert_eq!(query["a"], json!(["1", "x+y%26z"]));
    assert!(multi.get("queryStringParameters").is_none() && multi.get("headers").is_none());
    let single = event_of(Source::AlbSingle);
    assert_eq!(single["queryStringParameters"]["a"], "x+y%26z");
    assert!(single.get("multiValueHeaders").is_none());
}

#[test]
fn event_of_each_source_has_headers_cookies_and_body_of_the_service() {
    let rest = event_of(Source::Rest);
    assert_eq!(rest["multiValueHeaders"]["X-M"], json!(["1", "2"]));
    assert_eq!(rest["headers"]["Cookie"], "a=1; b=2");
    assert_eq!(rest["headers"].get("Content-Length"), None);
    assert!(rest.get("version").is_none());
    assert_eq!(event_of(Source::Http1)["version"], "1.0");
    for source in [Source::Http2, Source::FunctionUrl] {
        let event = event_of(source);
        assert_eq!(event["headers"]["x-m"], "1,2");
        assert_eq!(event["cookies"], json!(["a=1", "b=2"]));
        let has_header = event["headers"].get("cookie").is_some();
        assert_eq!(has_header, source == Source::FunctionUrl);
    }
    let alb = event_of(Source::AlbSingle);
    assert_eq!(alb["headers"]["x-m"], "2");
    assert_eq!(alb["headers"]["x-forwarded-for"], "127.0.0.1");
    for source in Source::ALL {
        let event = event_of(source);
        assert_eq!(event["body"], "/wB4", "{source:?}");
        assert_eq!(event["isBase64Encoded"], true, "{source:?}");
    }
    let damaged = event::event(Source::Rest, &rich_request(), "x:1", false);
    assert_eq!(damaged["body"], "\u{fffd}\0x");
    let json = Request::new("PUT", "/").typed("application/json", "{}");
    assert_eq!(
        event::event(Source::Http2, &json, "x:1", true)["body"],
        "{}"
    );
    let empty = Request::new("GET", "/");
    assert_eq!(
        event::event(Source::AlbMulti, &empty, "x:1", true)["body"],
        ""
    );
    assert_eq!(
        event::event(Source::Rest, &empty, "x:1", true)["body"],
        Value::Null
    );
}

fn answer_of(source: Source, response: &str) -> Answer {
    answer::answer(source, response.as_bytes(), true)
}

#[test]
fn response_without_status_is_what_the_service_makes_of_it() {
    for (response, rest, http, alb) in [
        ("{}", 502, 200, 502),
        (r#"{"headers":{"a":"b"}}"#, 200, 200, 502),
        (r#""hello""#, 502, 200, 502),
        ("[1]", 502, 200, 502),
        ("no JSON", 502, 200, 502),
        (r#"{"statusCode":200}"#, 200, 200, 200),
        (r#"{"statusCode":"201"}"#, 201, 201, 201),
        (r#"{"statusCode":200,"unknown":1}"#, 502, 200, 200),
        (
            r#"{"statusCode":200,"isBase64Encoded":true,"body":"a"}"#,
            502,
            502,
            502,
        ),
        (
            r#"{"statusCode":200,"headers":{"a":"b\r\nc: d"}}"#,
            502,
            502,
            200,
        ),
    ] {
        assert_eq!(answer_of(Source::Rest, response).status, rest, "{response}");
        let url = answer_of(Source::FunctionUrl, response);
        assert_eq!(url.status, http, "{response}");
        assert_eq!(
            answer_of(Source::AlbMulti, response).status,
            alb,
            "{response}"
        );
    }
    assert_eq!(answer_of(Source::Http2, r#""hello""#).text(), "hello");
    assert_eq!(
        answer_of(Source::FunctionUrl, r#"{ "a": 1 }"#).text(),
        r#"{"a":1}"#
    );
}

#[test]
fn response_headers_and_cookies_are_those_of_the_shape() {
    let response = r#"{"statusCode":201,"statusDescription":"201 Made","body":"/wA=",
        "headers":{"X-A":"single"},"isBase64Encoded":true,"cookies":["c=1","d=2"],
        "multiValueHeaders":{"X-B":["1","2"],"Set-Cookie":["e=1","f=2"]}}"#;
    let url = answer_of(Source::FunctionUrl, response);
    assert_eq!(url.values("set-cookie"), ["c=1", "d=2"]);
    assert_eq!(url.values("x-b"), [""; 0]);
    assert_eq!(url.body, [0xff, 0]);
    let multi = answer_of(Source::AlbMulti, response);
    assert_eq!(multi.values("x-b"), ["1", "2"]);
    assert_eq!(multi.values("set-cookie"), ["e=1", "f=2"]);
    assert_eq!(
        (multi.values("x-a"), multi.reason.as_str()),
        (vec![], "Made")
    );
    let single = answer_of(Source::AlbSingle, response);
    assert_eq!(
        (single.values("x-a"), single.values("x-b")),
        (vec!["single".into()], vec![])
    );
    let rest = r#"{"statusCode":401,"headers":{"WWW-Authenticate":"Basic"},"body":"x"}"#;
    let rest = answer_of(Source::Rest, rest);
    assert_eq!(rest.values("x-amzn-remapped-www-authenticate"), ["Basic"]);
}

#[test]
fn base64_of_any_length_is_decoded_to_the_same_bytes() {
    for length in 0..200_usize {
        let bytes: Vec<u8> = (0..length).map(|at| (at * 7 + length) as u8).collect();
        let text = coding::base64(&bytes);
        assert_eq!(coding::bytes_of_base64(&text), Some(bytes));
    }
    for text in ["a", "aa", "aaa", "a=aa", "aaaa=", "====", "aa\n="] {
        assert_eq!(coding::bytes_of_base64(text), None, "{text:?}");
    }
}

/// Answers with the text of the body; without one with the event; fails and streams on request.
const ECHO: &str = "
export const handler = async (event) => {
    const body = event.isBase64Encoded ? Buffer.from(event.body, 'base64').toString() : event.body;
    if (body === 'fail') throw new Error('as requested');
    if (body) return JSON.parse(body);
    return { statusCode: 200, headers: { 'content-type': 'application/json' },
        body: JSON.stringify(event) };
};
";

#[test]
fn request_through_each_source_gets_the_answer_of_the_function() {
    if !skip::has("node") {
        return;
    }
    let dir = task_root(&[("index.mjs", ECHO)]);
    let site = Site::start(&dir, "index.handler");
    for source in Source::ALL {
        let mut client = site.front(source).client();
        let answer = client.ask(&Request::new("GET", "/a?b=c"));
        assert_eq!(answer.status, 200, "{source:?}: {}", answer.text());
        if source != Source::AlbMulti {
            let event: Value = serde_json::from_slice(&answer.body).expect("an event");
            let (_, sent) = site.front(source).last_event();
            assert_eq!(event.to_string(), sent, "{source:?}");
        }
        let described = r#"{"statusCode":404,"body":"gone"}"#;
        let request = Request::new("POST", "/").typed("text/plain", described);
        let answer = client.ask(&request);
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (404, "gone"),
            "{source:?}"
        );
        let failing = Request::new("POST", "/").typed("text/plain", "fail");
        let status = client.ask(&failing).status;
        let is_http = matches!(source, Source::Http1 | Source::Http2);
        assert_eq!(status, if is_http { 500 } else { 502 }, "{source:?}");
        let large = Request::new("POST", "/").typed("text/plain", vec![b'x'; 7 << 20]);
        assert_eq!(client.ask(&large).status, 413, "{source:?}");
        assert_eq!(
            client.ask(&Request::new("HEAD", "/")).body,
            b"",
            "{source:?}"
        );
        assert_eq!(
            client.ask(&Request::new("GET", "/")).status,
            200,
            "{source:?}"
        );
    }
    site.stop();
}

#[test]
fn clients_at_once_get_their_own_answers() {
    if !skip::has("node") {
        return;
    }
    let dir = task_root(&[("index.mjs", ECHO)]);
    let site = Site::start(&dir, "index.handler");
    let front = site.front(Source::FunctionUrl);
    std::thread::scope(|scope| {
        for number in 0..6 {
            scope.spawn(move || {
                let mut client = front.client();
                for round in 0..25 {
                    let path = format!("/{number}/{round}");
                    let answer = client.ask(&Request::new("GET", &path));
                    let event: Value = serde_json::from_slice(&answer.body).expect("an event");
                    assert_eq!(event["rawPath"], path);
                }
            });
        }
    });
    let outcome = site.stop();
    assert_eq!(outcome.ledger.posts.len(), 150);
}

const STREAM: &str = "
export const handler = awslambda.streamifyResponse(async (event, stream) => {
    const out = awslambda.HttpResponseStream.from(stream,
        { statusCode: 203, headers: { 'x-a': 'b' }, cookies: ['c=1', 'd=2'] });
    out.write('first;');
    if (event.rawPath === '/fail') {
        await new Promise((resolve) => setTimeout(resolve, 300));
        throw new Error('as requested');
    }
    await new Promise((resolve) => setTimeout(resolve, 1500));
    out.end('second;');
});
";

#[test]
fn streamed_response_reaches_the_client_while_it_is_made() {
    if !skip::has("node") {
        return;
    }
    let dir = task_root(&[("index.mjs", STREAM)]);
    let site = Site::start(&dir, "index.handler");
    let mut client = site.front(Source::FunctionUrl).client();
    client.send(&Request::new("GET", "/"));
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"first;\r\n") {
        let piece = client.read_some();
        assert!(!piece.is_empty(), "{}", String::from_utf8_lossy(&bytes));
        bytes.extend_from_slice(&piece);
    }
    // The answer has begun, and its end is not there yet.
    assert_eq!(site.ledger().posts.len(), 0);
    let answer = site.get("/");
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (203, "first;second;")
    );
    assert_eq!(answer.values("set-cookie"), ["c=1", "d=2"]);
    assert_eq!(
        (answer.value("x-a").as_deref(), answer.is_whole),
        (Some("b"), true)
    );
    assert!(!site.get("/fail").is_whole);
    drop(client);
    site.stop();
}
