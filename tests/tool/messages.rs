//! Failures of a bootstrap, a port or an address: one line with the cause, and the exit status.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::harness::{Finished, Server, run_once, run_tool};
use crate::support::TempDir;

/// Asserts that nothing was started: this one line, and exit status 2.
fn assert_refused(run: &Finished, text: &str) {
    assert_eq!((run.code, run.text().as_str()), (2, ""), "{}", run.stderr);
    assert_eq!(run.stderr, format!("tinderbox: {text}\n"));
}

fn assert_bootstrap_refused(path: &Path, text: &str) {
    assert_refused(&run_once(path, "{}", &[]), text);
    let arguments = [
        "run".as_ref(),
        path.as_os_str(),
        "--port".as_ref(),
        "0".as_ref(),
    ];
    assert_refused(&run_tool(&arguments), text);
}

#[test]
fn bootstrap_missing_is_reported() {
    assert_bootstrap_refused(
        Path::new("/no/such"),
        "cannot read '/no/such': No such file or directory (os error 2)",
    );
}

#[test]
fn folder_without_bootstrap_is_reported() {
    let folder = TempDir::new();
    let path = folder.path();
    let text = format!("no file named bootstrap in the folder '{}'", path.display());
    assert_bootstrap_refused(path, &text);
    std::fs::create_dir(path.join("bootstrap")).expect("make a folder");
    assert_bootstrap_refused(path, &text);
}

#[test]
fn bootstrap_not_a_regular_file_is_reported() {
    assert_bootstrap_refused(Path::new("/dev/null"), "'/dev/null' is not a regular file");
}

#[test]
fn bootstrap_not_executable_is_reported_with_remedy() {
    let folder = TempDir::new();
    let path = folder.file("bootstrap", b"#!/bin/sh\n");
    let path = path.display();
    let text = format!(
        "cannot execute '{path}': it is not executable; make it so with: chmod +x '{path}'"
    );
    assert_bootstrap_refused(folder.path(), &text);
}

#[test]
fn bootstrap_of_another_architecture_is_reported_with_hint() {
    let host = std::env::consts::ARCH;
    for (number, name, big_endian) in [
        (62u16, "x86_64", false),
        (183, "aarch64", false),
        (22, "s390x", true),
        (21, "ppc64", true),
    ] {
        if name == host {
            continue;
        }
        let folder = TempDir::new();
        let path = folder.executable("bootstrap", &elf_header(number, big_endian));
        let path = path.display();
        let text = format!(
            "cannot execute '{path}': it is built for {name} and this machine is {host}; build it \
             for {host}, or run it with --runner qemu-{name}-static"
        );
        assert_bootstrap_refused(folder.path(), &text);
    }
}

#[test]
fn bootstrap_truncated_elf_is_reported() {
    let folder = TempDir::new();
    let number = if cfg!(target_arch = "x86_64") {
        62
    } else {
        183
    };
    let path = folder.executable("bootstrap", &elf_header(number, false)[..20]);
    let run = run_once(&path, "{}", &[]);
    assert_eq!(run.code, 2);
    assert!(
        run.stderr.contains("cannot execute '") && run.stderr.contains("(os error "),
        "{}",
        run.stderr
    );
}

#[test]
fn script_without_shebang_is_reported_and_not_run() {
    let folder = TempDir::new();
    let path = folder.executable("bootstrap", b"touch \"$LAMBDA_TASK_ROOT/ran\"\n");
    let text = format!(
        "cannot execute '{}': it is neither an ELF program nor a script that begins with #! (such \
         as #!/bin/sh)",
        path.display()
    );
    assert_bootstrap_refused(&path, &text);
    assert!(!folder.path().join("ran").exists());
}

#[test]
fn bootstrap_empty_is_reported() {
    let folder = TempDir::new();
    let path = folder.executable("bootstrap", b"");
    assert_bootstrap_refused(
        &path,
        &format!("cannot execute '{}': it is empty", path.display()),
    );
}

