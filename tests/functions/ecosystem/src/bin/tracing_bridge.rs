//! Events of the package `tracing`, as records of the function.

use std::io::{self, Write};
use tinderbox::{Invocation, Level, Response};
use tracing_subscriber::fmt::MakeWriter;

struct Bridge;

/// Writes one record.
struct Record(Level);

impl MakeWriter<'_> for Bridge {
    type Writer = Record;

    fn make_writer(&self) -> Record {
        Record(Level::Info)
    }

    fn make_writer_for(&self, event: &tracing::Metadata) -> Record {
        Record(match *event.level() {
            tracing::Level::ERROR => Level::Error,
            tracing::Level::WARN => Level::Warn,
            tracing::Level::INFO => Level::Info,
            tracing::Level::DEBUG => Level::Debug,
            tracing::Level::TRACE => Level::Trace,
        })
    }
}

impl Write for Record {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        tinderbox::log(self.0, bytes.trim_ascii_end());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Time and level are in the record already; AWS_LAMBDA_LOG_LEVEL decides what is logged.
fn install() {
    let subscriber = tracing_subscriber::fmt()
        .with_writer(Bridge)
        .with_ansi(false);
    let subscriber = subscriber.with_max_level(tracing::Level::TRACE);
    subscriber.without_time().with_level(false).init();
}

fn main() {
    tinderbox::run_with(|| {
        install();
        Ok(|invocation: &Invocation, response: &mut Response| {
            tracing::info!(bytes = invocation.event().len(), "an event");
            response.write(invocation.event())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// Run by the test below, in a process with other settings.
    #[test]
    #[ignore = "run by the test of the bridge"]
    fn events_for_the_bridge_are_logged() {
        install();
        tracing::error!("one {}", 1);
        let span = tracing::info_span!("order", id = 7);
        span.in_scope(|| tracing::warn!(reason = "late", "two"));
        tracing::info!("three");
        tracing::debug!("four\nlines");
        tracing::trace!("five");
    }

    #[test]
    fn records_have_the_level_and_the_fields_of_the_event() {
        let mut command = Command::new(std::env::current_exe().expect("its path"));
        command.args([
            "--exact",
            "tests::events_for_the_bridge_are_logged",
            "--ignored",
        ]);
        command.env("AWS_LAMBDA_LOG_FORMAT", "JSON");
        command.env("AWS_LAMBDA_LOG_LEVEL", "DEBUG");
        let output = command.output().expect("run this test");
        let log = String::from_utf8_lossy(&output.stderr);
        let records = log.lines().map(|line| {
            let record: serde_json::Value = serde_json::from_str(line).expect("JSON");
            [record["level"].clone(), record["message"].clone()]
        });
        let target = "tracing_bridge::tests";
        let expected = [
            ["ERROR", &format!("{target}: one 1")],
            [
                "WARN",
                &format!("order{{id=7}}: {target}: two reason=\"late\""),
            ],
            ["INFO", &format!("{target}: three")],
            ["DEBUG", &format!("{target}: four\nlines")],
        ];
        assert_eq!(records.collect::<Vec<_>>(), expected, "{log}");
    }
}
