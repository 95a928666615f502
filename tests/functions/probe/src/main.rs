//! A function for the tests: follows the commands in the event, also misuse of the library.
#![no_std]
#![no_main]

use core::ffi::CStr;

use tinderbox::{Failure, Invocation, Level, Response};

type Handler = fn(&Invocation, &mut Response) -> Result<(), Failure>;

fn init() -> Result<Handler, Failure> {
    match environment(c"PROBE_INIT") {
        Some(b"fail") => Err(Failure::new("Function.ProbeInit", "probe init failed")),
        Some(b"panic") => panic!("probe panicked at init"),
        // SAFETY: it does not return.
        Some(b"exit") => unsafe { libc::_exit(9) },
        Some(b"log") => {
            tinderbox::info!("at init");
            Ok(handle)
        }
        Some(b"long") => Err(Failure::new("Function.ProbeInit", LONG)),
        Some(how @ (b"hooks" | b"slow")) => {
            tinderbox::before_snapshot(|| match environment(c"PROBE_SNAPSHOT") {
                Some(b"fail") => Err(Failure::new("Function.ProbeSnapshot", "not ready")),
                Some(b"panic") => panic!("probe panicked before the snapshot"),
                _ => print(b"before\n"),
            });
            tinderbox::after_restore(|| match environment(c"PROBE_RESTORE") {
                Some(b"fail") => Err(Failure::new("Function.ProbeRestore", "not restored")),
                Some(b"panic") => panic!("probe panicked when restored"),
                _ => print(b"after\n"),
            });
            tinderbox::on_shutdown(|| {
                let _ = print(b"shutdown\n");
            });
            if how == b"slow" {
                print(b"at init\n")?;
                // SAFETY: no memory is involved.
                unsafe { libc::usleep(500_000) };
            }
            Ok(handle)
        }
        _ => Ok(handle),
    }
}

/// More than one write to a socket takes.
const LONG: &str = match str::from_utf8(&[b'L'; 100_000]) {
    Ok(text) => text,
    Err(_) => "",
};

/// Prints a text on standard output.
fn print(text: &[u8]) -> Result<(), Failure> {
    // SAFETY: valid for the length given.
    unsafe { libc::write(1, text.as_ptr().cast(), text.len()) };
    Ok(())
}

fn handle(invocation: &Invocation, response: &mut Response) -> Result<(), Failure> {
    let event = invocation.event();
    let (verb, rest) = match event.iter().position(|byte| matches!(byte, b' ' | b':')) {
        Some(end) => (&event[..end], &event[end + 1..]),
        None => (event, &event[event.len()..]),
    };
    match verb {
        b"fail" => Err(Failure::new("Function.Probe", "probe failed")),
        b"\"repeat" => {
            response.write(b"\"")?;
            repeat(rest, |piece| response.write(piece))?;
            response.write(b"\"")
        }
        b"\"fail" => {
            let mut text = [0; 160 * 1024];
            let mut end = 0;
            repeat(rest, |piece| {
                text[end..end + piece.len()].copy_from_slice(piece);
                end += piece.len();
                Ok(())
            })?;
            Err(response.fail("Function.Probe", &[&text[..end]]))
        }
        b"fail-bytes" => Err(response.fail("Function.Probe", &[rest])),
        b"fail-write" => {
            let failure = response.fail("Function.Probe", &[rest]);
            response.write(b"written after the failure was made")?;
            response.content_type("text/html")?;
            Err(failure)
        }
        b"fail-drop" => {
            let _ = response.fail("Function.Probe", &[b"made and not returned"]);
            response.write(rest)
        }
        b"fail-parts" => {
            let mut parts: [&[u8]; 64] = [b""; 64];
            for part in &mut parts[..number(rest)] {
                *part = &ZEROS[..160 * 1024];
            }
            Err(response.fail("Function.Probe", &parts))
        }
        b"panic-format" => panic!("before {}", PanicsWhenFormatted(number(rest))),
        b"panic" => response.write(&event[event.len() + rest.len()..][1..]),
        b"big" => big(number(rest), response),
        b"context" => context(invocation, response),
        b"pid" => {
            let mut digits = [0; 20];
            // SAFETY: no memory is involved.
            let mut pid = unsafe { libc::getpid() };
            let mut first = digits.len();
            while pid > 0 {
                first -= 1;
                digits[first] = b'0' + (pid % 10) as u8;
                pid /= 10;
            }
            response.write(&digits[first..])
        }
        b"env" => response.write(environment(c"_X_AMZN_TRACE_ID").unwrap_or(b"unset")),
        b"type" => {
            response.content_type(str::from_utf8(rest).unwrap_or_default())?;
            response.write(b"typed")
        }
        b"getenv" => {
            let name = CStr::from_bytes_until_nul(rest).unwrap_or_default();
            response.write(environment(name).unwrap_or(b"unset"))
        }
        b"log" => {
            tinderbox::log(Level::Info, rest);
            response.write(b"logged")
        }
        b"log-big" => {
            tinderbox::log(Level::Warn, &ZEROS[..number(rest)]);
            response.write(b"logged")
        }
        b"levels" => {
            for number in 0..number(rest) {
                tinderbox::trace!("line {number} of {}", "trace");
                tinderbox::debug!("line {number} of {}", "debug");
                tinderbox::info!("line {number} of {}", "info");
                tinderbox::warn!("line {number} of {}", "warn");
                tinderbox::error!("line {number} of {}", "error");
                tinderbox::fatal!("line {number} of {}", "fatal");
            }
            response.write(b"logged")
        }
        b"stream" => stream(rest, response),
        b"sleep" => {
            // SAFETY: no memory is involved.
            unsafe { libc::usleep(number(rest) as u32 * 1000) };
            response.write(event)
        }
        b"close" => {
            // SAFETY: no memory is involved.
            unsafe { libc::close(number(rest) as i32) };
            response.write(b"closed")
        }
        // SAFETY: neither returns.
        b"exit" => unsafe { libc::_exit(number(rest) as i32) },
        b"crash" => unsafe { libc::abort() },
        b"kill" => {
            // SAFETY: no memory is involved.
            unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
            response.write(b"still here")
        }
        _ => response.write(event),
    }
}