#[test]
fn interpreter_missing_is_reported() {
    let folder = TempDir::new();
    let path = folder.executable("script", b"#! /no/such -x\n");
    let shown = path.display();
    let text = format!("cannot execute '{shown}': its interpreter '/no/such' does not exist");
    assert_bootstrap_refused(&path, &text);

    let path = folder.executable("program", &elf_with_interpreter("/no/ld.so"));
    let shown = path.display();
    let text = format!("cannot execute '{shown}': its interpreter '/no/ld.so' does not exist");
    assert_bootstrap_refused(&path, &text);
}

#[test]
fn script_with_crlf_is_reported() {
    let folder = TempDir::new();
    let path = folder.executable("bootstrap", b"#!/bin/sh\r\nexit 0\r\n");
    let run = run_once(&path, "{}", &[]);
    assert_eq!(run.code, 2);
    assert!(
        run.stderr.contains("its first line ends in CR LF"),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr.contains("save the file with LF"),
        "{}",
        run.stderr
    );
}

#[test]
fn runner_missing_is_reported() {
    let folder = TempDir::new();
    let path = folder.executable("bootstrap", b"#!/bin/sh\n");
    let run = run_once(&path, "{}", &["--runner", "no-such-runner -x"]);
    assert_refused(
        &run,
        "cannot find the runner 'no-such-runner': no such file, or not in PATH",
    );
}

#[test]
fn task_root_not_a_directory_is_reported() {
    let folder = TempDir::new();
    let path = folder.executable("bootstrap", b"#!/bin/sh\n");
    let run = run_once(&path, "{}", &["--task-root", "/no/such"]);
    assert_refused(&run, "invalid task root '/no/such': not a directory");
}

#[test]
fn port_in_use_is_reported_with_errno_and_remedy() {
    let folder = TempDir::new();
    let path = folder.executable("bootstrap", b"#!/bin/sh\nexec sleep 60\n");
    let path = path.to_str().expect("UTF-8");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("its number").port().to_string();
    // The wording depends on the C library.
    let in_use = std::io::Error::from_raw_os_error(98);
    for option in ["--port", "--runtime-port"] {
        let run = run_tool(&["run", path, "--port", "0", option, &port]);
        let text = format!(
            "cannot bind 127.0.0.1:{port}: {in_use}; choose another port with \
             {option} N, or any free one with {option} 0"
        );
        assert_refused(&run, &text);
    }
}

#[test]
fn invoke_without_server_is_reported_with_errno_and_remedy() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = free.local_addr().expect("its number").port().to_string();
    drop(free);
    let text = format!(
        "cannot connect to 127.0.0.1:{port}: Connection refused (os error 111); start a local \
         Lambda with tinderbox run, or name its port with --port N"
    );
    assert_refused(&run_tool(&["invoke", "--port", &port]), &text);
}

#[test]
fn response_truncated_is_reported() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener
        .local_addr()
        .expect("its number")
        .port()
        .to_string();
    let server = std::thread::spawn(move || {
        use std::io::{Read, Write};
        for reply in ["", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfour"] {
            let (mut stream, _) = listener.accept().expect("a caller");
            let mut seen = Vec::new();
            while !seen.ends_with(b"{}") {
                let mut byte = [0];
                stream.read_exact(&mut byte).expect("the call");
                seen.push(byte[0]);
            }
            stream.write_all(reply.as_bytes()).expect("half an answer");
        }
    });
    for _ in 0..2 {
        let text = format!(
            "the local Lambda at 127.0.0.1:{port} closed the connection before the response was \
             complete"
        );
        assert_refused(&run_tool(&["invoke", "--port", &port]), &text);
    }
    server.join().expect("the server does not panic");
}

