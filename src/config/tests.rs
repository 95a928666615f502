//! Tests of the address.

use super::*;

#[test]
fn runtime_api_value_well_formed_is_split_into_its_parts() {
    for (value, address, port, authority, prefix) in [
        ("127.0.0.1:9001", [127, 0, 0, 1], 9001, "127.0.0.1:9001", ""),
        (
            "169.254.100.1:9001",
            [169, 254, 100, 1],
            9001,
            "169.254.100.1:9001",
            "",
        ),
        (
            "255.255.255.255:65535",
            [255; 4],
            65535,
            "255.255.255.255:65535",
            "",
        ),
        ("0.0.0.0:1", [0; 4], 1, "0.0.0.0:1", ""),
        ("localhost:80", [127, 0, 0, 1], 80, "localhost:80", ""),
        (
            "http://127.0.0.1:9000",
            [127, 0, 0, 1],
            9000,
            "127.0.0.1:9000",
            "",
        ),
        (
            "http://127.0.0.1:9000/",
            [127, 0, 0, 1],
            9000,
            "127.0.0.1:9000",
            "",
        ),
        (
            "http://localhost:9000/.rt/f",
            [127, 0, 0, 1],
            9000,
            "localhost:9000",
            "/.rt/f",
        ),
        (
            "10.0.0.1:8080/a/b/",
            [10, 0, 0, 1],
            8080,
            "10.0.0.1:8080",
            "/a/b",
        ),
    ] {
        let mut endpoint = Endpoint::new();
        assert!(endpoint.set(value.as_bytes(), true).is_some(), "{value:?}");
        let mut place = [0; 28];
        place[0] = 2;
        place[2..4].copy_from_slice(&u16::to_be_bytes(port));
        place[4..8].copy_from_slice(&address);
        assert_eq!(endpoint.address.0, place);
        assert_eq!(endpoint.pipeline, prefix.is_empty());
        let host = std::format!(" HTTP/1.1\r\nHost: {authority}\r\n");
        let base = std::format!(" {prefix}/2018-06-01/runtime/");
        let next = std::format!("GET{base}invocation/next{host}\r\n");
        assert_eq!(endpoint.authority(), authority.as_bytes());
        assert_eq!(endpoint.request_tail(), host.as_bytes());
        assert_eq!(endpoint.path_prefix(false), base.as_bytes());
        assert_eq!(endpoint.next(), next.as_bytes());
    }
}

#[test]
fn runtime_api_value_malformed_is_refused() {
    for value in [
        "",
        ":",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        "127.0.0.1:99999999999",
        "127.0.0:1",
        "127.0.0.1.1:1",
        "256.0.0.1:1",
        "127..0.1:1",
        ".0.0.1:1",
        "127.0.0.1:1:1",
        "127.0.0.1 :1",
        " 127.0.0.1:1",
        "127.0.0.1:1 ",
        "127.0.0.1:+1",
        "127.0.0.1:1a",
        "127.0.0.1:1x/",
        "localhost",
        "localhost:",
        "localhost5:80",
        "localhost.:80",
        "localhosts:80",
        "Localhost:80",
        "example.com:80",
        "::1:80",
        "https://127.0.0.1:1",
        "HTTP://127.0.0.1:1",
        "http://http://127.0.0.1:1",
        "http:/127.0.0.1:1",
        "user@127.0.0.1:1",
        "127.0.0.1:1?x",
        "127.0.0.1:1/a b",
        "127.0.0.1:1/a?b",
        "127.0.0.1:1/a#b",
        "127.0.0.1:1/a\r\nb",
        "127.0.0.1:1/é",
    ] {
        let set = Endpoint::new().set(value.as_bytes(), true);
        assert!(set.is_none(), "{value:?}");
    }
    assert!(Endpoint::new().set(b"[::1]:80", false).is_none());
}

#[test]
fn runtime_api_value_of_ipv6_is_the_address_that_std_reads() {
    for text in [
        "::",
        "::1",
        "1::",
        "fe80::1:2",
        "1:2:3:4:5:6:7:8",
        "2001:DB8::ffff:0",
        "::1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7::",
        "0:0:0:0:0:0:0:1",
        "a:b::c:d",
    ] {
        let mut endpoint = Endpoint::new();
        let value = std::format!("http://[{text}]:9000/.rt/x");
        assert!(endpoint.set(value.as_bytes(), true).is_some(), "{value}");
        let address: std::net::Ipv6Addr = text.parse().expect(text);
        let mut place = [0; 28];
        (place[0], place[2], place[3]) = (10, 9000u16.to_be_bytes()[0], 9000u16.to_be_bytes()[1]);
        place[8..24].copy_from_slice(&address.octets());
        assert_eq!(endpoint.address.0, place, "{value}");
        assert_eq!(
            endpoint.authority(),
            std::format!("[{text}]:9000").as_bytes()
        );
        assert!(!endpoint.pipeline);
    }
    for text in [
        "[]",
        "[:]",
        "[:::]",
        "[1]",
        "[1:2:3:4:5:6:7]",
        "[1:2:3:4:5:6:7:8:9]",
        "[::1",
        "::1]",
        "[1::2::3]",
        "[12345::]",
        "[g::]",
        "[::1%lo]",
        "[1:]",
        "[:1]",
        "[1:2:3:4:5:6:7:8::]",
        "[::1.2.3.4]",
    ] {
        let value = std::format!("{text}:9000");
        assert!(
            Endpoint::new().set(value.as_bytes(), true).is_none(),
            "{value}"
        );
    }
}

#[test]
fn runtime_api_value_up_to_the_limit_is_accepted_and_a_longer_one_refused() {
    let mut value = std::string::String::from("255.255.255.255:65535/");
    value.extend(core::iter::repeat_n('x', VALUE_BYTES_MAX - value.len()));
    let mut endpoint = Endpoint::new();
    assert!(endpoint.set(value.as_bytes(), true).is_some());
    assert!(
        endpoint
            .next()
            .ends_with(b"Host: 255.255.255.255:65535\r\n\r\n")
    );
    value.push('x');
    assert!(Endpoint::new().set(value.as_bytes(), false).is_none());
}
