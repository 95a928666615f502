//! Events that arrive while the bootstrap exits. The race lasts as long as the tool takes to write
//! its START line, so a test that does not read the tool's stderr can prolong it.

use std::io::{BufRead, BufReader, PipeReader, PipeWriter, Read, Write};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::fake_runtime::NEXT;
use crate::harness::{self, call, wait_until};
use crate::support::{TempDir, proc, sys};
use crate::wire::Wire;

/// A child that does not outlive the test.
struct KilledOnDrop(Child);

impl Drop for KilledOnDrop {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A tool whose stderr is a pipe, which the test can fill.
struct BlockedStderr {
    child: KilledOnDrop,
    mark: String,
    stderr: BufReader<PipeReader>,
    writer: PipeWriter,
    _folder: TempDir,
}

impl BlockedStderr {
    fn start(name: &str, options: &[&str]) -> BlockedStderr {
        let folder = TempDir::new();
        let bootstrap = folder.executable("bootstrap", b"#!/bin/sh\nexec sleep 60\n");
        let mark = format!("TOOL_TEST_MARK={}-{name}", std::process::id());
        let mut arguments = vec!["run", bootstrap.to_str().expect("UTF-8")];
        arguments.extend(["--init-timeout", "30", "--timeout", "30", "--env", &mark]);
        arguments.extend(options);
        let (reader, writer) = std::io::pipe().expect("a pipe");
        let mut command = harness::command(&arguments);
        command.stderr(writer.try_clone().expect("a descriptor"));
        BlockedStderr {
            child: KilledOnDrop(crate::support::spawn(command.stdin(Stdio::null()))),
            mark,
            stderr: BufReader::new(reader),
            writer,
            _folder: folder,
        }
    }

    /// The number after this text in a line of stderr.
    fn port(line: &str, text: &str) -> u16 {
        let rest = line.split(text).nth(1).expect("an address");
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().expect("a port")
    }

    /// Fills the pipe, so that every write to it blocks; the thread ends with the reader.
    fn fill(&self) {
        let mut writer = self.writer.try_clone().expect("a descriptor");
        let count = Arc::new(AtomicUsize::new(0));
        let counted = count.clone();
        thread::spawn(move || {
            while writer.write_all(&[b'.'; 512]).is_ok() {
                counted.fetch_add(1, Ordering::Relaxed);
            }
        });
        let mut last = usize::MAX;
        wait_until("a full pipe", || {
            thread::sleep(Duration::from_millis(100));
            let is_still = count.load(Ordering::Relaxed) == last;
            last = count.load(Ordering::Relaxed);
            is_still
        });
    }

    fn bootstrap(&self) -> Option<u32> {
        let mut pids = proc::pids().into_iter();
        pids.find(|&pid| proc::has_mark(pid, &self.mark))
    }

    /// Reads everything from here on, until the tool has exited.
    fn drain(self) -> KilledOnDrop {
        let BlockedStderr {
            child,
            mut stderr,
            writer,
            ..
        } = self;
        drop(writer);
        thread::spawn(move || {
            let mut bytes = [0; 64 * 1024];
            while stderr.read(&mut bytes).is_ok_and(|count| count > 0) {}
        });
        child
    }
}

#[test]
fn event_at_the_exit_of_an_idle_bootstrap_fails() {
    for concurrency in ["", "--concurrency=1"] {
        let ports = ["--port=0", "--any-runtime", concurrency];
        let options: Vec<&str> = ports.into_iter().filter(|o| !o.is_empty()).collect();
        let mut tool = BlockedStderr::start(&format!("tool{concurrency}"), &options);
        let mut line = String::new();
        tool.stderr.read_line(&mut line).expect("the first line");
        let port = BlockedStderr::port(&line, "Invoke API 127.0.0.1:");
        let mut runtime = Wire::connect(BlockedStderr::port(&line, "Runtime API 127.0.0.1:"));
        runtime.get(NEXT);
        assert!(runtime.is_silent());
        tool.fill();
        let url = format!("http://127.0.0.1:{port}/2015-03-31/functions/function/invocations");
        let invoke = || call(minreq::post(&url).with_body("1"));
        let caller = invoke();
        thread::sleep(Duration::from_millis(300)); // its START line is being written
        sys::kill(tool.bootstrap().expect("the bootstrap"), sys::SIGKILL);
        wait_until("the bootstrap's exit", || tool.bootstrap().is_none());
        drop(runtime);
        thread::sleep(Duration::from_millis(700)); // longer than the tool waits for last requests
        let mut child = tool.drain();
        let reply = caller.reply();
        let text = reply.as_str().expect("text");
        assert!(text.contains("Runtime.ExitError"), "{concurrency}: {text}");
        sys::kill(child.0.id(), sys::SIGTERM);
        assert_eq!(harness::wait(&mut child.0).code(), Some(0));
    }
}