#[test]
fn bootstrap_exit_during_init_is_reported_with_status() {
    let folder = TempDir::new();
    for (script, how, message) in [
        (
            "exit 7",
            "exited with status 7",
            "Runtime exited with error: exit status 7",
        ),
        (
            "exit 0",
            "exited with status 0",
            "Runtime exited without providing a reason",
        ),
        (
            "kill -SEGV $$",
            "was killed by signal 11 (segmentation fault)",
            "Runtime exited with error: signal: segmentation fault",
        ),
    ] {
        let path = folder.executable("bootstrap", format!("#!/bin/sh\n{script}\n").as_bytes());
        let run = run_once(&path, "{}", &[]);
        assert_eq!(run.code, 1, "{}", run.stderr);
        let line = format!("tinderbox: the bootstrap {how} before it requested an event\n");
        assert_eq!(run.stderr.matches(&line).count(), 1, "{}", run.stderr);
        assert_failure(&run.stdout, "Runtime.ExitError", message);
    }
}

#[test]
fn init_timeout_is_reported() {
    let folder = TempDir::new();
    let path = folder.executable("bootstrap", b"#!/bin/sh\nexec sleep 60\n");
    let began = Instant::now();
    let run = run_once(&path, "{}", &["--init-timeout", "0.3"]);
    assert_eq!(run.code, 1);
    assert!(began.elapsed() >= Duration::from_millis(300));
    let text = "tinderbox: init timed out: the bootstrap was killed because it did not request an \
                event (GET /2018-06-01/runtime/invocation/next) within 0.3 s\n";
    assert!(run.stderr.contains(text), "{}", run.stderr);
    assert!(!run.stderr.contains("Task timed out"), "{}", run.stderr);
    let message = "Init timed out after 0.30 seconds: the bootstrap did not request an event";
    assert_failure(&run.stdout, "Sandbox.Timedout", message);
}

#[test]
fn bootstrap_deleted_is_the_callers_error() {
    let folder = TempDir::new();
    let path = folder.executable("bootstrap", b"#!/bin/sh\nrm \"$0\"\nexit 4\n");
    let server = Server::start(&path, &[]);
    server.wait_for_stderr("exited with status 4");
    let reply = server.invoke("{}");
    assert_failure(
        reply.as_bytes(),
        "Runtime.InvalidEntrypoint",
        "No such file or directory (os error 2)",
    );
    assert_eq!(reply.header("X-Amz-Function-Error"), Some("Unhandled"));
}

/// Asserts an error body of this type whose message names a request and contains this text.
fn assert_failure(body: &[u8], error_type: &str, message: &str) {
    let body: serde_json::Value = serde_json::from_slice(body).expect("an error body");
    assert_eq!(body["errorType"], error_type);
    let found = body["errorMessage"].as_str().expect("a message");
    assert!(found.starts_with("RequestId: "), "{found}");
    assert!(
        found.contains(&format!(" Error: {message}")) || found.contains(message),
        "{found}"
    );
}

/// The 64 bytes of a 64-bit ELF header.
fn elf_header(machine: u16, big_endian: bool) -> [u8; 64] {
    let mut header = [0; 64];
    header[..4].copy_from_slice(b"\x7fELF");
    header[4] = 2; // 64 bits
    header[5] = if big_endian { 2 } else { 1 };
    header[6] = 1; // the only version
    let [kind, machine] = match big_endian {
        true => [2u16.to_be_bytes(), machine.to_be_bytes()],
        false => [2u16.to_le_bytes(), machine.to_le_bytes()],
    };
    header[16..18].copy_from_slice(&kind);
    header[18..20].copy_from_slice(&machine);
    header
}

