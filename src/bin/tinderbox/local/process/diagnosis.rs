//! Why a file would not start: the kernel's error number and the file's first bytes, in words.
//!
//! Sources: execve(2); the ELF header and program headers (System V ABI, `elf.h`).

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// As much of the file as is looked at; interpreters are named within the first page.
const LOOK_BYTES: u64 = 4096;

/// What to do with a file for another machine besides building it for this one; `{}` is that one's
/// name.
pub const RUNNER: &str = ", or run it with --runner qemu-{}-static";

/// What the kernel's refusal to execute `file` means; `way_out` is said of files for another
/// machine.
pub fn explain(file: &Path, error: &io::Error, way_out: &str) -> String {
    let shown = file.display();
    let start = read_start(file);
    match error.kind() {
        io::ErrorKind::PermissionDenied => explain_denied(file, error),
        io::ErrorKind::NotFound if file.exists() => match interpreter(&start) {
            Some(name) if name.ends_with('\r') => format!(
                "the first line of '{shown}' ends in CR LF, so its interpreter is not found; save \
                 the file with LF line ends"
            ),
            Some(name) => format!("'{shown}' needs the interpreter '{name}', which is not there"),
            None => format!("'{shown}' needs an interpreter that is not there"),
        },
        io::ErrorKind::NotFound => format!("there is no file '{shown}'"),
        io::ErrorKind::ExecutableFileBusy => {
            format!("'{shown}' is being written by somebody: text file busy")
        }
        _ if is_elf(&start) => explain_elf(file, &start, error, way_out),
        _ if start.is_empty() => format!("'{shown}' is empty"),
        _ if error.raw_os_error() == Some(ENOEXEC) => format!(
            "'{shown}' is neither an ELF program nor a script that begins with #! (such as \
             #!/bin/sh), and the kernel runs nothing else"
        ),
        _ => format!("'{shown}' cannot be started: {error}"),
    }
}

/// Whether a file needs others to run: `static`, or who loads or reads it. A program that is static
/// names no loader (PT_INTERP), also where it can be put at any address.
pub fn linked(file: &Path) -> String {
    let start = read_start(file);
    match interpreter(&start) {
        Some(name) if is_elf(&start) => format!("dynamic, by {name}"),
        Some(name) => format!("script, for {name}"),
        None if is_elf(&start) => "static".to_string(),
        None => "neither ELF nor #!".to_string(),
    }
}

/// "Exec format error" on every Linux; std has no kind for it.
const ENOEXEC: i32 = 8;

fn read_start(file: &Path) -> Vec<u8> {
    let mut start = Vec::new();
    if let Ok(file) = File::open(file) {
        let _ = file.take(LOOK_BYTES).read_to_end(&mut start);
    }
    start
}

fn explain_denied(file: &Path, error: &io::Error) -> String {
    use std::os::unix::fs::PermissionsExt;
    let shown = file.display();
    let mode = fs::metadata(file).map(|found| found.permissions().mode());
    match mode {
        Ok(mode) if mode & 0o111 == 0 => {
            format!("'{shown}' is not executable; make it so with: chmod +x '{shown}'")
        }
        _ => format!("'{shown}' may not be executed: {error}"),
    }
}

fn explain_elf(file: &Path, start: &[u8], error: &io::Error, way_out: &str) -> String {
    let shown = file.display();
    let host = std::env::consts::ARCH;
    match machine(start).map(machine_name) {
        Some(name) if name != host => format!(
            "'{shown}' is built for {name} and this machine is {host}; build it for {host}{}",
            way_out.replace("{}", &name)
        ),
        _ => format!("'{shown}' is an ELF file that this machine will not run: {error}"),
    }
}

fn is_elf(start: &[u8]) -> bool {
    start.starts_with(b"\x7fELF")
}

/// e_machine, in the byte order that the header names.
fn machine(start: &[u8]) -> Option<u16> {
    let bytes = [*start.get(18)?, *start.get(19)?];
    Some(match start[5] {
        2 => u16::from_be_bytes(bytes),
        _ => u16::from_le_bytes(bytes),
    })
}

/// As Rust and qemu call it.
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

/// Who is to run the file: the word behind `#!`, or an ELF file's PT_INTERP.
fn interpreter(start: &[u8]) -> Option<String> {
    let Some(line) = start.strip_prefix(b"#!") else {
        return elf_interpreter(start);
    };
    let line = line.split(|&byte| byte == b'\n').next()?;
    let line = String::from_utf8_lossy(line);
    let mut name = line.trim_start_matches([' ', '\t']).split([' ', '\t']);
    name.next().map(str::to_string)
}

/// For 64-bit little-endian files, which are all that Lambda runs.
fn elf_interpreter(start: &[u8]) -> Option<String> {
    const PT_INTERP: u64 = 3;
    if !is_elf(start) || start.get(4..6)? != [2, 1] {
        return None;
    }
    let number = |at: usize, length: usize| -> Option<u64> {
        let bytes = start.get(at..at.checked_add(length)?)?;
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
            let name = start.get(from..)?.split(|&byte| byte == 0).next()?;
            return Some(String::from_utf8_lossy(name).into_owned());
        }
    }
    None
}
