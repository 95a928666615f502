//! Request targets, and what each source loses of them.

use crate::support::front::Source;
use crate::support::front::Source::{AlbMulti, AlbSingle, FunctionUrl, Http1, Http2, Rest};

/// HTTP APIs decode paths.
const DECODED: &[Source] = &[Http1, Http2];
/// Maps have decoded names and values.
const MAPS: &[Source] = &[Rest, Http1];
/// Maps of any kind: names are grouped, and an equals sign is added.
const ANY_MAPS: &[Source] = &[Rest, Http1, AlbMulti, AlbSingle];
const SINGLE: &[Source] = &[AlbSingle];

/// What arrives in place of a target through these sources.
type Lost = &'static [(&'static [Source], &'static str)];

/// Each target, and what arrives where it is not the same.
pub const TARGETS: &[(&str, Lost)] = &[
    ("/", &[]),
    ("/a/b.html", &[]),
    ("/a%20b", &[]),
    ("/a%2Fb", &[(DECODED, "/a/b")]),
    ("/x+y@z", &[]),
    ("/%E2%98%95", &[]),
    // The digits of percent-encoding come back in upper case.
    ("/%e2%98%95", &[(DECODED, "/%E2%98%95")]),
    ("/%61", &[(DECODED, "/a")]),
    ("/p//q", &[]),
    ("//p", &[(&[Rest], "/p")]),
    ("/p/", &[]),
    ("/a%25b", &[]),
    ("/a%2541", &[]),
    // An HTTP API cuts the path at a question mark that appears when it decodes.
    ("/a%3Fb", &[(DECODED, "/a")]),
    ("/a%23b", &[]),
    ("/a;b=c,d!$&'()*~:-._", &[]),
    ("/a/../b/./c", &[]),
    ("/a%2e%2e/b", &[(DECODED, "/a../b")]),
    // A Function URL that decodes nothing looks as an HTTP API that has decoded.
    ("/%zz", &[(&[Http1, Http2, FunctionUrl], "/%25zz")]),
    ("/100%", &[(&[Http1, Http2, FunctionUrl], "/100%25")]),
    ("/%FFx", &[(DECODED, "/%EF%BF%BDx")]),
    ("/{a}|b^`\"<>\\", &[]),
    // No request line may hold these bytes, but fronts take them.
    ("/é", &[(&Source::ALL, "/%C3%A9")]),
    ("/?a=1&b=2", &[]),
    ("/?a=1&a=2", &[(SINGLE, "/?a=2")]),
    // The front's maps are sorted by name; a service may have any order.
    ("/?b=1&a=2", &[(ANY_MAPS, "/?a=2&b=1")]),
    ("/?x=a+b", &[(MAPS, "/?x=a%20b")]),
    ("/?x=a%2Bb", &[]),
    ("/?flag", &[(ANY_MAPS, "/?flag=")]),
    ("/?e=", &[]),
    ("/?", &[(&Source::ALL, "/")]),
    (
        "/?a[]=1&a[]=2",
        &[(MAPS, "/?a%5B%5D=1&a%5B%5D=2"), (SINGLE, "/?a[]=2")],
    ),
    ("/?%C3%A9=%26%3D", &[]),
    ("/?a=b=c", &[(MAPS, "/?a=b%3Dc")]),
    ("/?q={\"x\":1}|^", &[(MAPS, "/?q=%7B%22x%22%3A1%7D%7C%5E")]),
    ("/?a=1&&b=2", &[(ANY_MAPS, "/?a=1&b=2")]),
    ("/?=x", &[]),
    ("/?a=%zz", &[(MAPS, "/?a=%25zz")]),
    ("/?a=%FF", &[(MAPS, "/?a=%EF%BF%BD")]),
    ("/?to=https%3A%2F%2Fexample.com%2Fa%2Fb", &[]),
    ("/?a=1?b=2", &[(MAPS, "/?a=1%3Fb%3D2")]),
];

/// The value of a header as text, where the application had bytes.
pub fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}
