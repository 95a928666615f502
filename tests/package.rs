//! What `scripts/build.sh`, `scripts/package.sh` and `scripts/release.sh` make: binaries, layouts,
//! modes, bytes, refusals, and that it runs where there is nothing else.
//!
//! Zips are read with `unzip`, which shares no code with the writer.

#[path = "package/build.rs"]
mod build;
#[path = "package/empty.rs"]
mod empty;
#[path = "package/fastcgi.rs"]
mod fastcgi;
#[path = "package/fpm.rs"]
mod fpm;
#[path = "package/layout.rs"]
mod layout;
#[path = "package/opcache.rs"]
mod opcache;
#[path = "package/php.rs"]
mod php;
#[path = "package/php_fpm.rs"]
mod php_fpm;
#[path = "package/refusals.rs"]
mod refusals;
#[path = "package/release.rs"]
mod release;
mod support;
#[path = "package/web.rs"]
mod web;

use support::skip;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// `e_machine` of x86_64: elf(5).
pub const X86_64: u16 = 62;
/// `e_machine` of aarch64.
pub const AARCH64: u16 = 183;
/// `e_type` of a program with fixed addresses.
pub const FIXED: u16 = 2;
/// `e_type` of a position-independent program, and of a library.
pub const SHARED: u16 = 3;

/// Runs a command to its end.
pub fn output(command: &mut Command) -> Output {
    command.stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = support::spawn(command);
    child.wait_with_output().expect("wait for a command")
}

/// A path as an argument among others.
pub fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

/// A script of `scripts/`, run to its end.
pub fn script(name: &str, arguments: &[&str]) -> Output {
    let path = support::root().join("scripts").join(name);
    output(Command::new(path).args(arguments))
}

/// The line that `scripts/package.sh` prints about the zip, or folder, that it made.
pub fn package(arguments: &[&str]) -> String {
    let output = script("package.sh", arguments);
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}:\n{log}");
    let line = String::from_utf8(output.stdout).expect("text");
    assert_eq!(line.lines().count(), 1, "{line}");
    line.trim_end().to_string()
}

/// An entry of a zip: its mode as `ls` shows it, its name. In the order of the zip.
pub fn entries(zip: &Path) -> Vec<(String, String)> {
    let list = output(Command::new("unzip").arg("-Z").arg(zip)).stdout;
    let list = String::from_utf8(list).expect("text");
    // Two lines of head and one of sums around: mode, version, system, size, kind, method, day,
    // time, and a name, which may have spaces.
    let lines: Vec<&str> = list.lines().collect();
    let within = &lines[2..lines.len() - 1];
    let entry = |line: &&str| {
        let mode = line.split(' ').next().expect("a mode");
        let (_, name) = line.split_once(" 80-Jan-01 00:00 ").expect("a time");
        (mode.to_string(), name.to_string())
    };
    within.iter().map(entry).collect()
}

/// Unpacks a zip.
pub fn unzip(zip: &Path, folder: &Path) {
    let mut command = Command::new("unzip");
    let output = output(command.arg("-q").arg(zip).arg("-d").arg(folder));
    assert!(output.status.success(), "{output:?}");
}

/// The header of an ELF64 file and, with a loader, the program header that names it. It is
/// inspected, never run.
pub fn elf(machine: u16, kind: u16, loader: Option<&str>) -> Vec<u8> {
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(64, 0);
    let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
    put(16, &kind.to_le_bytes());
    put(18, &machine.to_le_bytes());
    put(32, &64u64.to_le_bytes());
    put(54, &56u16.to_le_bytes());
    if let Some(loader) = loader {
        put(56, &1u16.to_le_bytes());
        let mut header = [0; 56];
        header[0] = 3; // PT_INTERP
        header[8..16].copy_from_slice(&120u64.to_le_bytes());
        header[32..40].copy_from_slice(&(loader.len() as u64 + 1).to_le_bytes());
        file.extend(header);
        file.extend([loader.as_bytes(), b"\0"].concat());
    }
    file
}

/// A static program that copies its input to its output, made by the C compiler.
pub fn static_program(path: &Path) {
    let source: PathBuf = path.with_extension("c");
    let text = "#include <unistd.h>\nint main(void) { char b[4096]; ssize_t n;\n\
                while ((n = read(0, b, sizeof b)) > 0) write(1, b, n); return 0; }\n";
    std::fs::write(&source, text).expect("write a source");
    let mut command = Command::new("cc");
    let output = output(command.arg("-static").arg("-o").arg(path).arg(&source));
    assert!(output.status.success(), "{output:?}");
    std::fs::remove_file(source).expect("remove the source");
}

/// Whether chroot can be used with a binary of this machine; prints that the test is skipped where
/// it cannot.
pub fn can_chroot() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").expect("read /proc/self/status");
    let root = status.lines().any(|line| line.starts_with("Uid:\t0\t0\t"));
    if !root {
        skip::skip("chroot is for root alone");
    } else if support::runner().is_some() {
        skip::skip("a runner would have to be in the folder that becomes /");
    }
    root && support::runner().is_none()
}

/// Whether a script failed because Debian's packages are missing; prints that the test is skipped
/// then.
pub fn cannot_be_had(output: &Output) -> bool {
    let log = String::from_utf8_lossy(&output.stderr);
    let line = log
        .lines()
        .find(|line| line.contains(" cannot be downloaded: "));
    if let Some(line) = line {
        skip::skip(line);
    }
    !output.status.success() && line.is_some()
}
