//! Headers and cookies of requests: what is passed on, and what never is.

use tinderbox::http_event::HttpEvent;

use crate::fronts::{Client, FRONTS, Front, event, quote};
use crate::{agree, request, written};

/// An event of an ALB with these headers, in JSON.
fn alb(headers: &str) -> String {
    format!(
        "{{\"httpMethod\":\"GET\",\"path\":\"/\",\"headers\":{headers},\
         \"requestContext\":{{\"elb\":{{}}}}}}"
    )
}

fn shown(headers: &str) -> String {
    let headers = request(&alb(headers)).headers;
    let line =
        |(name, value): &(String, Vec<u8>)| format!("{name}: {}", String::from_utf8_lossy(value));
    headers.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn header_repeated_keeps_its_values_where_the_source_does() {
    for front in FRONTS {
        let mut client = Client::get("/", "");
        for (name, value) in [
            ("X-One", "1"),
            ("X-Two", "a"),
            ("X-Two", "b"),
            ("X-None", ""),
        ] {
            client = client.with_header(name, value);
        }
        let request = request(&event(front, &client));
        let expected: &[&str] = match front {
            Front::RestV1 | Front::HttpV1 | Front::AlbMulti => &["a", "b"],
            Front::V2 | Front::Url => &["a,b"], // loses where one ends
            Front::AlbSingle => &["b"],         // loses all but the last
        };
        assert_eq!(request.values("x-two"), expected, "{front:?}");
        assert_eq!(request.values("x-one"), ["1"], "{front:?}");
        assert_eq!(request.values("x-none"), [""], "{front:?}");
    }
}

#[test]
fn header_values_of_any_text_come_through_each_source() {
    for front in FRONTS {
        for value in [
            "é€😀",
            "a\tb",
            "\u{ff}\u{80}",
            " a ",
            "\"quoted\\\"",
            "a;b=\"c,d\"",
        ] {
            let client = Client::get("/", "").with_header("X-Value", value);
            let request = request(&event(front, &client));
            assert_eq!(request.values("x-value"), [value], "{front:?}");
        }
    }
}

#[test]
fn headers_from_none_to_two_hundred_come_through_each_source() {
    for front in FRONTS {
        for count in if cfg!(miri) {
            [0, 1, 2, 3, 4]
        } else {
            [0, 1, 2, 50, 200]
        } {
            let mut client = Client::get("/", "");
            for index in 0..count {
                client = client.with_header(&format!("X-{index}"), &"v".repeat(index));
            }
            let headers = request(&event(front, &client)).headers;
            assert_eq!(headers.len(), count, "{front:?}");
            for (index, (name, value)) in headers.iter().enumerate() {
                assert!(name.eq_ignore_ascii_case(&format!("X-{index}")));
                assert_eq!(value.len(), index);
            }
        }
        let long = "é".repeat(if cfg!(miri) { 50 } else { 50_000 });
        let client = Client::get("/", "").with_header("X-Long", &long);
        assert_eq!(
            request(&event(front, &client)).values("x-long"),
            [&long[..]]
        );
    }
}

#[test]
fn header_with_control_bytes_stays_on_its_line() {
    let headers = r#"{"x-a":"1\r\nX-B: 2","x-c":"\u0000\u001f\u007f|\t|\u0085"}"#;
    assert_eq!(shown(headers), "x-a: 1  X-B: 2\nx-c:    |\t|\u{85}");
    let headers = r#"{"x-a\r\nX-B":"1","x c":"2","x:d":"3","":"4","x-é":"5","x(y)":"6","x-f":"7"}"#;
    assert_eq!(shown(headers), "x-f: 7");
    // A domain name and an address are written into lines, too.
    let event = r#"{"httpMethod":"GET","path":"/","requestContext":{"domainName":"a\r\nb",
        "identity":{"sourceIp":"1\n2"},"protocol":"HTTP/1.1\r\nX: y"}}"#;
    let request = request(event);
    assert_eq!(
        (&request.host[..], &request.address[..]),
        (&b"a  b"[..], &b"1 2"[..])
    );
    assert_eq!(request.protocol, b"");
}

#[test]
fn header_of_one_hop_or_of_the_runtime_is_dropped() {
    for name in [
        "connection",
        "keep-alive",
        "proxy-connection",
        "proxy",
        "transfer-encoding",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "content-length",
        "x-amzn-request-context",
        "x-amzn-lambda-context",
    ] {
        let upper = name.to_uppercase();
        let escaped: String = name.bytes().map(|byte| format!("\\u{byte:04x}")).collect();
        for name in [name, &upper, &escaped] {
            assert_eq!(
                shown(&format!("{{\"{name}\":\"x\",\"x-a\":\"1\"}}")),
                "x-a: 1"
            );
        }
        let longer = format!("{name}x");
        assert_eq!(
            shown(&format!("{{\"{longer}\":\"x\"}}")),
            format!("{longer}: x")
        );
    }
}