/// Panics when it is formatted, with a message that does so as often as it says.
struct PanicsWhenFormatted(usize);

impl core::fmt::Display for PanicsWhenFormatted {
    fn fmt(&self, _: &mut core::fmt::Formatter) -> core::fmt::Result {
        match self.0 {
            0 => panic!("within a message"),
            depth => panic!("within {}", PanicsWhenFormatted(depth - 1)),
        }
    }
}

static ZEROS: [u8; 2 * 1024 * 1024] = [0; _];

fn big(bytes: usize, response: &mut Response) -> Result<(), Failure> {
    for _ in 0..bytes / 64 {
        response.write(&[b'x'; 64])?;
    }
    response.write(&[b'x'; 64][..bytes % 64])
}

/// Writes a text repeatedly, up to SIZE bytes: `SIZE TEXT"`.
fn repeat(words: &[u8], mut take: impl FnMut(&[u8]) -> Result<(), Failure>) -> Result<(), Failure> {
    let mut words = words.splitn(2, |&byte| byte == b' ');
    let mut left = number(words.next().unwrap_or_default());
    let text = words.next().unwrap_or_default();
    let text = &text[..text.len() - 1];
    while left > 0 {
        let piece = &text[..text.len().min(left)];
        take(piece)?;
        left -= piece.len();
    }
    Ok(())
}

/// Words, one after the other: `SIZE` or `SIZExCOUNT` writes SIZE bytes (COUNT times), `http`
/// begins with a prelude, `huge` with one that is too long, `late` writes too early, `pause MS`
/// waits, `almost` makes a failure and goes on; the others do what their names mean.
fn stream(words: &[u8], response: &mut Response) -> Result<(), Failure> {
    let all = words;
    let mut words = words.split(|&byte| byte == b' ').peekable();
    if words.next_if_eq(b"late").is_some() {
        response.write(b"early")?;
    }
    if words.next_if_eq(b"http").is_some() {
        let headers = [("X-One", "1 \"quoted\""), ("X-Two", "\u{e9}\0")];
        response.stream_http(201, &headers, &["a=b; Path=/", "c=d"])?;
    } else if words.next_if_eq(b"huge").is_some() {
        let text = str::from_utf8(&ZEROS).unwrap_or_default();
        response.stream_http(200, &[("X-Huge", text)], &[])?;
    } else {
        response.stream("text/event-stream")?;
    }
    while let Some(word) = words.next() {
        match word {
            b"" => {}
            b"empty" => response.write(b"")?,
            b"words" => response.write(all)?,
            b"fail" => return Err(Failure::new("Function.Mid", "failed \"mid\" stream")),
            b"fail-long" => return Err(response.fail("Function.Long", &[&ZEROS[..9999], b"\n"])),
            b"almost" => {
                let _ = response.fail("Function.Almost", &[b"made and not returned"]);
            }
            b"type" => response.content_type("text/html")?,
            b"forget" => response.clear(),
            b"panic" => panic!("panicked within a stream"),
            // SAFETY: it does not return.
            b"exit" => unsafe { libc::_exit(9) },
            b"pause" => {
                let ms = number(words.next().unwrap_or_default());
                // SAFETY: no memory is involved.
                unsafe { libc::usleep(ms as u32 * 1000) };
            }
            _ => {
                let (size, times) = match word.iter().position(|&byte| byte == b'x') {
                    Some(at) => (number(&word[..at]), number(&word[at + 1..])),
                    None => (number(word), 1),
                };
                for _ in 0..times {
                    response.write(&ZEROS[..size])?;
                }
            }
        }
    }
    Ok(())
}

fn context(invocation: &Invocation, response: &mut Response) -> Result<(), Failure> {
    let deadline = invocation.header(b"lambda-runtime-deadline-ms");
    let headers: [(&str, Option<&[u8]>); 8] = [
        ("request-id", Some(invocation.request_id())),
        (
            "deadline-ms",
            deadline.filter(|_| invocation.deadline_ms().is_some()),
        ),
        ("function-arn", invocation.function_arn()),
        ("trace-id", invocation.trace_id()),
        ("client-context", invocation.client_context()),
        ("cognito-identity", invocation.cognito_identity()),
        ("tenant-id", invocation.tenant_id()),
        ("invocation-id", invocation.invocation_id()),
    ];
    for (name, value) in headers {
        if let Some(value) = value {
            for part in [name.as_bytes(), b"=", value, b"\n"] {
                response.write(part)?;
            }
        }
    }
    Ok(())
}

fn number(text: &[u8]) -> usize {
    text.iter()
        .fold(0, |number, digit| number * 10 + usize::from(digit - b'0'))
}

fn environment(name: &CStr) -> Option<&'static [u8]> {
    // SAFETY: the value is read before the environment is changed.
    unsafe {
        let value = libc::getenv(name.as_ptr());
        (!value.is_null()).then(|| CStr::from_ptr(value).to_bytes())
    }
}

tinderbox::main!(init = init);
