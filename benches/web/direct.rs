//! The applications without anything before them: what a request takes that goes straight there.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::fastcgi::Client;
use super::support::figures::us;

/// The longest wait for a server to listen.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// The settings of php-fpm that `bootstrap` has.
const SETTINGS: &str = "[global]\nerror_log = /dev/null\ndaemonize = no\nlog_level = warning\n\
    [w]\nlisten = /tmp/tinderbox\npm = static\npm.max_children = 1\nclear_env = no\n";

/// Whether a command is in the `PATH`.
pub fn is_in_path(command: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(command).is_file())
}

/// The php-fpm of this machine. Debian's has its version in the name.
pub fn php_fpm() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    let entries = folders
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flatten();
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let is_version = |rest: &str| {
        rest.bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
    };
    let mut found = paths.filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.strip_prefix("php-fpm").is_some_and(is_version)
    });
    found.next()
}

/// An application that runs by itself; it ends with this.
pub struct App {
    process: Child,
    upstream: Upstream,
}

enum Upstream {
    Http(TcpStream),
    FastCgi(Client, String),
}

impl App {
    /// Starts the application of a handler.
    pub fn start(handler: &str, task: &Path, port: u16) -> App {
        let (kind, file) = handler.split_once(':').expect("a kind and a file");
        let path = task.join(file);
        if kind == "fastcgi" {
            let program = php_fpm().expect("php-fpm");
            let (process, name) = start_fpm(&program, task, &[]);
            let client = Client::connect(name.as_bytes());
            let script = path.to_string_lossy().into_owned();
            return App {
                process,
                upstream: Upstream::FastCgi(client, script),
            };
        }
        let mut command = Command::new(path);
        command.env("PORT", port.to_string()).stdin(Stdio::null());
        let process = command.spawn().expect("start an application");
        let end = Instant::now() + START_TIMEOUT;
        let stream = loop {
            match TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
                Ok(stream) => break stream,
                Err(error) => assert!(Instant::now() < end, "{handler} does not listen: {error}"),
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        stream.set_nodelay(true).expect("TCP_NODELAY");
        App {
            process,
            upstream: Upstream::Http(stream),
        }
    }

    /// The times of this many requests, in microseconds, and the resident memory of all its
    /// processes after the first one, in KiB.
    pub fn times(mut self, count: usize) -> (Vec<f64>, f64) {
        self.request();
        let resident = resident_kib(self.process.id());
        for _ in 0..count / 10 {
            self.request();
        }
        let times = (0..count).map(|_| {
            let sent = Instant::now();
            self.request();
            us(sent.elapsed())
        });
        (times.collect(), resident)
    }

    fn request(&mut self) {
        match &mut self.upstream {
            Upstream::FastCgi(client, script) => {
                let page = client.page(script, "/greetings?name=Ada", b"");
                assert_eq!(page.body, b"hello", "{}{}", page.head, page.log);
            }
            Upstream::Http(stream) => {
                let head = "GET /greetings?name=Ada HTTP/1.1\r\nhost: localhost\r\naccept: */*\r\n\
                    user-agent: curl/8.5.0\r\nx-forwarded-for: 203.0.113.9\r\n\r\n";
                stream.write_all(head.as_bytes()).expect("send a request");
                let mut answer = Vec::new();
                while !answer.ends_with(b"hello") {
                    let mut part = [0; 4096];
                    let bytes = stream.read(&mut part).expect("read an answer");
                    assert!(bytes > 0, "the application closed the connection");
                    answer.extend(&part[..bytes]);
                }
            }
        }
    }
}

impl Drop for App {
    fn drop(&mut self) {
        terminate(&mut self.process);
    }
}

/// Ends a server by SIGTERM: php-fpm's worker outlives a master that is killed.
pub fn terminate(process: &mut Child) {
    let pid = process.id().to_string();
    let _ = Command::new("kill").arg(&pid).status();
    let _ = process.wait();
}

/// Starts php-fpm as `bootstrap` does, with a listener that it inherits, and more settings.
/// Returns the abstract name of the listener, too.
pub fn start_fpm(program: &Path, folder: &Path, settings: &[&str]) -> (Child, String) {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let name = format!("tinderbox-bench-{}-{number}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).expect("an abstract name");
    let listener = UnixListener::bind_addr(&address).expect("listen");
    let file = folder.join("php-fpm.conf");
    std::fs::write(&file, SETTINGS).expect("write the settings");
    let mut command = Command::new("sh");
    // php-fpm replaces the descriptors 0 and 1.
    command
        .args(["-c", "exec \"$@\" 3<&0 0</dev/null", "sh"])
        .arg(program);
    command.args(["-F", "-O", "-R", "-y"]).arg(&file);
    for setting in settings {
        command.args(["-d", setting]);
    }
    command.env("FPM_SOCKETS", "/tmp/tinderbox=3");
    command.stdin(Stdio::from(std::os::fd::OwnedFd::from(listener)));
    command.stdout(Stdio::null()).stderr(Stdio::null());
    (command.spawn().expect("start php-fpm"), name)
}

/// The resident memory of a process and of its children.
fn resident_kib(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("read /proc");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let own: f64 = line
        .and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        .expect("VmRSS in KiB");
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let children = children.unwrap_or_default();
    let pids = children
        .split_whitespace()
        .filter_map(|pid| pid.parse().ok());
    own + pids.map(resident_kib).sum::<f64>()
}
