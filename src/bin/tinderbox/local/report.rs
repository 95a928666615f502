//! START, END and REPORT lines, as Lambda writes them to the log; here to stderr.

use std::time::Duration;

use super::clock;
use super::environment::End;
use super::invocation::{TIMED_OUT, timed_out_text};
use crate::message::line;

/// An event is handed over.
pub fn start(id: &str) {
    line(&format!("START RequestId: {id} Version: $LATEST"));
}

/// A snapshot was taken, and restored.
pub fn restored(init: Duration) {
    let init = milliseconds(init);
    line(&format!(
        "INIT_REPORT Init Duration: {init}\tPhase: init\tStatus: snapshot"
    ));
}

/// Its time was up.
pub fn timed_out(id: &str, timeout: Duration) {
    line(&format!(
        "{} {id} {}",
        clock::timestamp(),
        timed_out_text(timeout)
    ));
}

/// The function is done with it.
pub fn end(id: &str, end: &End, memory_mb: u32, error_type: Option<&str>) {
    line(&format!("END RequestId: {id}"));
    let billed = (end.duration + end.init.unwrap_or_default()).as_secs_f64() * 1000.0;
    let mut report = format!(
        "REPORT RequestId: {id}\tDuration: {}\tBilled Duration: {} ms\tMemory Size: {memory_mb} MB",
        milliseconds(end.duration),
        billed.ceil(),
    );
    if let Some(kib) = end.peak_kib {
        report += &format!("\tMax Memory Used: {} MB", kib.div_ceil(1024));
    }
    if let Some(init) = end.init {
        report += &format!("\tInit Duration: {}", milliseconds(init));
    }
    if let Some(restore) = end.restore {
        report += &format!("\tRestore Duration: {}", milliseconds(restore));
    }
    match error_type {
        Some(TIMED_OUT) => report += "\tStatus: timeout",
        Some(error_type) => report += &format!("\tStatus: error\tError Type: {error_type}"),
        None => {}
    }
    line(&report);
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1000.0)
}
