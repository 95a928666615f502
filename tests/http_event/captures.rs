//! One request as four sources delivered it in production: `POST /capture/space%20value` with a
//! query of repeated, empty and encoded parameters, a repeated header, and two cookies.

use tinderbox::http_event::Source;

use crate::request;

const QUERY: &str = "repeat=one&repeat=two&redirect=https%3A%2F%2Fexample.com%2Fa%2Fb\
                     &literalPlus=a+b&encodedPlus=a%2Bb&empty=";

#[test]
fn capture_of_alb_with_lists_is_read() {
    let event = r#"{"requestContext":{"elb":{"targetGroupArn":"arn:aws:elasticloadbalancing:x"}},
        "httpMethod":"POST","path":"/capture/space%20value","queryStringParameters":null,
        "multiValueQueryStringParameters":{"repeat":["one","two"],
        "redirect":["https%3A%2F%2Fexample.com%2Fa%2Fb"],"literalPlus":["a+b"],
        "encodedPlus":["a%2Bb"],"empty":[""]},"headers":null,"multiValueHeaders":{
        "accept":["*/*"],"content-length":["16"],"content-type":["application/json"],
        "cookie":["first=1; second=2"],"host":["lb.example.com"],
        "x-amzn-trace-id":["Root=1-6"],"x-forwarded-for":["10.9.8.7, 192.0.2.1"],
        "x-forwarded-port":["443"],"x-forwarded-proto":["https"],
        "x-repeat":["first","second"]},"body":"{\"hello\":\"app\"}","isBase64Encoded":false}"#;
    let request = request(event);
    assert_eq!(request.source, Source::AlbMulti);
    assert_eq!(request.target(), format!("/capture/space%20value?{QUERY}"));
    assert_eq!(request.values("x-repeat"), ["first", "second"]);
    assert_eq!(request.values("cookie"), ["first=1; second=2"]);
    assert_eq!(request.values("host"), ["lb.example.com"]);
    assert_eq!(request.values("content-length"), [""; 0]);
    assert_eq!(request.address, b"192.0.2.1");
    assert_eq!(request.host, b"localhost");
    assert_eq!(request.protocol, b"");
    assert_eq!(request.body.as_deref(), Some(&b"{\"hello\":\"app\"}"[..]));
    assert!(request.context.starts_with(b"{\"elb\"") && request.context.ends_with(b"}}"));
}

#[test]
fn capture_of_rest_api_is_read() {
    let event = r#"{"resource":"/{proxy+}","path":"/capture/space%20value","httpMethod":"POST",
        "headers":{"Accept":"*/*","Content-Type":"application/json","X-Repeat":"second",
        "Cookie":"first=1; second=2","Host":"id.execute-api.eu-west-1.amazonaws.com"},
        "multiValueHeaders":{"Accept":["*/*"],"Content-Type":["application/json"],
        "X-Repeat":["first","second"],"Cookie":["first=1; second=2"],
        "Host":["id.execute-api.eu-west-1.amazonaws.com"]},
        "queryStringParameters":{"repeat":"two"},"multiValueQueryStringParameters":{
        "repeat":["one","two"],"redirect":["https://example.com/a/b"],"literalPlus":["a b"],
        "encodedPlus":["a+b"],"empty":[""]},"pathParameters":{"proxy":"capture/space value"},
        "stageVariables":null,"requestContext":{"path":"/dev/capture/space%20value",
        "protocol":"HTTP/1.1","stage":"dev","domainName":"id.execute-api.example",
        "identity":{"sourceIp":"192.0.2.1","userAgent":"curl"},"httpMethod":"POST"},
        "body":"eyJoZWxsbyI6ImFwcCJ9","isBase64Encoded":true}"#;
    let request = request(event);
    assert_eq!(request.source, Source::RestV1);
    let query = QUERY.replace("a+b", "a%20b");
    assert_eq!(request.target(), format!("/capture/space%20value?{query}"));
    assert_eq!(request.values("X-Repeat"), ["first", "second"]);
    assert_eq!(request.values("Cookie"), ["first=1; second=2"]);
    assert_eq!(request.address, b"192.0.2.1");
    assert_eq!(request.host, b"id.execute-api.example");
    assert_eq!(request.protocol, b"HTTP/1.1");
    assert_eq!(request.body.as_deref(), Some(&b"{\"hello\":\"app\"}"[..]));
}

/// Payload 2.0 (a decoded path and no cookie header), and a Function URL (an encoded path, and a
/// cookie header beside the array).
fn v2(raw_path: &str, cookie_header: &str) -> String {
    format!(
        r#"{{"version":"2.0","routeKey":"$default","rawPath":"{raw_path}",
        "rawQueryString":"{QUERY}",
        "cookies":["first=1","second=2"],"headers":{{{cookie_header}"accept":"*/*",
        "content-length":"15","content-type":"application/json","host":"id.example",
        "x-forwarded-for":"192.0.2.1","x-forwarded-port":"443","x-forwarded-proto":"https",
        "x-repeat":"first,second"}},"queryStringParameters":{{"repeat":"one,two","empty":""}},
        "requestContext":{{"accountId":"1","domainName":"id.example","http":{{"method":"POST",
        "path":"/capture/space value","protocol":"HTTP/2.0","sourceIp":"192.0.2.1",
        "userAgent":"curl"}},"stage":"$default","timeEpoch":1764000000000}},
        "body":"{{\"hello\":\"app\"}}","isBase64Encoded":false}}"#
    )
}

#[test]
fn capture_of_payload_2_is_read() {
    for (raw_path, cookie_header) in [
        ("/capture/space value", ""),
        (
            "/capture/space%20value",
            "\"cookie\":\"first=1; second=2\",",
        ),
    ] {
        let request = request(&v2(raw_path, cookie_header));
        assert_eq!(request.source, Source::V2);
        assert_eq!(request.target(), format!("/capture/space%20value?{QUERY}"));
        assert_eq!(request.values("x-repeat"), ["first,second"]);
        assert_eq!(request.values("cookie"), ["first=1; second=2"]);
        assert_eq!(request.address, b"192.0.2.1");
        assert_eq!(request.host, b"id.example");
        assert_eq!(request.protocol, b"HTTP/2.0");
        assert_eq!(request.body.as_deref(), Some(&b"{\"hello\":\"app\"}"[..]));
    }
}

#[test]
fn capture_of_other_services_is_no_http_event() {
    for event in [
        r#"{"Records":[{"eventSource":"aws:sqs","body":"x"}]}"#,
        r#"{"version":"0","detail-type":"Scheduled Event","source":"aws.events"}"#,
        r#"{"requestContext":{"routeKey":"$connect","eventType":"CONNECT","connectionId":"c"},
            "headers":{"Host":"x"},"multiValueHeaders":{"Host":["x"]},"isBase64Encoded":false}"#,
        r#"{"version":"2.0","requestContext":{}}"#,
        r#"{"version":"3.0","httpMethod":"GET","path":"/"}"#,
        r#"{"httpMethod":null,"path":"/"}"#,
        r#"{"warmer":true}"#,
        "{}",
        "[]",
        "null",
        "\"GET / HTTP/1.1\"",
        "",
        "{",
    ] {
        assert_eq!(
            crate::agree(event.as_bytes()),
            crate::Verdict::NotHttp,
            "{event}"
        );
    }
}
