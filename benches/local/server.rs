//! The servers: how each is started with a bootstrap, and how it ends.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::footprint;
use super::support::{self, root};

/// The longest wait for a server to listen.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// A local Lambda.
pub enum Kind {
    Tinderbox,
    /// Another build of the tool.
    OtherTool(PathBuf),
    /// AWS's Runtime Interface Emulator.
    Rie(PathBuf),
    /// `cargo lambda watch`, with a bootstrap that it does not start.
    CargoLambda(PathBuf),
}

fn target() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    target.unwrap_or_else(|| root().join("target"))
}

impl Kind {
    /// The servers of this machine, `tinderbox run` first.
    pub fn available() -> Vec<Kind> {
        let mut kinds = vec![Kind::Tinderbox];
        let other = std::env::var_os("TINDERBOX_OTHER_TOOL").map(PathBuf::from);
        kinds.extend(other.map(Kind::OtherTool));
        let rie = std::env::var_os("TINDERBOX_RIE").map(PathBuf::from);
        let rie = rie.or_else(|| {
            let versions = std::fs::read_dir(target().join("rie")).ok()?;
            let files = versions.flatten().map(|version| {
                let name = format!("aws-lambda-rie-{}", std::env::consts::ARCH);
                version.path().join(name)
            });
            files.into_iter().find(|file| file.is_file())
        });
        match rie {
            Some(path) => kinds.push(Kind::Rie(path)),
            None => println!("skipped: local: RIE: not installed (scripts/rie.sh)"),
        }
        let path = target().join("clients/cargo-lambda/bin/cargo-lambda");
        match path.is_file() {
            true => kinds.push(Kind::CargoLambda(path)),
            false => {
                let how = "scripts/clients.sh cargo-lambda";
                println!("skipped: local: cargo lambda watch: not installed ({how})");
            }
        }
        kinds
    }

    pub fn name(&self) -> &'static str {
        match self {
            Kind::Tinderbox => "tinderbox run",
            Kind::OtherTool(_) => "other tool",
            Kind::Rie(_) => "RIE",
            Kind::CargoLambda(_) => "cargo lambda watch",
        }
    }

    /// Starts it with the echo function, until it has answered once.
    pub fn start(&self) -> Server {
        let server = Starting::new(self).serve();
        let event = b"{\"message\":\"hello!\"}";
        super::caller::Caller::connect(server.port()).echo(&server.path, event);
        server
    }

    /// Starts it with a function that ends its process when the event says so, where it starts
    /// processes at all.
    pub fn start_crashing(&self) -> Option<Server> {
        if matches!(self, Kind::CargoLambda(_)) {
            return None;
        }
        let bootstrap = support::binary("probe");
        Some(Starting::with(self, &bootstrap, &["--binary"]).serve())
    }
}

/// A server that listens; the bootstrap of `cargo lambda watch` is not started.
pub struct Starting {
    server: Server,
    bootstrap: PathBuf,
    is_watch: bool,
}

impl Starting {
    /// Starts a server with the echo function, and waits until it listens.
    pub fn new(kind: &Kind) -> Starting {
        Starting::with(kind, &support::binary("echo"), &[])
    }

