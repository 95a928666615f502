//! Tests of log records that need no process; the others are in `tests/runtime/records.rs`.

use super::*;

#[test]
fn timestamp_is_iso_8601() {
    for (now_ms, wanted) in [
        (0, "1970-01-01T00:00:00.000"),
        (951_782_399_999, "2000-02-28T23:59:59.999"),
        (951_782_400_000, "2000-02-29T00:00:00.000"),
        (951_868_800_000, "2000-03-01T00:00:00.000"),
        (1_709_164_800_000, "2024-02-29T00:00:00.000"),
        (1_735_689_599_999, "2024-12-31T23:59:59.999"),
        (1_735_689_600_000, "2025-01-01T00:00:00.000"),
        (1_795_421_234_567, "2026-11-23T08:07:14.567"),
        (4_107_542_400_001, "2100-03-01T00:00:00.001"),
    ] {
        let text = timestamp(now_ms);
        assert_eq!(core::str::from_utf8(&text), Ok(wanted), "{now_ms}");
    }
}

#[test]
fn log_macros_accept_format_arguments() {
    let name = "macro";
    crate::trace!("left out: {}", 1);
    crate::debug!("left out: {name}");
    let nothing: &dyn Fn() = &|| crate::info!("{name} {} {:?}", 1, "two");
    let _ = nothing; // not called: the record would be in the test's output
    assert!(Level::Warn < Level::Error && Level::Fatal.name() == b"FATAL");
}
