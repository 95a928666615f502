//! What is wrong with a bootstrap, a port or an address: one clear line and the right exit status.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::TempDir;
use crate::tool::{Finished, Server, finish, run_once};

/// Nothing was started: this one line, and exit status 2.
fn refused(run: &Finished, text: &str) {
    assert_eq!((run.code, run.text().as_str()), (2, ""), "{}", run.stderr);
    assert_eq!(run.stderr, format!("tinderbox: {text}\n"));
}

fn refused_bootstrap(path: &Path, text: &str) {
    refused(&run_once(path, "{}", &[]), text);
    let arguments = [
        "run".as_ref(),
        path.as_os_str(),
        "--port".as_ref(),
        "0".as_ref(),
    ];
    refused(&finish(&arguments), text);
}

#[test]
fn a_missing_bootstrap_is_named() {
    refused_bootstrap(Path::new("/no/such"), "there is no file '/no/such'");
}

#[test]
fn a_folder_without_bootstrap_is_named() {
    let folder = TempDir::new();
    let path = folder.path();
    let text = format!(
        "the folder '{}' holds no file named bootstrap",
        path.display()
    );
    refused_bootstrap(path, &text);
    std::fs::create_dir(path.join("bootstrap")).expect("make a folder");
    refused_bootstrap(path, &text);
}

#[test]
fn what_is_not_a_file_is_named() {
    refused_bootstrap(Path::new("/dev/null"), "'/dev/null' is not a file");
}

#[test]
fn a_bootstrap_that_is_not_executable_is_named_with_the_remedy() {
    let folder = TempDir::new();
    let path = folder.file("bootstrap", b"#!/bin/sh\n");
    let path = path.display();
    let text = format!("'{path}' is not executable; make it so with: chmod +x '{path}'");
    refused_bootstrap(folder.path(), &text);
}

#[test]
fn a_bootstrap_for_another_machine_is_named_with_both_and_a_hint() {
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
            "'{path}' is built for {name} and this machine is {host}; build it for {host}, or run \
             it with --runner qemu-{name}-static"
        );
        refused_bootstrap(folder.path(), &text);
    }
}

#[test]
fn a_damaged_program_is_named() {
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
        run.stderr.contains("that this machine will not run"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_script_without_its_first_line_is_named_and_no_shell_runs_it() {
    let folder = TempDir::new();
    let path = folder.executable("bootstrap", b"touch \"$LAMBDA_TASK_ROOT/ran\"\n");
    let text = format!(
        "'{}' is neither an ELF program nor a script that begins with #! (such as #!/bin/sh), and \
         the kernel runs nothing else",
        path.display()
    );
    refused_bootstrap(&path, &text);
    assert!(!folder.path().join("ran").exists());
}

#[test]
fn an_empty_bootstrap_is_named() {
    let folder = TempDir::new();
    let path = folder.executable("bootstrap", b"");
    refused_bootstrap(&path, &format!("'{}' is empty", path.display()));
}

#[test]
fn a_missing_interpreter_is_named() {
    let folder = TempDir::new();
    let path = folder.executable("script", b"#! /no/such -x\n");
    let shown = path.display();
    let text = format!("'{shown}' needs the interpreter '/no/such', which is not there");
    refused_bootstrap(&path, &text);

    let path = folder.executable("program", &elf_with_interpreter("/no/ld.so"));
    let shown = path.display();
    let text = format!("'{shown}' needs the interpreter '/no/ld.so', which is not there");
    refused_bootstrap(&path, &text);
}

#[test]
fn a_script_with_the_line_ends_of_another_system_is_told_so() {
    let folder = TempDir::new();
    let path = folder.executable("bootstrap", b"#!/bin/sh\r\nexit 0\r\n");
    let run = run_once(&path, "{}", &[]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("the first line of"), "{}", run.stderr);
    assert!(run.stderr.contains("ends in CR LF"), "{}", run.stderr);
}

#[test]
fn a_missing_runner_is_named() {
    let folder = TempDir::new();
    let path = folder.executable("bootstrap", b"#!/bin/sh\n");
    let run = run_once(&path, "{}", &["--runner", "no-such-runner -x"]);
    refused(&run, "there is no runner 'no-such-runner'");
}

#[test]
fn a_task_root_that_is_no_folder_is_named() {
    let folder = TempDir::new();
    let path = folder.executable("bootstrap", b"#!/bin/sh\n");
    let run = run_once(&path, "{}", &["--root", "/no/such"]);
    refused(&run, "the task root '/no/such' is not a folder");
}

#[test]
fn a_taken_port_is_named_with_the_remedy() {
    let folder = TempDir::new();
    let path = folder.executable("bootstrap", b"#!/bin/sh\nexec sleep 60\n");
    let path = path.to_str().expect("UTF-8");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("its number").port().to_string();
    for option in ["--port", "--runtime-port"] {
        let run = finish(&["run", path, "--port", "0", option, &port]);
        let text = format!(
            "port {port} of 127.0.0.1 is taken; choose another with {option} N, or any free one \
             with {option} 0"
        );
        refused(&run, &text);
    }
}

#[test]
fn nothing_that_listens_is_told_with_the_remedy() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = free.local_addr().expect("its number").port().to_string();
    drop(free);
    let text = format!(
        "nothing listens on port {port} of 127.0.0.1; start a local Lambda with tinderbox run, or \
         name its port with --port N"
    );
    refused(&finish(&["invoke", "--port", &port]), &text);
}

#[test]
fn a_server_that_hangs_up_is_told() {
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
        let text = format!("the local Lambda on port {port} hung up before its answer was whole");
        refused(&finish(&["invoke", "--port", &port]), &text);
    }
    server.join().expect("the server does not panic");
}

