//! START, END and REPORT lines, as Lambda writes them to the log; here to stderr.

use std::time::Duration;

use super::environment::End;
use super::outcome::{TIMED_OUT, timed_out_text};
use crate::clock;
use crate::output::stderr_line;

/// An event is about to be delivered.
pub fn start(id: &str) {
    stderr_line(&format!("START RequestId: {id} Version: $LATEST"));
}

/// A snapshot was taken and restored.
pub fn restored(init: Duration) {
    let init = milliseconds(init);
    stderr_line(&format!(
        "INIT_REPORT Init Duration: {init}\tPhase: init\tStatus: snapshot"
    ));
}

/// The function timed out.
pub fn timed_out(id: &str, timeout: Duration) {
    stderr_line(&format!(
        "{} {id} {}",
        clock::timestamp(),
        timed_out_text(timeout)
    ));
}

/// The function has finished the event.
pub fn end(id: &str, end: &End, memory_mb: u32, error_type: Option<&str>) {
    stderr_line(&format!("END RequestId: {id}"));
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
        Some(error_type) => {
            report += &format!(
                "\tStatus: error\tError Type: {}",
                error_type.replace('\t', " ")
            )
        }
        None => {}
    }
    stderr_line(&report);
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1000.0)
}
