//! The log of one environment: its records and the output of its processes, in one order.

use super::splitter::LineSplitter;
use super::tail::Tail;
use super::{LogFormat, Record, Source, write};

/// A log. What its methods append to `out` is for stderr, and always whole lines.
pub struct EnvironmentLog {
    source: Source,
    format: LogFormat,
    /// The function's own format, which the tail has in any case.
    tail_format: LogFormat,
    splitter: LineSplitter,
    /// The ids of the events between START and REPORT.
    running: Vec<String>,
    tail: Tail,
    /// The tail ends with a REPORT: the next record begins another.
    is_tail_complete: bool,
}

impl EnvironmentLog {
    /// An empty log. `has_telemetry` is `--json`.
    pub fn new(source: Source, function_format: LogFormat, has_telemetry: bool) -> EnvironmentLog {
        EnvironmentLog {
            source,
            format: match has_telemetry {
                true => function_format.telemetry(),
                false => function_format,
            },
            tail_format: function_format,
            splitter: LineSplitter::default(),
            running: Vec::new(),
            tail: Tail::default(),
            is_tail_complete: false,
        }
    }

    /// Appends a record. The end of an event also ends a line that its function has left open.
    pub fn record(&mut self, record: &Record, now_ms: u64, out: &mut Vec<u8>) {
        match record {
            Record::Start { id, .. } => {
                self.end_line(now_ms, out);
                if self.running.is_empty() {
                    self.tail.clear(); // the lines of the init before it are not in the tail
                }
                self.running.push(id.to_string());
            }
            Record::Function { .. } => {}
            _ => self.end_line(now_ms, out),
        }
        self.append(record, now_ms, out);
        if let Record::Report { id, .. } = record {
            self.running.retain(|running| running != id);
            self.is_tail_complete = self.running.is_empty();
        }
    }

    /// Appends the lines that are complete with these bytes of stdout or stderr.
    pub fn function_output(&mut self, bytes: &[u8], now_ms: u64, out: &mut Vec<u8>) {
        let mut splitter = std::mem::take(&mut self.splitter);
        splitter.push(bytes, |line| self.append_line(line, now_ms, out));
        self.splitter = splitter;
    }

    /// Appends the line that is not complete, when the process has ended.
    pub fn end_line(&mut self, now_ms: u64, out: &mut Vec<u8>) {
        let mut splitter = std::mem::take(&mut self.splitter);
        splitter.flush(|line| self.append_line(line, now_ms, out));
        self.splitter = splitter;
    }

    /// The last 4 KiB up to the latest REPORT, from the START before it.
    pub fn tail(&self) -> &[u8] {
        self.tail.bytes()
    }

    fn append_line(&mut self, line: &[u8], now_ms: u64, out: &mut Vec<u8>) {
        // With several events at once it is unknown which of them has written it.
        let running = std::mem::take(&mut self.running);
        let id = match running.as_slice() {
            [id] => Some(id.as_str()),
            _ => None,
        };
        self.append(&Record::Function { id, line }, now_ms, out);
        self.running = running;
    }

    fn append(&mut self, record: &Record, now_ms: u64, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.is_tail_complete) {
            self.tail.clear();
        }
        let start = out.len();
        write(record, &self.source, self.format, now_ms, out);
        if self.tail_format == self.format {
            return self.tail.push(&out[start..]);
        }
        let mut own = Vec::new();
        write(record, &self.source, self.tail_format, now_ms, &mut own);
        self.tail.push(&own);
    }
}
