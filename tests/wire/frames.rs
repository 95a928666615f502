//! Lines of the frame protocol.

use tinderbox::wire::frame::{WorkerMessage, parse_line};

use crate::{count, for_each_seed};

/// The number of the current event.
const SEQUENCE: usize = 17;

/// Lines and their messages; none: the line is malformed.
const LINES: &[(&str, &str)] = &[
    ("ready", "ready"),
    ("ready restore", "ready restore"),
    ("ready restore ", ""),
    ("ready  restore", ""),
    ("ready restored", ""),
    ("ready ", ""),
    ("ready 17", ""),
    ("Ready", ""),
    ("", ""),
    (" ", ""),
    (" ready", ""),
    (
        "init-error 12 Runtime.ImportError",
        "init-error 12 Runtime.ImportError",
    ),
    ("init-error 0 T", "init-error 0 T"),
    ("init-error 12", ""),
    ("init-error 12 ", ""),
    ("init-error 12 A B", ""),
    ("init-error  T", ""),
    ("init-error -1 T", ""),
    ("ok 17 0", "ok 0 "),
    ("ok 17 6291556", "ok 6291556 "),
    ("ok 17 5 text/html", "ok 5 text/html"),
    (
        "ok 17 5 text/html; charset=utf-8",
        "ok 5 text/html; charset=utf-8",
    ),
    ("ok 17 5 ", ""),
    ("ok 17", ""),
    ("ok 17 ", ""),
    ("ok 18 5", ""),
    ("ok 1 5", ""),
    ("ok 017 5", ""),
    ("ok +17 5", ""),
    ("ok 17 five", ""),
    ("ok 17 5\r", ""),
    ("ok  17 5", ""),
    ("ok 17  5", ""),
    ("ok\t17 5", ""),
    ("OK 17 5", ""),
    ("ok 17 18446744073709551615", "ok 18446744073709551615 "),
    ("ok 17 18446744073709551616", ""),
    ("ok 18446744073709551633 5", ""),
    ("error 17 30 TypeError", "error 30 TypeError"),
    ("error 17 30 Type\u{e9}", ""),
    ("error 17 30", ""),
    (
        "fatal 17 30 Runtime.ExitError",
        "fatal 30 Runtime.ExitError",
    ),
    ("fatal 30 Runtime.ExitError", ""),
    ("stream 17", "stream "),
    ("stream 17 text/plain", "stream text/plain"),
    ("stream 17 ", ""),
    ("stream", ""),
    ("chunk 17 5", "chunk 5"),
    ("chunk 17 5 x", ""),
    ("chunk 17", ""),
    ("end 17", "end"),
    ("end 17 ", ""),
    ("end 17 0", ""),
    ("end", ""),
    ("HTTP/1.1 200 OK", ""),
];

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn ours(line: &[u8]) -> String {
    match parse_line(line, SEQUENCE) {
        None => String::new(),
        Some(WorkerMessage::Ready) => "ready".into(),
        Some(WorkerMessage::ReadyToRestore) => "ready restore".into(),
        Some(WorkerMessage::InitError(bytes, name)) => format!("init-error {bytes} {}", text(name)),
        Some(WorkerMessage::Ok(bytes, kind)) => format!("ok {bytes} {}", text(kind)),
        Some(WorkerMessage::Error(bytes, name)) => format!("error {bytes} {}", text(name)),
        Some(WorkerMessage::Fatal(bytes, name)) => format!("fatal {bytes} {}", text(name)),
        Some(WorkerMessage::Stream(kind)) => format!("stream {}", text(kind)),
        Some(WorkerMessage::Chunk(bytes)) => format!("chunk {bytes}"),
        Some(WorkerMessage::End) => "end".into(),
    }
}

/// The same by another technique: all fields at once, by std.
fn naive(line: &[u8]) -> String {
    let length = |field: &[u8]| {
        let digits = !field.is_empty() && field.iter().all(u8::is_ascii_digit);
        let number = String::from_utf8_lossy(field).parse::<u64>().ok();
        number.filter(|_| digits)
    };
    let is_type = |field: &[u8]| {
        (1..=128).contains(&field.len()) && field.iter().all(|byte| (b'!'..=b'~').contains(byte))
    };
    let is_ours = |field: &[u8]| field == SEQUENCE.to_string().as_bytes();
    let fields: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    let rest = |from: usize| text(&fields[from..].join(&b' '));
    match *fields.as_slice() {
        [b"ready"] => "ready".into(),
        [b"ready", b"restore"] => "ready restore".into(),
        [b"init-error", bytes, name] if length(bytes).is_some() && is_type(name) => {
            format!("init-error {} {}", length(bytes).unwrap_or(0), text(name))
        }
        [verb @ (b"error" | b"fatal"), number, bytes, name]
            if is_ours(number) && length(bytes).is_some() && is_type(name) =>
        {
            let bytes = length(bytes).unwrap_or(0);
            format!("{} {bytes} {}", text(verb), text(name))
        }
        [b"ok", number, bytes] if is_ours(number) && length(bytes).is_some() => {
            format!("ok {} ", length(bytes).unwrap_or(0))
        }
        [b"ok", number, bytes, ref kind @ ..]
            if is_ours(number) && length(bytes).is_some() && kind != [b""] =>
        {
            format!("ok {} {}", length(bytes).unwrap_or(0), rest(3))
        }
        [b"stream", number] if is_ours(number) => "stream ".into(),
        [b"stream", number, ref kind @ ..] if is_ours(number) && kind != [b""] => {
            format!("stream {}", rest(2))
        }
        [b"chunk", number, bytes] if is_ours(number) && length(bytes).is_some() => {
            format!("chunk {}", length(bytes).unwrap_or(0))
        }
        [b"end", number] if is_ours(number) => "end".into(),
        _ => String::new(),
    }
}

fn agree(line: &[u8]) -> String {
    let message = ours(line);
    assert_eq!(message, naive(line), "of {:?}", text(line));
    message
}

#[test]
fn frame_corpus_has_its_messages() {
    for (line, expected) in LINES {
        assert_eq!(agree(line.as_bytes()), *expected, "{line:?}");
        for cut in 0..=line.len() {
            agree(&line.as_bytes()[..cut]);
        }
    }
    for bytes in [1, 128, 129] {
        let line = format!("error 17 2 {}", "x".repeat(bytes));
        assert_eq!(agree(line.as_bytes()).is_empty(), bytes > 128, "{bytes}");
    }
}

#[test]
fn frame_mutations_agree_with_naive_parser() {
    let total = count(400_000);
    let mut right = 0;
    let test = "frame_mutations_agree_with_naive_parser";
    let all = for_each_seed(test, total, |random| {
        let (line, _) = LINES[random.below(LINES.len())];
        let mut line = line.as_bytes().to_vec();
        for _ in 0..1 + random.below(2) {
            const BYTES: &[u8] = b" 0179aokT-/;\r\t\x00\xff";
            let at = random.below(line.len() + 1);
            match random.below(4) {
                0 => line.insert(at, BYTES[random.below(BYTES.len())]),
                1 if at < line.len() => line[at] = BYTES[random.below(BYTES.len())],
                2 if at < line.len() => drop(line.remove(at)),
                _ => line.truncate(at.max(line.len().saturating_sub(2))),
            }
        }
        right += usize::from(!agree(&line).is_empty());
    });
    assert!(
        !all || right * 10 > total || cfg!(miri),
        "{right} of {total} are messages"
    );
}
