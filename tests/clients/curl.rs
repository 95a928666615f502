//! curl, with the framings that SDKs do not use.

use std::process::Command;

use crate::lambda::Lambda;
use crate::programs;
use crate::support::skip;

/// Calls the function with these options. The answer's body.
fn curl(lambda: &Lambda, options: &[&str]) -> Vec<u8> {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--max-time", "50"]);
    let finished = programs::run(command.args(options).arg(lambda.url()), b"");
    assert_eq!(finished.code, 0, "{options:?}: {}", finished.stderr);
    finished.stdout
}

fn event(length: usize) -> Vec<u8> {
    format!("\"{}\"", "e".repeat(length - 2)).into_bytes()
}

#[test]
fn body_framed_in_each_way_is_echoed() {
    if !skip::has("curl") {
        return;
    }
    let lambda = Lambda::start(&[]);
    for length in [2, 100, 70_000, 2_000_000] {
        let event = event(length);
        let file = lambda.folder.file("event", &event);
        let data = format!("@{}", file.display());
        let upload = [
            "--request",
            "POST",
            "--upload-file",
            file.to_str().expect("UTF-8"),
        ];
        let ways: [&[&str]; 6] = [
            &["--data-binary", &data],
            // curl sends this by itself with longer bodies.
            &["--data-binary", &data, "--header", "Expect: 100-continue"],
            &["--data-binary", &data, "--header", "Expect:"],
            &[
                "--data-binary",
                &data,
                "--header",
                "Transfer-Encoding: chunked",
            ],
            &["--data-binary", &data, "--http1.0"],
            &upload,
        ];
        for way in ways {
            assert!(curl(&lambda, way) == event, "{length} bytes, {way:?}");
        }
    }
    lambda.wait_for_count("END RequestId: ", 24);
    assert_eq!(lambda.count("START RequestId: "), 24, "each event once");
}

#[test]
fn connection_reused_by_curl_answers_each_call() {
    if !skip::has("curl") {
        return;
    }
    let lambda = Lambda::start(&[]);
    let url = lambda.url();
    let mut options = Vec::new();
    for number in ["1", "2", "3"] {
        options.extend([
            "--write-out",
            "[%{num_connects}]",
            "--data",
            number,
            &url,
            "--next",
        ]);
    }
    options.extend([
        "--silent",
        "--write-out",
        "[%{num_connects}]",
        "--data",
        "4",
    ]);
    let body = curl(&lambda, &options);
    assert_eq!(String::from_utf8_lossy(&body), "1[1]2[0]3[0]4[0]");
}

/// SDKs in JavaScript throw a syntax error at anything else.
#[test]
fn refusal_of_the_http_layer_is_json() {
    if !skip::has("curl") {
        return;
    }
    let lambda = Lambda::start(&[]);
    let cases: [&[&str]; 3] = [
        &["--header", "Content-Length: 7, 7"],
        &["--header", "Expect: 200-ok"],
        &["--header", "Transfer-Encoding: gzip, chunked"],
    ];
    for case in cases {
        let format = "\n%{http_code} %{content_type}";
        let options = [case, &["--data", "{}", "--write-out", format]].concat();
        let answer = curl(&lambda, &options);
        let answer = String::from_utf8_lossy(&answer);
        let (body, end) = answer.rsplit_once('\n').expect("the status");
        let (status, content_type) = end.split_once(' ').expect("a type");
        assert!(status.starts_with(['4', '5']), "{case:?}: {answer}");
        assert_eq!(content_type, "application/json", "{status}");
        let value: Result<serde_json::Value, _> = serde_json::from_str(body);
        assert!(value.is_ok_and(|value| value.is_object()), "{answer}");
    }
}

/// A page of another origin runs nothing.
#[test]
fn request_of_a_foreign_origin_is_forbidden() {
    if !skip::has("curl") {
        return;
    }
    let lambda = Lambda::start(&[]);
    for header in [
        "Origin: https://attacker.example",
        "Origin: null",
        "Sec-Fetch-Site: cross-site",
        "Host: attacker.example",
    ] {
        let options = [
            "--header",
            header,
            "--data",
            "{}",
            "--write-out",
            "\n%{http_code}",
        ];
        let answer = curl(&lambda, &options);
        let answer = String::from_utf8_lossy(&answer);
        let (body, status) = answer.rsplit_once('\n').expect("the status");
        assert_eq!(status, "403", "{header}");
        let value: Result<serde_json::Value, _> = serde_json::from_str(body);
        assert!(
            value.is_ok_and(|value| value.is_object()),
            "{header}: {body}"
        );
    }
    assert_eq!(curl(&lambda, &["--data", "5"]), b"5");
    assert_eq!(lambda.count("START RequestId: "), 1);
}