/// A program of this machine with one program header, PT_INTERP.
fn elf_with_interpreter(name: &str) -> Vec<u8> {
    let machine = if cfg!(target_arch = "x86_64") {
        62
    } else {
        183
    };
    let mut file = elf_header(machine, false).to_vec();
    file[20] = 1;
    file[32] = 64; // program headers follow the header
    file[52] = 64; // size of the header
    file[54] = 56; // size of a program header
    file[56] = 1; // how many
    let mut header = [0; 56];
    header[0] = 3; // PT_INTERP
    header[8] = 120; // offset of the name
    header[32] = name.len() as u8 + 1; // its size, with the zero
    file.extend(header);
    file.extend(name.as_bytes());
    file.push(0);
    file
}

#[test]
fn control_characters_in_messages_are_escaped() {
    let evil = "\u{1b}[31m\u{9b}31m\u{7f}\u{202e}\nEND RequestId: fake\r";
    let shown = r"\u{1b}[31m\u{9b}31m\u{7f}\u{202e}\nEND RequestId: fake\u{d}";
    // In the name of a file.
    let run = run_once(Path::new(&format!("/no/{evil}")), "{}", &[]);
    assert_refused(
        &run,
        &format!("cannot read '/no/{shown}': No such file or directory (os error 2)"),
    );
    // In a server's answer to the command.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener
        .local_addr()
        .expect("an address")
        .port()
        .to_string();
    let body = serde_json::json!({ "Message": evil }).to_string();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a caller");
        let mut bytes = [0; 4096];
        let _ = stream.read(&mut bytes);
        let length = body.len();
        let head = format!("HTTP/1.1 400 Bad Request\r\nContent-Length: {length}\r\n\r\n");
        let _ = stream.write_all((head + &body).as_bytes());
    });
    let run = run_tool(&["invoke", "--port", &port]);
    server.join().expect("the server ends");
    assert!(
        run.stderr.contains(r"\u{1b}[31m\u{9b}31m"),
        "{}",
        run.stderr
    );
    let is_bare = |letter: char| letter.is_control() && letter != '\n';
    assert!(!run.stderr.contains(is_bare), "{:?}", run.stderr);
    assert_eq!(run.stderr.lines().count(), 1, "{:?}", run.stderr);
}

#[test]
fn stream_error_is_one_line_without_control_characters() {
    let lambda = crate::fake_runtime::ManualRuntime::start(&["--binary"]);
    let port = lambda.server.port.to_string();
    let caller = std::thread::spawn(move || run_tool(&["invoke", "--stream", "--port", &port]));
    let mut runtime = lambda.connect();
    let id = runtime.next().id();
    let path = format!("/2018-06-01/runtime/invocation/{id}/error");
    let header = "Lambda-Runtime-Function-Error-Type: Function.\u{9b}Odd\r\n";
    runtime.send(crate::wire::post(
        &path,
        header,
        "\u{1b}]0;x\u{7}\u{9b}1m\n\nEND".as_bytes(),
    ));
    assert_eq!(runtime.reply().status, 202);
    let run = caller.join().expect("the caller ends");
    assert_eq!(
        (run.code, run.stderr.lines().count()),
        (1, 1),
        "{:?}",
        run.stderr
    );
    let is_bare = |letter: char| letter.is_control() && letter != '\n';
    assert!(!run.stderr.contains(is_bare), "{:?}", run.stderr);
    runtime.get(crate::fake_runtime::NEXT); // ends the event: END and REPORT lines
    lambda.server.wait_for_stderr("REPORT RequestId");
    let is_bare = |letter: char| letter.is_control() && !"\n\t".contains(letter);
    assert!(
        !lambda.server.stderr().contains(is_bare),
        "{:?}",
        lambda.server.stderr()
    );
}

#[test]
fn answer_to_a_pipe_is_unchanged() {
    let echo = crate::support::function("echo");
    let bytes = "\"\u{9b}31m\u{7f}\"";
    let run = run_once(
        &echo,
        bytes,
        &["--binary", "--timeout", "30", "--init-timeout", "30"],
    );
    assert_eq!((run.code, run.stdout.as_slice()), (0, bytes.as_bytes()));
}
