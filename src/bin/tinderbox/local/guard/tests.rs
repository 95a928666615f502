//! Tests of the rules, without a connection.

use std::time::{Duration, Instant};

use super::{Bound, Claims, Forbidden, Notices};

fn bound(address: &str, name: Option<&str>) -> Bound {
    let address = address.parse().expect("an address and a port");
    Bound::new(address, name.map(str::to_string))
}

fn check(hosts: &[&str], origins: &[&str], sites: &[&str], bound: &Bound) -> Result<(), Forbidden> {
    let claims = Claims {
        hosts: hosts.to_vec(),
        origins: origins.to_vec(),
        sites: sites.to_vec(),
        is_http_1_0: false,
    };
    let host = claims.host(bound)?;
    claims.check_origin(host)
}

fn accepts(bound: &Bound, host: &str) -> bool {
    check(&[host], &[], &[], bound).is_ok()
}

#[test]
fn host_of_loopback_is_accepted_with_any_port() {
    for bound in [
        bound("127.0.0.1:9000", None),
        bound("[::1]:9000", None),
        bound("[::ffff:127.0.0.1]:9000", None),
        bound("127.0.0.5:9000", Some("lambda.test")),
    ] {
        for name in [
            "127.0.0.1",
            "127.255.1.2",
            "[::1]",
            "[0:0:0:0:0:0:0:1]",
            "[::ffff:127.0.0.1]",
            "localhost",
            "LocalHost",
            "localhost.",
            "a.b.localhost",
        ] {
            for port in ["", ":", ":80", ":9000", ":9001"] {
                assert!(accepts(&bound, &format!("{name}{port}")), "{name}{port}");
            }
            for port in [":+9000", ":90000", ":9000x", ": 9000", "9000"] {
                assert!(!accepts(&bound, &format!("{name}{port}")), "{name}{port}");
            }
        }
        for name in [
            "",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "xlocalhost",
            "0.0.0.0",
            "[::]",
            "10.0.0.1",
            "[fe80::1]",
            "128.0.0.1",
            "127.1",
            "0x7f.0.0.1",
            "2130706433",
            "box",
            "box.local",
            "::1",
            "[::1",
            "[127.0.0.1]",
            "user@localhost",
            "localhost,evil",
            "localhost/",
            "[::1%lo]",
        ] {
            assert!(!accepts(&bound, &format!("{name}:9000")), "{name}");
        }
    }
    let named = bound("127.0.0.5:9000", Some("lambda.test"));
    assert!(accepts(&named, "Lambda.Test:9000"));
    assert!(!accepts(&named, "lambda.tes:9000"));
}

#[test]
fn host_of_a_listener_for_others_is_any_address_or_private_name() {
    for bound in [bound("0.0.0.0:9000", None), bound("192.168.1.5:9000", None)] {
        for host in [
            "0.0.0.0:9000",
            "192.168.1.5:9000",
            "192.168.1.5:18000",
            "[fd00::2]:9000",
            "box:9000",
            "host.docker.internal",
            "box.local:9000",
            "localhost:1",
        ] {
            assert!(accepts(&bound, host), "{host}");
        }
        for host in ["evil.example:9000", "evil.example", "", "xinternal.evil"] {
            assert!(!accepts(&bound, host), "{host}");
        }
    }
}

#[test]
fn host_missing_empty_or_twice_is_refused_unless_http_1_0() {
    let bound = bound("127.0.0.1:9000", None);
    let good = "127.0.0.1:9000";
    for hosts in [&[][..], &[""], &[good, good], &[good, "evil:9000"]] {
        assert!(check(hosts, &[], &[], &bound).is_err(), "{hosts:?}");
        let claims = Claims {
            hosts: hosts.to_vec(),
            origins: Vec::new(),
            sites: Vec::new(),
            is_http_1_0: true,
        };
        let is_accepted = claims.host(&bound).is_ok();
        assert_eq!(is_accepted, hosts.concat().is_empty(), "{hosts:?}");
    }
}

#[test]
fn origin_other_than_the_server_itself_is_refused() {
    let bound = bound("127.0.0.1:9000", None);
    let host = "LOCALHOST:9000";
    for (origins, is_accepted) in [
        (&[][..], true),
        (&["http://localhost:9000"], true),
        (&["http://127.0.0.1:9000"], false), // another name is another origin
        (&["http://localhost:9001"], false),
        (&["http://localhost"], false),
        (&["https://localhost:9000"], false),
        (&["localhost:9000"], false),
        (&["http://localhost:9000/"], false),
        (&["http://localhost:9000 http://evil.example"], false),
        (&["http://evil.example"], false),
        (&["null"], false),
        (&[""], false),
        (&["http://localhost:9000", "http://evil.example"], false),
        (&["chrome-extension://abcdef"], false),
    ] {
        let result = check(&[host], origins, &[], &bound);
        assert_eq!(result.is_ok(), is_accepted, "{origins:?}");
    }
    let text = check(&[host], &["http://evil.example"], &[], &bound).expect_err("refused");
    assert!(
        text.text.contains("Origin 'http://evil.example'"),
        "{text:?}"
    );
}

#[test]
fn fetch_metadata_of_another_site_is_refused() {
    let bound = bound("127.0.0.1:9000", None);
    for (sites, is_accepted) in [
        (&[][..], true),
        (&["same-origin"], true),
        (&["none"], true),
        (&["same-site"], false),
        (&["cross-site"], false),
        (&["Cross-Site"], false),
        (&[""], false),
        (&["same-origin", "cross-site"], false),
    ] {
        let result = check(&["127.0.0.1:9000"], &[], sites, &bound);
        assert_eq!(result.is_ok(), is_accepted, "{sites:?}");
    }
}

#[test]
fn runtime_call_has_any_host_and_no_origin() {
    let claims = |origins: &[&'static str]| Claims {
        hosts: vec!["anything"],
        origins: origins.to_vec(),
        sites: Vec::new(),
        is_http_1_0: false,
    };
    assert!(claims(&[]).check_origin(None).is_ok());
    for origin in ["http://anything", "null", ""] {
        assert!(claims(&[origin]).check_origin(None).is_err(), "{origin}");
    }
}

#[test]
fn quoted_value_is_short() {
    let bound = bound("127.0.0.1:9000", None);
    let long = "é".repeat(100_000);
    let refused = check(&[&long], &[], &[], &bound).expect_err("refused");
    assert!(refused.text.len() < 500 && refused.text.contains("..."));
}

#[test]
fn notices_are_limited_and_counted() {
    let mut notices = Notices::default();
    let start = Instant::now();
    let admitted = [0, 1, 999, 1000, 1001, 5000].map(|ms| {
        let now = start + Duration::from_millis(ms);
        notices.admit(now)
    });
    assert_eq!(admitted, [Some(0), None, None, Some(2), None, Some(1)]);
}
