//! Why a file did not start: the kernel's error number and the file's first bytes, explained.
//!
//! Sources: execve(2); the ELF header and program headers (System V ABI, `elf.h`).

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// How much of the file is read; interpreters are named within the first page.
const PROBE_BYTES: u64 = 4096;

/// The remedy for a file of another architecture, besides building it for this one; `{}` is the
/// other architecture's name.
pub const RUNNER_HINT: &str = ", or run it with --runner qemu-{}-static";

/// Explains the kernel's refusal to execute `file`, which its process knows as `path`; `hint` is
/// appended for a file of another architecture.
pub fn explain(file: &Path, path: &Path, error: &io::Error, hint: &str) -> String {
    let shown = path.display();
    let prefix = read_prefix(file);
    let reason = match error.kind() {
        io::ErrorKind::PermissionDenied => explain_denied(file, error),
        io::ErrorKind::NotFound if file.exists() => match interpreter(&prefix) {
            Some(name) if name.ends_with('\r') => {
                "its first line ends in CR LF, so the interpreter is not found; save the file with \
                 LF line ends"
                    .to_string()
            }
            Some(name) => format!("its interpreter '{name}' does not exist"),
            None => "its interpreter does not exist".to_string(),
        },
        _ if is_elf(&prefix) => explain_elf(&prefix, error, hint),
        _ if error.raw_os_error() == Some(ENOEXEC) && prefix.is_empty() => {
            "it is empty".to_string()
        }
        _ if error.raw_os_error() == Some(ENOEXEC) => {
            "it is neither an ELF program nor a script that begins with #! (such as #!/bin/sh)"
                .to_string()
        }
        _ => error.to_string(),
    };
    format!("cannot execute '{shown}': {reason}")
}

/// Why the kernel would refuse to execute this file, as far as its first bytes show.
pub fn unfit(file: &Path) -> Option<String> {
    let prefix = read_prefix(file);
    let host = std::env::consts::ARCH;
    if is_elf(&prefix) {
        let name = machine(&prefix).map(machine_name);
        return match name {
            Some(name) if name != host => Some(format!(
                "it is built for {name} and this machine is {host}; build it for {host}, or give \
                 the tool --runner qemu-{name}-static"
            )),
            Some(_) => None,
            None => Some("its ELF header is cut short".to_string()),
        };
    }
    match interpreter(&prefix) {
        Some(name) if name.ends_with('\r') => {
            Some("its first line ends in CR LF; save it with LF line ends".to_string())
        }
        Some(name) if !Path::new(&name).exists() => {
            Some(format!("its interpreter '{name}' does not exist here"))
        }
        Some(_) => None,
        None => Some(
            "it is neither an ELF program nor a script that begins with #! (such as #!/bin/sh)"
                .to_string(),
        ),
    }
}

/// Whether a file needs others to run: `static`, or its loader or interpreter. A static program
/// names no loader (PT_INTERP), also if it is position-independent.
pub fn linkage(file: &Path) -> String {
    let prefix = read_prefix(file);
    match interpreter(&prefix) {
        Some(name) if is_elf(&prefix) => format!("dynamic, by {name}"),
        Some(name) => format!("script, for {name}"),
        None if is_elf(&prefix) => "static".to_string(),
        None => "neither ELF nor #!".to_string(),
    }
}

/// "Exec format error" on every Linux; std has no kind for it.
const ENOEXEC: i32 = 8;

fn read_prefix(file: &Path) -> Vec<u8> {
    let mut prefix = Vec::new();
    if let Ok(file) = File::open(file) {
        let _ = file.take(PROBE_BYTES).read_to_end(&mut prefix);
    }
    prefix
}

fn explain_denied(file: &Path, error: &io::Error) -> String {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(file).map(|found| found.permissions().mode());
    match mode {
        Ok(mode) if mode & 0o111 == 0 => {
            let shown = file.display();
            format!("it is not executable; make it so with: chmod +x '{shown}'")
        }
        _ => error.to_string(),
    }
}

fn explain_elf(prefix: &[u8], error: &io::Error, hint: &str) -> String {
    let host = std::env::consts::ARCH;
    match machine(prefix).map(machine_name) {
        Some(name) if name != host => format!(
            "it is built for {name} and this machine is {host}; build it for {host}{}",
            hint.replace("{}", &name)
        ),
        _ => error.to_string(),
    }
}

fn is_elf(prefix: &[u8]) -> bool {
    prefix.starts_with(b"\x7fELF")
}

/// The field e_machine, in the byte order that the header names.
fn machine(prefix: &[u8]) -> Option<u16> {
    let bytes = [*prefix.get(18)?, *prefix.get(19)?];
    Some(match prefix[5] {
        2 => u16::from_be_bytes(bytes),
        _ => u16::from_le_bytes(bytes),
    })
}

/// The name that Rust and qemu use.
fn machine_name(machine: u16) -> String {
    let name = match machine {
        3 => "i386",
        8 => "mips",
        20 => "ppc",
        21 => "ppc64",
        22 => "s390x",
        40 => "arm",
        62 => "x86_64",
        183 => "aarch64",
        243 => "riscv64",
        258 => "loongarch64",
        _ => return format!("machine {machine}"),
    };
    name.to_string()
}

/// The program that runs the file: the first word after `#!`, or an ELF file's PT_INTERP.
fn interpreter(prefix: &[u8]) -> Option<String> {
    let Some(line) = prefix.strip_prefix(b"#!") else {
        return elf_interpreter(prefix);
    };
    let line = line.split(|&byte| byte == b'\n').next()?;
    let line = String::from_utf8_lossy(line);
    let mut name = line.trim_start_matches([' ', '\t']).split([' ', '\t']);
    name.next().map(str::to_string)
}

/// Of 64-bit little-endian files, the only ones that Lambda runs.
fn elf_interpreter(prefix: &[u8]) -> Option<String> {
    const PT_INTERP: u64 = 3;
    if !is_elf(prefix) || prefix.get(4..6)? != [2, 1] {
        return None;
    }
    let number = |at: usize, length: usize| -> Option<u64> {
        let bytes = prefix.get(at..at.checked_add(length)?)?;
        Some(
            bytes
                .iter()
                .rev()
                .fold(0, |value, &byte| value << 8 | u64::from(byte)),
        )
    };
    let table = usize::try_from(number(32, 8)?).ok()?;
    let size = usize::try_from(number(54, 2)?).ok()?;
    for index in 0..usize::try_from(number(56, 2)?).ok()? {
        let header = table.checked_add(index.checked_mul(size)?)?;
        if number(header, 4)? == PT_INTERP {
            let from = usize::try_from(number(header.checked_add(8)?, 8)?).ok()?;
            let name = prefix.get(from..)?.split(|&byte| byte == 0).next()?;
            return Some(String::from_utf8_lossy(name).into_owned());
        }
    }
    None
}
