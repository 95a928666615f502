//! What pages log: each line once, in both formats of the log.

use super::{Php, with_each};

/// A page that logs in every way.
const PAGE: &str = r#"<?php
$n = $_GET['n'];
error_log("called $n");
file_put_contents('php://stderr', "written $n\n");
trigger_error("triggered $n", E_USER_WARNING);
error_log(str_repeat('long ', 2000) . "end $n");
error_log("two\nlines $n");
echo $undefined ?? "done $n";
"#;

const FILES: [(&str, &str); 1] = [("public/index.php", PAGE)];

/// What a line of the page says, and how often it is there.
fn assert_each_once(php: Php, log: &str, rounds: usize) {
    for number in 0..rounds {
        for text in ["called", "written", "triggered", "end", "lines"] {
            let wanted = format!("{text} {number}#");
            let times = log.matches(&wanted).count();
            assert_eq!(times, 1, "{php:?} {wanted}: {log}");
        }
    }
    assert!(!log.contains("into stderr"), "{php:?}");
}

#[test]
fn line_of_a_page_is_logged_once() {
    with_each(&FILES, &[], |php, site| {
        for number in 0..50 {
            let answer = site.get(&format!("/?n={number}%23"));
            assert_eq!(answer.text(), format!("done {number}#"));
        }
        site.process().until_logged("lines 49#");
        let log = site.process().stderr();
        assert_each_once(php, &log, 50);
        let lines: Vec<&str> = log.lines().collect();
        assert!(
            lines.contains(&"PHP message: called 7#") || lines.contains(&"called 7#"),
            "{log}"
        );
        assert!(lines.contains(&"written 7#"), "{log}");
        assert!(lines.contains(&"lines 7#"), "{log}");
        let long = lines.iter().find(|line| line.ends_with("end 7#"));
        assert!(
            long.is_some_and(|line| line.contains(&"long ".repeat(2000))),
            "{php:?}"
        );
    });
}

#[test]
fn line_of_a_page_is_a_record_in_the_json_format() {
    let json = [("AWS_LAMBDA_LOG_FORMAT", "JSON")];
    with_each(&FILES, &json, |php, site| {
        for number in 0..20 {
            site.get(&format!("/?n={number}%23"));
        }
        site.process().until_logged("lines 19#");
        let log = site.process().stderr();
        assert_each_once(php, &log, 20);
        for line in log.lines().filter(|line| line.contains("7#")) {
            let record: serde_json::Value = serde_json::from_str(line).expect(line);
            assert!(record["message"].is_string(), "{line}");
        }
    });
}
