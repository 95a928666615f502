//! Tests of the invocation that a handler gets.

use super::*;
use std::format;
use std::string::ToString;

#[test]
fn header_name_case_is_ignored_and_empty_value_is_none() {
    let head = b"HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: id\r\n\
        lambda-runtime-trace-id:Root=1 \r\nLAMBDA-RUNTIME-AWS-TENANT-ID: t\r\n\
        Lambda-Runtime-Client-Context:\r\nLambda-Runtime-Cognito-Identity:  \r\n\
        Lambda-Runtime-Deadline-Ms: 1700000000000\r\nX-Other: \xff\r\n\r\n";
    let invocation = Invocation::new(head, b"event");
    assert_eq!(invocation.event(), b"event");
    assert_eq!(invocation.request_id(), b"id");
    assert_eq!(invocation.trace_id(), Some(&b"Root=1"[..]));
    assert_eq!(invocation.tenant_id(), Some(&b"t"[..]));
    assert_eq!(invocation.client_context(), None, "empty is absent");
    assert_eq!(invocation.cognito_identity(), None);
    assert_eq!(invocation.function_arn(), None);
    assert_eq!(invocation.invocation_id(), None);
    assert_eq!(invocation.deadline_ms(), Some(1_700_000_000_000));
    assert_eq!(invocation.header(b"x-other"), Some(&b"\xff"[..]));
}

#[test]
#[cfg_attr(miri, ignore = "reads the clock")]
fn remaining_ms_of_implausible_deadline_is_none() {
    let left = |deadline: &str| {
        let head = format!("HTTP/1.1 200 OK\r\nLambda-Runtime-Deadline-Ms: {deadline}\r\n\r\n");
        Invocation::new(head.as_bytes(), b"").remaining_ms()
    };
    let now = sys::now_ms();
    let minute = 60_000;
    assert!(left(&(now + minute).to_string()).is_some_and(|ms| (1..=minute).contains(&ms)));
    assert_eq!(left(&(now - minute).to_string()), Some(0), "it has passed");
    let day = DEADLINE_AHEAD_MS_MAX;
    assert!(left(&(now + day - minute).to_string()).is_some());
    for nonsense in [
        now + day + minute,
        now - DEADLINE_BEHIND_MS_MAX - minute,
        600_000,
        u64::MAX,
    ] {
        assert_eq!(left(&nonsense.to_string()), None, "{nonsense}");
    }
    for nonsense in ["", "soon", "-5", "99999999999999999999999"] {
        assert_eq!(left(nonsense), None, "{nonsense:?}");
    }
}
