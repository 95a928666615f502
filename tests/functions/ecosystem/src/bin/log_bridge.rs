//! Records of the package `log`, as records of the function.

use log::{LevelFilter, Log, Metadata, Record};
use tinderbox::{Invocation, Level, Response};

struct Bridge;

impl Log for Bridge {
    fn enabled(&self, _: &Metadata) -> bool {
        true // AWS_LAMBDA_LOG_LEVEL decides
    }

    fn log(&self, record: &Record) {
        let level = match record.level() {
            log::Level::Error => Level::Error,
            log::Level::Warn => Level::Warn,
            log::Level::Info => Level::Info,
            log::Level::Debug => Level::Debug,
            log::Level::Trace => Level::Trace,
        };
        tinderbox::log(level, record.args().to_string().as_bytes());
    }

    fn flush(&self) {}
}

fn main() {
    tinderbox::run_with(|| {
        log::set_logger(&Bridge).map(|()| log::set_max_level(LevelFilter::Trace))?;
        Ok(|invocation: &Invocation, response: &mut Response| {
            log::info!("an event of {} bytes", invocation.event().len());
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
    fn records_for_the_bridge_are_logged() {
        log::set_logger(&Bridge).expect("the only logger");
        log::set_max_level(LevelFilter::Trace);
        log::error!("one {}", 1);
        log::warn!("two\n\"{}\"", 2);
        log::info!("three");
        log::debug!("four");
        log::trace!("five");
    }

    #[test]
    fn records_have_the_level_of_the_package() {
        let mut command = Command::new(std::env::current_exe().expect("its path"));
        command.args([
            "--exact",
            "tests::records_for_the_bridge_are_logged",
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
        let expected = [
            ["ERROR", "one 1"],
            ["WARN", "two\n\"2\""],
            ["INFO", "three"],
            ["DEBUG", "four"],
        ];
        assert_eq!(records.collect::<Vec<_>>(), expected, "{log}");
    }
}