    fn with(kind: &Kind, bootstrap: &Path, options: &[&str]) -> Starting {
        let ports = [free_port(), free_port()];
        let [invoke, api] = ports.map(|port| port.to_string());
        let mut command = match kind {
            Kind::Tinderbox => tool(&own_tool(), bootstrap, &invoke, options),
            Kind::OtherTool(path) => tool(path, bootstrap, &invoke, options),
            Kind::Rie(path) => {
                let mut command = Command::new(path);
                let [invoke, api] = [invoke, api].map(|port| format!("127.0.0.1:{port}"));
                command.args(["--runtime-interface-emulator-address", &invoke]);
                command.args(["--runtime-api-address", &api]);
                command.arg(bootstrap);
                command
            }
            Kind::CargoLambda(path) => {
                let mut command = Command::new(path);
                command.args(["lambda", "watch", "--only-lambda-apis"]);
                command.args(["--invoke-address", "127.0.0.1", "--invoke-port", &invoke]);
                command.current_dir(dummy_crate());
                command
            }
        };
        command.stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().expect("start a server");
        let is_watch = matches!(kind, Kind::CargoLambda(_));
        let name = if is_watch { "_" } else { "function" };
        let server = Server {
            process,
            bootstrap: None,
            port: ports[0],
            path: format!("/2015-03-31/functions/{name}/invocations"),
        };
        let end = Instant::now() + START_TIMEOUT;
        while let Err(error) = TcpStream::connect((Ipv4Addr::LOCALHOST, ports[0])) {
            let name = kind.name();
            assert!(Instant::now() < end, "{name} does not listen: {error}");
            std::thread::sleep(Duration::from_micros(50));
        }
        Starting {
            server,
            bootstrap: bootstrap.to_path_buf(),
            is_watch,
        }
    }

    /// Starts the bootstrap where the server does not.
    pub fn serve(mut self) -> Server {
        if self.is_watch {
            let mut command = Command::new(&self.bootstrap);
            let address = format!("http://127.0.0.1:{}/.rt", self.server.port);
            command.env("AWS_LAMBDA_RUNTIME_API", address);
            command.env("AWS_LAMBDA_FUNCTION_NAME", "_");
            command.stdin(Stdio::null());
            command.stdout(Stdio::null()).stderr(Stdio::null());
            self.server.bootstrap = Some(command.spawn().expect("start the bootstrap"));
        }
        self.server
    }
}

/// A running server; it ends with this.
pub struct Server {
    process: Child,
    bootstrap: Option<Child>,
    port: u16,
    /// The path of an invocation.
    pub path: String,
}

impl Server {
    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// The most resident memory so far of the server's own process, in KiB.
    pub fn peak_kib(&self) -> f64 {
        footprint::status(self.pid(), "VmHWM:")
    }

    /// The resident memory of the server's own process, in KiB.
    pub fn resident_kib(&self) -> f64 {
        footprint::status(self.pid(), "VmRSS:")
    }

    pub fn threads(&self) -> f64 {
        footprint::status(self.pid(), "Threads:")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // By SIGTERM: a server that is killed may leave its bootstrap.
        let pid = self.process.id().to_string();
        let _ = Command::new("kill").arg(&pid).status();
        let end = Instant::now() + Duration::from_secs(5);
        while matches!(self.process.try_wait(), Ok(None)) {
            if Instant::now() > end {
                let _ = self.process.kill();
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        if let Some(bootstrap) = &mut self.bootstrap {
            let _ = bootstrap.kill();
            let _ = bootstrap.wait();
        }
    }
}

fn tool(path: &Path, bootstrap: &Path, port: &str, options: &[&str]) -> Command {
    let mut command = Command::new(path);
    command.arg("run").arg(bootstrap).args(["--port", port]);
    command.args(options);
    command
}

/// The static tool of `TINDERBOX_BIN_DIR`, where there is one; else the one of this build.
fn own_tool() -> PathBuf {
    let folder = std::env::var_os("TINDERBOX_BIN_DIR").unwrap_or_default();
    let path = root().join(folder).join("tinderbox");
    match path.is_file() {
        true => path,
        false => PathBuf::from(env!("CARGO_BIN_EXE_tinderbox")),
    }
}

/// A port that is free now.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind 127.0.0.1:0");
    listener.local_addr().expect("an address").port()
}

/// A crate, without which cargo-lambda does not start.
fn dummy_crate() -> PathBuf {
    let folder = target().join("bench/local");
    std::fs::create_dir_all(folder.join("src")).expect("make a folder");
    let manifest = "[package]\nname = \"local\"\nversion = \"0.1.0\"\n\n[workspace]\n";
    std::fs::write(folder.join("Cargo.toml"), manifest).expect("write a manifest");
    std::fs::write(folder.join("src/main.rs"), "fn main() {}\n").expect("write a crate");
    folder
}
