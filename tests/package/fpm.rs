//! php-fpm in a test: started as `bootstrap` starts it, with a listener that it inherits.

use std::fs;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::fastcgi::Client;
use crate::support;

/// Its configuration. The listener has the name of a path that need not exist.
const SETTINGS: &str = "\
[global]
error_log = /dev/null
daemonize = no
log_level = warning
log_limit = 65536
[w]
listen = /tmp/tinderbox
pm = static
pm.max_children = 1
clear_env = no
catch_workers_output = yes
decorate_workers_output = no
";

/// Passes the listener, which is its standard input, as descriptor 3: php-fpm replaces 0 and 1.
const START: &str = "root=$1; shift; exec chroot \"$root\" \"$@\" 3<&0 0</dev/null";

/// What is mounted in a folder that becomes `/`, and over which folders: `/proc` and `/dev`, which
/// Lambda has, and a layer.
pub fn mounts(root: &Path, layer: Option<&Path>) -> Vec<(PathBuf, PathBuf)> {
    let layer = layer.map(|layer| (layer, "opt"));
    let mounts = [(Path::new("/proc"), "proc"), (Path::new("/dev"), "dev")];
    let mounts = mounts.into_iter().chain(layer).map(|(from, name)| {
        let over = root.join(name);
        fs::create_dir_all(&over).expect("make a folder to mount over");
        (from.to_path_buf(), over)
    });
    mounts.collect()
}

/// A php-fpm with one worker.
pub struct Fpm {
    process: Child,
    name: String,
    log: PathBuf,
}

impl Fpm {
    /// Starts the program, given with its first words, in a folder that becomes `/`, with this
    /// machine's `/proc` and `/dev` in it, as Lambda has them, and settings of its own; a layer is
    /// mounted as `/opt`.
    pub fn start(root: &Path, program: &[&str], settings: &[&str], layer: Option<&Path>) -> Fpm {
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("tinderbox-test-{}-{number}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).expect("an abstract name");
        let listener = UnixListener::bind_addr(&address).expect("listen");
        fs::write(root.join("tmp/php-fpm.conf"), SETTINGS).expect("write the settings");
        let log = root.join("tmp/php-fpm.log");

        let mut command = Command::new("sh");
        command.args(["-c", START, "sh"]).arg(root).args(program);
        command.args(["-F", "-O", "-R", "-y", "/tmp/php-fpm.conf"]);
        command.args(["-d", "fastcgi.logging=0"]);
        for setting in settings {
            command.args(["-d", setting]);
        }
        command
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.env("FPM_SOCKETS", "/tmp/tinderbox=3");
        command.env("LD_LIBRARY_PATH", crate::empty::LIBRARIES);
        command.env("SETTING", "from the environment");
        command.stdin(Stdio::from(std::os::fd::OwnedFd::from(listener)));
        command.stdout(Stdio::null());
        command.stderr(fs::File::create(&log).expect("make the log"));
        let mounts = mounts(root, layer);
        support::sys::isolate(&mut command, &mounts, Path::new("/"), Path::new("/"));
        let process = support::spawn(&mut command);
        Fpm { process, name, log }
    }

    /// A new connection.
    pub fn connect(&self) -> Client {
        Client::connect(self.name.as_bytes())
    }

    /// The log so far.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).expect("read the log")
    }
}

impl Drop for Fpm {
    /// SIGTERM, so that it ends its worker, too: it outlives a master that is killed.
    fn drop(&mut self) {
        let pid = self.process.id().to_string();
        let _ = Command::new("kill").arg(&pid).status();
        let _ = self.process.wait();
    }
}