#[test]
fn header_that_connection_names_is_dropped() {
    for (connection, passed) in [
        (
            "\"x-a\"",
            "x-b: 2\nhost: h\nx-forwarded-for: f\nX-Amzn-Trace-Id: t",
        ),
        (
            "\"close, X-A ,x-b\"",
            "host: h\nx-forwarded-for: f\nX-Amzn-Trace-Id: t",
        ),
        (
            "[\"close\",\"x-b\"]",
            "x-a: 1\nhost: h\nx-forwarded-for: f\nX-Amzn-Trace-Id: t",
        ),
        // What the front adds is no client's to hide.
        (
            "\"host, x-forwarded-for, x-amzn-trace-id\"",
            "x-a: 1\nx-b: 2\nhost: h\nx-forwarded-for: f\nX-Amzn-Trace-Id: t",
        ),
        (
            "\"\\u0078-a\"",
            "x-b: 2\nhost: h\nx-forwarded-for: f\nX-Amzn-Trace-Id: t",
        ),
        (
            "\"close\"",
            "x-a: 1\nx-b: 2\nhost: h\nx-forwarded-for: f\nX-Amzn-Trace-Id: t",
        ),
        (
            "null",
            "x-a: 1\nx-b: 2\nhost: h\nx-forwarded-for: f\nX-Amzn-Trace-Id: t",
        ),
    ] {
        let headers = format!(
            "{{\"x-a\":\"1\",\"x-b\":\"2\",\"host\":\"h\",\"x-forwarded-for\":\"f\",\
             \"X-Amzn-Trace-Id\":\"t\",\"Connection\":{connection}}}"
        );
        assert_eq!(shown(&headers), passed, "{connection}");
    }
    let long = alb(&format!("{{\"connection\":\"{}\"}}", "x-a,".repeat(300)));
    assert!(matches!(
        agree(long.as_bytes()),
        crate::Verdict::Malformed(_)
    ));
}

#[test]
fn header_is_found_by_its_name_in_lower_case() {
    let event = alb(r#"{"Content-Type":"a","content-type":"b","\u0058-A":"c","Cookie":"d"}"#);
    let event = HttpEvent::read(event.as_bytes()).expect("right");
    let value = |name: &[u8]| {
        let value = event.header(name)?;
        Some(String::from_utf8(written(|write| value.write(write))).expect("UTF-8"))
    };
    assert_eq!(value(b"content-type").as_deref(), Some("a"));
    assert_eq!(value(b"x-a").as_deref(), Some("c"));
    assert_eq!(value(b"cookie").as_deref(), Some("d"));
    assert_eq!(value(b"x-b"), None);
    let long = "x".repeat(100);
    let escaped = format!("{{\"\\u0078{}\":\"1\"}}", &long[1..]);
    assert_eq!(shown(&escaped), format!("{long}: 1"));
}

#[test]
fn header_values_of_other_types_are_text_or_none() {
    let headers = r#"{"a":1.50,"b":true,"c":null,"d":["x",2,null,false],"e":{"f":"g"},
        "h":[["i"],{"j":"k"},"l"],"a":"again"}"#;
    assert_eq!(
        shown(headers),
        "a: 1.50\nb: true\nd: x\nd: 2\nd: false\nh: l\na: again"
    );
    assert_eq!(shown("null"), "");
    assert_eq!(shown("{}"), "");
}

#[test]
fn cookies_through_each_source_are_one_header() {
    for front in FRONTS {
        for cookies in ["a=1", "a=1; b=2; c=\"x y\"", "a=%3B; a=2; =; b", "é=ü"] {
            let client = Client::get("/", "").with_header("Cookie", cookies);
            let request = request(&event(front, &client.with_header("X-A", "1")));
            assert_eq!(request.values("cookie"), [cookies], "{front:?}");
            assert_eq!(
                request.headers.last().map(|(name, _)| &name[..]),
                Some("cookie")
            );
        }
    }
}

#[test]
fn cookies_in_array_and_header_come_once() {
    let v2 = |cookies: &str, header: &str| {
        format!(
            "{{\"version\":\"2.0\",\"rawPath\":\"/\",\"cookies\":{cookies},\
             \"headers\":{{\"Cookie\":{header}}},\
             \"requestContext\":{{\"http\":{{\"method\":\"GET\"}}}}}}"
        )
    };
    for (cookies, header, seen) in [
        ("[\"a=1\",\"b=2\"]", "\"c=3\"", "a=1; b=2"),
        ("[\"a=1\\r\\nX: y\",null,2]", "null", "a=1  X: y; 2"),
        ("[]", "\"c=3\"", "c=3"),
        ("[null]", "\"c=3\"", "c=3"),
        ("null", "\"c=3\"", "c=3"),
        ("[\"\"]", "\"c=3\"", ""),
    ] {
        assert_eq!(
            request(&v2(cookies, header)).values("cookie"),
            [seen],
            "{cookies}"
        );
    }
    assert_eq!(request(&v2("[]", "null")).values("cookie"), [""; 0]);
    // Several headers of a map of lists, in either case, and no other source's array.
    let rest = r#"{"httpMethod":"GET","path":"/","cookies":["x=1"],"multiValueHeaders":
        {"Cookie":["a=1","b=2"],"cookie":["c=3"]}}"#;
    assert_eq!(request(rest).values("cookie"), ["a=1; b=2; c=3"]);
}

#[test]
fn client_address_of_alb_is_the_last_one() {
    for (headers, address) in [
        (r#"{"X-Forwarded-For":"192.0.2.1"}"#, "192.0.2.1"),
        (
            r#"{"x-forwarded-for":"10.0.0.1, 10.0.0.2,192.0.2.1 "}"#,
            "192.0.2.1",
        ),
        (
            r#"{"x-forwarded-for":["10.0.0.1","10.0.0.2, 192.0.2.1"]}"#,
            "192.0.2.1",
        ),
        (
            r#"{"x-forwarded-for":"10.0.0.1\u002c 2001:db8::1"}"#,
            "2001:db8::1",
        ),
        (r#"{"x-forwarded-for":""}"#, ""),
        (r#"{"x-forwarded-for":"10.0.0.1,"}"#, ""),
        ("{}", ""),
    ] {
        let seen = request(&alb(headers)).address;
        assert_eq!(String::from_utf8_lossy(&seen), address, "{headers}");
    }
    let long = format!(
        "{{\"x-forwarded-for\":{}}}",
        quote(&"10.0.0.1, ".repeat(if cfg!(miri) { 9 } else { 10_000 }))
    );
    assert_eq!(request(&alb(&long)).address, b"");
}