#[test]
fn a_bootstrap_that_exits_at_once_is_told_with_its_status() {
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
        let line = format!("tinderbox: the bootstrap {how} before it asked for an event\n");
        assert_eq!(run.stderr.matches(&line).count(), 1, "{}", run.stderr);
        assert_failure(&run.stdout, "Runtime.ExitError", message);
    }
}

#[test]
fn a_bootstrap_that_never_asks_for_an_event_is_killed_and_told() {
    let folder = TempDir::new();
    let path = folder.executable("bootstrap", b"#!/bin/sh\nexec sleep 60\n");
    let began = Instant::now();
    let run = run_once(&path, "{}", &["--init-timeout", "0.3"]);
    assert_eq!(run.code, 1);
    assert!(began.elapsed() >= Duration::from_millis(300));
    let text = "tinderbox: the bootstrap was killed: in 0.3 s it never asked for an event (GET \
                /2018-06-01/runtime/invocation/next)\n";
    assert!(run.stderr.contains(text), "{}", run.stderr);
    assert!(!run.stderr.contains("Task timed out"), "{}", run.stderr);
    let message = "Init timed out after 0.30 seconds: the bootstrap never asked for an event";
    assert_failure(&run.stdout, "Sandbox.Timedout", message);
}

#[test]
fn a_bootstrap_that_vanishes_is_told_to_the_caller() {
    let folder = TempDir::new();
    let path = folder.executable("bootstrap", b"#!/bin/sh\nrm \"$0\"\nexit 4\n");
    let server = Server::start(&path, &[]);
    server.says("exited with status 4");
    let reply = server.invoke("{}");
    assert_failure(
        reply.as_bytes(),
        "Runtime.InvalidEntrypoint",
        "there is no file",
    );
    assert_eq!(reply.header("X-Amz-Function-Error"), Some("Unhandled"));
}

/// An error body of this type with this in its message, which names a request.
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

/// Sixty-four bytes that any kernel knows for a 64-bit ELF file of this machine's.
fn elf_header(machine: u16, big_endian: bool) -> [u8; 64] {
    let mut header = [0; 64];
    header[..4].copy_from_slice(b"\x7fELF");
    header[4] = 2; // 64 bits
    header[5] = if big_endian { 2 } else { 1 };
    header[6] = 1; // the one version
    let [kind, machine] = match big_endian {
        true => [2u16.to_be_bytes(), machine.to_be_bytes()],
        false => [2u16.to_le_bytes(), machine.to_le_bytes()],
    };
    header[16..18].copy_from_slice(&kind);
    header[18..20].copy_from_slice(&machine);
    header
}

/// A program of this machine's with one program header, PT_INTERP.
fn elf_with_interpreter(name: &str) -> Vec<u8> {
    let machine = if cfg!(target_arch = "x86_64") {
        62
    } else {
        183
    };
    let mut file = elf_header(machine, false).to_vec();
    file[20] = 1;
    file[32] = 64; // program headers begin behind the header
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
fn control_characters_of_others_are_escaped_in_the_tools_own_lines() {
    let evil = "\u{1b}[31m\u{9b}31m\u{7f}\u{202e}\nEND RequestId: fake\r";
    let shown = r"\u{1b}[31m\u{9b}31m\u{7f}\u{202e}\nEND RequestId: fake\u{d}";
    // A name of a file.
    let run = run_once(Path::new(&format!("/no/{evil}")), "{}", &[]);
    refused(&run, &format!("there is no file '/no/{shown}'"));
    // What a server says, to the command that calls it.
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
    let run = finish(&["invoke", "--port", &port]);
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
fn error_of_a_stream_is_one_line_without_control_characters() {
    let bench = crate::bench::Bench::start(&["--raw"]);
    let port = bench.server.port.to_string();
    let caller = std::thread::spawn(move || finish(&["invoke", "--stream", "--port", &port]));
    let mut runtime = bench.connect();
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
    runtime.get(crate::bench::NEXT); // its END and REPORT lines
    bench.server.says("REPORT RequestId");
    let is_bare = |letter: char| letter.is_control() && !"\n\t".contains(letter);
    assert!(
        !bench.server.stderr().contains(is_bare),
        "{:?}",
        bench.server.stderr()
    );
}

#[test]
fn answer_on_stdout_that_is_no_terminal_is_as_it_was_sent() {
    let echo = crate::support::function("echo");
    let bytes = "\"\u{9b}31m\u{7f}\"";
    let run = run_once(
        &echo,
        bytes,
        &["--raw", "--timeout", "30", "--init-timeout", "30"],
    );
    assert_eq!((run.code, run.stdout.as_slice()), (0, bytes.as_bytes()));
}
