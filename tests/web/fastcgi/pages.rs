//! What a page sees of a request: its variables, its input, its files.

use super::{HANDLER, Php, stop, with_each};
use crate::site::Site;
use crate::support::front::{Request, Source};
use crate::support::random::noise;
use serde_json::{Value, json};

/// A page that shows everything it was given.
const SHOW: &str = r#"<?php
header('Content-Type: application/json');
$files = [];
foreach ($_FILES as $name => $file) {
    $files[$name] = [$file['name'], $file['type'], $file['error'], $file['size'],
        $file['error'] ? '' : md5_file($file['tmp_name'])];
}
$input = file_get_contents('php://input');
echo json_encode(['server' => $_SERVER, 'get' => $_GET, 'post' => $_POST, 'cookie' => $_COOKIE,
    'files' => $files, 'input' => md5($input), 'bytes' => strlen($input)],
    JSON_INVALID_UTF8_SUBSTITUTE | JSON_THROW_ON_ERROR);
"#;

fn shown(site: &Site, source: Source, request: &Request) -> Value {
    let answer = site.ask(source, request);
    let text = answer.text();
    assert_eq!(answer.status, 200, "{source:?}: {text}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn page_sees_the_request_through_every_source() {
    with_each(&[("public/index.php", SHOW)], &[], |php, site| {
        for source in Source::ALL {
            let request = Request::new("POST", "/a%20b/caf%C3%A9?x=1&y[]=2&y[]=3&z=%2B")
                .header("Host", "shop.example:8443")
                .header("Cookie", "a=1; b=two")
                .header("Authorization", "Basic dXNlcjpwYXNz")
                .header("X-Dash-Name", "v")
                .header("X_Dash_Name", "forged")
                .header("Proxy", "evil:1")
                .typed("application/x-www-form-urlencoded", "p=1&q[k]=%C3%A9");
            let page = shown(site, source, &request);
            let server = &page["server"];
            let place = format!("{php:?} {source:?}: {server}");
            assert_eq!(server["REQUEST_METHOD"], "POST", "{place}");
            assert_eq!(server["SCRIPT_NAME"], "/index.php", "{place}");
            assert_eq!(server["PHP_SELF"], "/index.php", "{place}");
            assert_eq!(server["DOCUMENT_URI"], "/index.php", "{place}");
            let root = server["DOCUMENT_ROOT"].as_str().expect("a root");
            assert!(
                root.starts_with('/') && root.ends_with("/public"),
                "{place}"
            );
            assert_eq!(server["SCRIPT_FILENAME"], format!("{root}/index.php"));
            assert_eq!(server.get("PATH_INFO"), None, "{place}");
            let uri = server["REQUEST_URI"].as_str().expect("a target");
            assert!(uri.starts_with("/a%20b/caf%C3%A9?"), "{place}");
            assert_eq!(server["QUERY_STRING"], uri[uri.find('?').unwrap() + 1..]);
            let multi = json!({"x": "1", "y": ["2", "3"], "z": "+"});
            let single = json!({"x": "1", "y": ["3"], "z": "+"});
            let is_single = source == Source::AlbSingle;
            assert_eq!(
                page["get"],
                if is_single { single } else { multi },
                "{place}"
            );
            assert_eq!(page["post"], json!({"p": "1", "q": {"k": "é"}}), "{place}");
            assert_eq!(page["cookie"], json!({"a": "1", "b": "two"}), "{place}");
            assert_eq!(server["CONTENT_LENGTH"], "15", "{place}");
            assert_eq!(server["CONTENT_TYPE"], "application/x-www-form-urlencoded");
            assert_eq!(server.get("HTTP_CONTENT_TYPE"), None, "{place}");
            assert_eq!(server.get("HTTP_PROXY"), None, "{place}");
            assert_eq!(server["HTTP_X_DASH_NAME"], "v", "{place}");
            assert_eq!(server["PHP_AUTH_USER"], "user", "{place}");
            assert_eq!(server["PHP_AUTH_PW"], "pass", "{place}");
            assert_eq!(server["GATEWAY_INTERFACE"], "CGI/1.1", "{place}");
            let host = server["HTTP_HOST"].as_str().expect("a host");
            assert_eq!(server["SERVER_NAME"], host.split(':').next().unwrap());
            let scheme = server["REQUEST_SCHEME"].as_str().expect("a scheme");
            let is_https = server.get("HTTPS") == Some(&json!("on"));
            assert_eq!(scheme, if is_https { "https" } else { "http" }, "{place}");
            assert_eq!(server["REMOTE_ADDR"], "127.0.0.1", "{place}");
            let context = server["LAMBDA_INVOCATION_CONTEXT"].as_str().expect("one");
            let context: Value = serde_json::from_str(context).expect("JSON");
            let (id, event) = site.front(source).last_event();
            assert_eq!(context["awsRequestId"], id, "{place}");
            assert!(context["deadlineMs"].is_u64(), "{place}");
            assert_eq!(context["traceId"], server["_X_AMZN_TRACE_ID"], "{place}");
            let sent: Value = serde_json::from_str(&event).expect("JSON");
            let context = server["LAMBDA_REQUEST_CONTEXT"].as_str().expect("one");
            let context: Value = serde_json::from_str(context).expect("JSON");
            assert_eq!(context, sent["requestContext"], "{place}");
        }
    });
}

#[test]
fn request_without_body_and_query_has_empty_query_and_no_length() {
    with_each(&[("public/index.php", SHOW)], &[], |php, site| {
        for source in Source::ALL {
            let page = shown(site, source, &Request::new("GET", "/"));
            let server = &page["server"];
            assert_eq!(server["QUERY_STRING"], "", "{php:?} {source:?}");
            assert_eq!(server["REQUEST_URI"], "/", "{php:?} {source:?}");
            assert_eq!(server.get("CONTENT_LENGTH"), None, "{php:?} {source:?}");
            assert_eq!(server.get("CONTENT_TYPE"), None, "{php:?} {source:?}");
            assert_eq!(page["bytes"], 0);
        }
    });
}

#[test]
fn repeated_header_is_joined() {
    with_each(&[("public/index.php", SHOW)], &[], |php, site| {
        for source in Source::ALL
            .into_iter()
            .filter(|source| *source != Source::AlbSingle)
        {
            let request = Request::new("GET", "/")
                .header("X-Tag", "one")
                .header("X-Other", "x")
                .header("X-Tag", "two")
                .header("x-tag", "three");
            let page = shown(site, source, &request);
            let tags = page["server"]["HTTP_X_TAG"].as_str().expect("a value");
            let tags: Vec<&str> = tags.split(',').map(str::trim).collect();
            assert_eq!(tags, ["one", "two", "three"], "{php:?} {source:?}");
            assert_eq!(page["server"]["HTTP_X_OTHER"], "x");
        }
    });
}

#[test]
fn upload_and_large_bodies_arrive_whole() {
    let ini = ("ini/php.ini", "memory_limit = 256M\n");
    for php in [Php::Fpm, Php::Cgi] {
        let Some(dir) = php.root(&[("public/index.php", SHOW), ini]) else {
            continue;
        };
        let folder = dir.path().join("ini");
        let folder = folder.to_str().expect("a path in UTF-8");
        let site = Site::with_variables(&dir, HANDLER, &[("PHPRC", folder)]);
        let file = noise(7, 3_000_000);
        let mut body =
            b"--limit\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a b.bin\"\
            \r\nContent-Type: application/octet-stream\r\n\r\n"
                .to_vec();
        body.extend(&file);
        body.extend(
            b"\r\n--limit\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\nv\r\n--limit--\r\n",
        );
        let request =
            Request::new("POST", "/up").typed("multipart/form-data; boundary=limit", body);
        let page = shown(&site, Source::FunctionUrl, &request);
        let digest = md5(&file);
        let wanted = json!(["a b.bin", "application/octet-stream", 0, 3_000_000, digest]);
        assert_eq!(page["files"]["f"], wanted, "{php:?}");
        assert_eq!(page["post"], json!({"t": "v"}), "{php:?}");
        // Sizes around those of records, and as much as an event takes.
        for bytes in [
            1, 65_534, 65_535, 65_536, 131_070, 131_071, 1_000_000, 4_400_000,
        ] {
            let body = noise(bytes as u64, bytes);
            let digest = md5(&body);
            let request = Request::new("PUT", "/raw").typed("application/octet-stream", body);
            let page = shown(&site, Source::FunctionUrl, &request);
            assert_eq!(page["bytes"], bytes, "{php:?}");
            assert_eq!(page["input"], digest, "{php:?} {bytes}");
        }
        stop(site);
    }
}

/// The digest of bytes.
fn md5(bytes: &[u8]) -> String {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let mut command = Command::new("md5sum");
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("start md5sum");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(bytes).expect("write to md5sum");
    drop(input);
    let output = child.wait_with_output().expect("the output of md5sum");
    String::from_utf8_lossy(&output.stdout)[..32].to_string()
}
