//! Queries: what an application sees of the query that a client sent.

use crate::fronts::{Client, FRONTS, Front, event};
use crate::request;

/// A query as a client sends it; what is seen of it through a map of encoded values (an ALB's), and
/// through one of decoded values (a REST API's, and that of payload 1.0). A single-value map has
/// the last of repeated parameters alone. The raw query of payload 2.0 loses nothing.
const QUERIES: &[(&str, &str, &str)] = &[
    ("", "", ""),
    ("a=1", "a=1", "a=1"),
    ("a=1&b=2", "a=1&b=2", "a=1&b=2"),
    ("a=one&a=two", "a=one&a=two", "a=one&a=two"),
    ("empty=", "empty=", "empty="),
    ("=value", "=value", "=value"),
    ("a=%26&b=%3D", "a=%26&b=%3D", "a=%26&b=%3D"),
    ("%C3%A9=%C3%A9", "%C3%A9=%C3%A9", "%C3%A9=%C3%A9"),
    ("a=b%20c", "a=b%20c", "a=b%20c"),
    ("a=%2525", "a=%2525", "a=%2525"),
    ("a=b=c", "a=b=c", "a=b%3Dc"), // loses that `=` was not encoded
    ("a[]=1&a[]=2", "a[]=1&a[]=2", "a%5B%5D=1&a%5B%5D=2"), // and brackets
    ("a[b][]=1&x.y=2", "a[b][]=1&x.y=2", "a%5Bb%5D%5B%5D=1&x.y=2"),
    ("0=a&1=b", "0=a&1=b", "0=a&1=b"),
    ("a=b+c", "a=b+c", "a=b%20c"), // loses which encoding of a space it was
    ("a=b%2bc", "a=b%2bc", "a=b%2Bc"), // loses digits in lower case
    ("a=%41", "a=%41", "a=A"),     // loses the encoding of what needs none
    (
        "a=/?:@!$'()*,;~",
        "a=/?:@!$'()*,;~",
        "a=%2F%3F%3A%40%21%24%27%28%29%2A%2C%3B~",
    ),
    ("a={\"b\"|^}", "a={\"b\"|^}", "a=%7B%22b%22%7C%5E%7D"),
    ("foo", "foo=", "foo="),             // a map has no names without a value
    ("a=1&&b=2&", "a=1&b=2", "a=1&b=2"), // nor empty parameters
    ("a=1&b=2&a=3", "a=1&a=3&b=2", "a=1&a=3&b=2"), // nor an order between names
];

#[test]
fn query_through_each_source_loses_what_is_documented() {
    for (query, encoded, decoded) in QUERIES {
        for front in FRONTS {
            let seen = request(&event(front, &Client::get("/", query))).query;
            let expected = match front {
                Front::V2 | Front::Url => query,
                Front::RestV1 | Front::HttpV1 => decoded,
                Front::AlbMulti => encoded,
                Front::AlbSingle => match *query {
                    "a=one&a=two" => "a=two",
                    "a[]=1&a[]=2" => "a[]=2",
                    "a=1&b=2&a=3" => "a=3&b=2",
                    _ => encoded,
                },
            };
            assert_eq!(
                String::from_utf8_lossy(&seen),
                *expected,
                "{query} by {front:?}"
            );
        }
    }
}

/// Queries of events that no front makes.
#[test]
fn query_with_bytes_of_no_target_is_encoded() {
    let v2 = |query: &str| {
        format!(
            "{{\"version\":\"2.0\",\"rawPath\":\"/\",\"rawQueryString\":{query},\
             \"requestContext\":{{\"http\":{{\"method\":\"GET\"}}}}}}"
        )
    };
    let alb = |query: &str| {
        format!(
            "{{\"httpMethod\":\"GET\",\"path\":\"/\",\"queryStringParameters\":{query},\
             \"requestContext\":{{\"elb\":{{}}}}}}"
        )
    };
    let rest = |query: &str| {
        format!(
            "{{\"httpMethod\":\"GET\",\"path\":\"/\",\"multiValueQueryStringParameters\":{query}}}"
        )
    };
    for (event, target) in [
        (v2("\"a b\\r\\nX: y\""), "/?a%20b%0D%0AX:%20y"),
        (v2("\"é=\\u00e9\\u007f\""), "/?%C3%A9=%C3%A9%7F"),
        (v2("\"%zz&100%\""), "/?%zz&100%"),
        (v2("null"), "/"),
        (v2("\"\""), "/"),
        (v2("12"), "/?12"),
        (alb("{\"a b\":\"c\\n\"}"), "/?a%20b=c%0A"),
        (alb("{}"), "/"),
        (alb("null"), "/"),
        (
            rest("{\"a\":[\"1\",2,true,null,\"\"],\"b\":[],\"c\":null,\"d\":\"e\"}"),
            "/?a=1&a=2&a=true&a=&d=e",
        ),
        (rest("{\"\\u0061\\n\":[\"\\u00e9\"]}"), "/?a%0A=%C3%A9"),
        (
            rest("{\"a\":[[\"x\"],{\"b\":\"c\"},\"y\"],\"d\":{\"e\":\"f\"}}"),
            "/?a=y",
        ),
        (rest("{\"a\":[\"1\"],\"a\":[\"2\"]}"), "/?a=1&a=2"),
        (rest("{}"), "/"),
    ] {
        assert_eq!(request(&event).target(), target, "{event}");
    }
}

#[test]
fn query_map_of_lists_counts_before_that_of_strings() {
    let event = |maps: &str| request(&format!("{{\"httpMethod\":\"GET\",\"path\":\"/\",{maps}}}"));
    let (multi, single) = ("multiValueQueryStringParameters", "queryStringParameters");
    for (maps, query) in [
        (
            format!("\"{single}\":{{\"a\":\"2\"}},\"{multi}\":{{\"a\":[\"1\",\"2\"]}}"),
            "a=1&a=2",
        ),
        (
            format!("\"{single}\":{{\"a\":\"2\"}},\"{multi}\":null"),
            "a=2",
        ),
        (
            format!("\"{single}\":{{\"a\":\"2\"}},\"{multi}\":{{}}"),
            "a=2",
        ),
        (
            format!("\"{single}\":null,\"{multi}\":{{\"a\":[\"1\"]}}"),
            "a=1",
        ),
        (format!("\"{single}\":{{}},\"{multi}\":{{}}"), ""),
    ] {
        assert_eq!(
            String::from_utf8_lossy(&event(&maps).query),
            query,
            "{maps}"
        );
    }
}
