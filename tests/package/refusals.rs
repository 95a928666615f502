//! Contents that would not run on Lambda are refused: exit 1, one line with the reason, no zip.

use std::fs::File;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;

use crate::support::TempDir;
use crate::{AARCH64, FIXED, SHARED, X86_64, elf, script, skip, text};

const LOADER: &str = "/lib64/ld-linux-x86-64.so.2";

/// A folder of its own for one case, with a bootstrap for x86_64 to give.
struct Case {
    dir: TempDir,
}

impl Case {
    fn new() -> Case {
        let dir = TempDir::new();
        dir.executable("bootstrap", &elf(X86_64, FIXED, None));
        Case { dir }
    }

    fn path(&self, name: &str) -> String {
        text(&self.dir.path().join(name)).to_string()
    }

    /// With a file of the function in it.
    fn file(self, name: &str, content: &[u8]) -> Case {
        self.dir.file(&format!("fn/{name}"), content);
        self
    }

    fn executable(self, name: &str, content: &[u8]) -> Case {
        self.dir.executable(&format!("fn/{name}"), content);
        self
    }

    fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let zip = self.path("out.zip");
        let output = script("package.sh", &[arguments, &["--out", &zip]].concat());
        let log = String::from_utf8(output.stderr).expect("text");
        let made = Path::new(&zip).exists();
        assert_eq!(made, output.status.success(), "{arguments:?}: {log}");
        assert_eq!(output.stdout.is_empty(), !made, "{arguments:?}: {log}");
        (output.status.code(), log)
    }

    fn refused(&self, arguments: &[&str], what: &str) {
        let (code, log) = self.run(arguments);
        assert_eq!(code, Some(1), "{arguments:?}: {log}");
        assert_eq!(log.lines().count(), 1, "{arguments:?}: {log}");
        assert!(log.starts_with("package.sh: "), "{log}");
        assert!(log.contains(what), "{what:?} is not in {log:?}");
    }

    /// The function, with the bootstrap where it has none.
    fn arguments(&self) -> Vec<String> {
        let mut arguments = vec!["function".into(), self.path("fn")];
        if !self.dir.path().join("fn/bootstrap").exists() {
            arguments.extend(["--bootstrap".into(), self.path("bootstrap")]);
        }
        arguments
    }

    fn function_refused(&self, what: &str) {
        let arguments = self.arguments();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        self.refused(&arguments, what);
    }

    fn function_made(&self) {
        let arguments = self.arguments();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (code, log) = self.run(&arguments);
        assert_eq!((code, log.as_str()), (Some(0), ""));
    }
}

#[test]
fn bootstrap_that_cannot_start_is_refused() {
    let cat = std::fs::read("/bin/cat").expect("read a program of this machine");
    for (content, what) in [
        (
            cat,
            "/fn/bootstrap is linked dynamically, against /lib64/ld-",
        ),
        (
            elf(X86_64, SHARED, Some(LOADER)),
            "/fn/bootstrap is linked dynamically, against /lib64/ld-linux-x86-64.so.2: link it",
        ),
        (elf(AARCH64, FIXED, None), "/fn/bootstrap is not for x86_64"),
        (
            b"\x7fELF\x01\x01".to_vec(),
            "/fn/bootstrap is not a 64-bit program",
        ),
        (
            elf(X86_64, FIXED, None)[..60].to_vec(),
            "is not a 64-bit program",
        ),
        (
            [&elf(X86_64, FIXED, None)[..56], &[0xff; 8]].concat(),
            "/fn/bootstrap is truncated: ",
        ),
        (
            elf(X86_64, FIXED, Some(LOADER))[..70].to_vec(),
            "/fn/bootstrap is truncated: ",
        ),
        (
            b"echo hello\n".to_vec(),
            "/fn/bootstrap is neither a program (ELF) nor a script",
        ),
        (
            b"".to_vec(),
            "/fn/bootstrap is neither a program (ELF) nor a script",
        ),
        (
            b"#!/bin/sh\r\nexit\r\n".to_vec(),
            "/fn/bootstrap: the first line ends in CR LF",
        ),
    ] {
        Case::new()
            .executable("bootstrap", &content)
            .function_refused(what);
    }
    let case = Case::new().file("bootstrap", &elf(X86_64, FIXED, None));
    case.function_refused("/fn/bootstrap has no exec bit: chmod +x");
    let case = Case::new().executable("bootstrap/x", b"#!/bin/sh\n");
    case.function_refused("no file ");
    // The bootstrap of `--bootstrap`.
    let case = Case::new().executable("program", b"#!/bin/sh\n");
    case.dir.executable("bootstrap", &elf(AARCH64, FIXED, None));
    case.function_refused("/bootstrap is not for x86_64");
    case.refused(
        &["layer", "--bootstrap", &case.path("bootstrap")],
        "is not for x86_64",
    );
    case.refused(&["layer", "--bootstrap", &case.path("none")], "no file ");
    // Whatever its name is.
    let dynamic = elf(X86_64, SHARED, Some("/opt/lib/ld.so"));
    case.dir.executable("other", &dynamic);
    let other = ["layer", "--bootstrap", &case.path("other")];
    case.refused(
        &other,
        "/other is linked dynamically, against /opt/lib/ld.so: ",
    );
}

#[test]
fn program_that_cannot_start_is_refused() {
    let musl = elf(X86_64, SHARED, Some("/lib/ld-musl-x86_64.so.1"));
    let newer = [
        &elf(X86_64, SHARED, Some(LOADER))[..],
        b"GLIBC_2.9\0GLIBC_2.36\0",
    ]
    .concat();
    for (content, what) in [
        (elf(AARCH64, FIXED, None), " is not for x86_64"),
        (
            musl,
            " needs /lib/ld-musl-x86_64.so.1, which Lambda does not have: link it statically",
        ),
        (
            newer,
            " needs glibc 2.36, provided.al2023 has 2.34: link it statically",
        ),
        (b"#!/bin/sh\r\n".to_vec(), ": the first line ends in CR LF"),
    ] {
        for name in ["tool", "bin/tool"] {
            let case = Case::new().executable(name, &content);
            case.function_refused(&format!("/fn/{name}{what}"));
        }
        let case = Case::new().executable("tool", &content);
        let bootstrap = case.path("bootstrap");
        let with = [
            "layer",
            "--bootstrap",
            &bootstrap,
            "--with",
            &case.path("fn/tool"),
        ];
        case.refused(&with, &format!("/fn/tool{what}"));
    }
    for content in [
        elf(X86_64, FIXED, None),
        elf(X86_64, SHARED, Some(LOADER)),
        b"#!/bin/sh\n".to_vec(),
    ] {
        let case = Case::new().file("tool", &content).file("other.sh", b"");
        case.function_refused("/fn/tool has no exec bit: chmod +x");
        let bootstrap = case.path("bootstrap");
        let with = [
            "layer",
            "--bootstrap",
            &bootstrap,
            "--with",
            &case.path("fn/tool"),
        ];
        case.refused(&with, "/fn/tool has no exec bit: chmod +x");
    }
}

#[test]
fn program_that_can_start_is_not_refused() {
    if !skip::has("zip") {
        return;
    }
    let glibc = [
        &elf(X86_64, SHARED, Some(LOADER))[..],
        b"GLIBC_2.34\0GLIBC_2.4\0",
    ]
    .concat();
    for loader in ["/opt/lib/ld.so", "/var/task/lib/ld.so"] {
        let case = Case::new().executable("tool", &elf(X86_64, SHARED, Some(loader)));
        case.function_made();
    }
    Case::new().executable("tool", &glibc).function_made();
    let case = Case::new().file("lib.so", &elf(X86_64, SHARED, None));
    case.file("function.sh", b"#!/bin/bash\n").function_made();
    let deep = "node_modules/x/prebuilds/arm/x";
    let case = Case::new().executable(deep, &elf(AARCH64, FIXED, None));
    case.file("index.mjs", b"").function_made();
    let case = Case::new().executable("data", b"neither, but everything is executable here");
    case.function_made();
    for name in [
        "a.php",
        "src/a.php",
        "a.js",
        "a.cjs",
        "a.py",
        "a.rb",
        "a.sh",
    ] {
        Case::new().file(name, b"").function_made();
    }
}

#[test]
fn function_with_nothing_to_run_is_refused() {
    let case = Case::new()
        .file("data.json", b"{}")
        .file(".git/hooks/a.sh", b"");
    case.function_refused("/fn has nothing to run: no bootstrap, no executable file, ");
    case.refused(
        &["function", &case.path("fn"), "--no-bootstrap"],
        "/fn has nothing to run",
    );
    case.refused(&["function", &case.path("none")], "no folder ");
    case.refused(&["function", &case.path("fn/data.json")], "no folder ");
}

#[test]
fn function_over_the_size_limit_is_refused() {
    if !skip::has("zip") {
        return;
    }
    let sized = |bytes: u64| {
        let case = Case::new().executable("bootstrap", b"#!/bin/sh\n");
        let file = File::create(case.path("fn/large")).expect("make a file");
        file.set_len(bytes).expect("a file without blocks");
        case
    };
    let most = 262_144_000 - 10; // of bootstrap
    sized(most).function_made();
    sized(most + 1)
        .function_refused("262144001 bytes unzipped: Lambda allows 262144000 for a function");
    // The bootstrap that is added counts too: 64 bytes.
    let case = Case::new().executable("program", b"#!/bin/sh\n");
    let file = File::create(case.path("fn/large")).expect("make a file");
    file.set_len(most - 63).expect("a file without blocks");
    case.function_refused("262144001 bytes unzipped");
}

#[test]
fn file_name_not_printable_ascii_is_refused() {
    for name in [
        "caf\u{e9}.php",
        "a\nb.php",
        "a\\b.php",
        "sub\t/x.php",
        "\u{7f}.php",
    ] {
        let case = Case::new().file(name, b"");
        case.function_refused(" has other than printable ASCII, ");
    }
    if skip::has("zip") {
        let odd = " -@ [a]*?'\"$(x)`~.php ";
        Case::new()
            .file(odd, b"")
            .file("x.php", b"")
            .function_made();
    }
}

#[test]
fn entry_neither_file_nor_folder_is_refused() {
    let case = Case::new().file("x.php", b"");
    symlink("nowhere", case.path("fn/link")).expect("make a link");
    case.function_refused("/fn/link is neither a file nor a folder, nor a link to one");
    let case = Case::new().file("x.php", b"");
    symlink(".", case.path("fn/loop")).expect("make a link");
    case.function_refused("/fn: find: File system loop detected; ");
    let case = Case::new().file("x.php", b"");
    let _socket = UnixListener::bind(case.path("fn/socket")).expect("make a socket");
    case.function_refused("/fn/socket is neither a file nor a folder, nor a link to one");
}

#[test]
fn arguments_that_contradict_are_refused() {
    let case = Case::new().executable("bootstrap", b"#!/bin/sh\n");
    let (function, bootstrap) = (case.path("fn"), case.path("bootstrap"));
    case.refused(
        &["function", &function, "--no-bootstrap"],
        "would take precedence over that of the layer",
    );
    let both = ["function", &function, "--bootstrap", &bootstrap];
    case.refused(&both, "/fn has a bootstrap of its own");
    let one = case.dir.executable("1/tool", b"#!/bin/sh\n");
    let two = case.dir.executable("2/tool", b"#!/bin/sh\n");
    let layer = ["layer", "--bootstrap", &bootstrap];
    let twice = [&layer[..], &["--with", text(&one), "--with", text(&two)]].concat();
    case.refused(&twice, "two programs are named tool");

    let folder = [&layer[..], &["--folder", &function]].concat();
    let output = script("package.sh", &folder);
    let log = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(1), "{log}");
    assert!(
        log.ends_with("/fn is not empty: remove it first\n"),
        "{log}"
    );
}

#[test]
fn arguments_invalid_exit_2() {
    let case = Case::new().file("x.php", b"");
    let function = case.path("fn");
    for arguments in [
        &[][..],
        &["zip"],
        &["function"],
        &["function", &function, "--with", "x"],
        &["layer", "--no-bootstrap"],
        &["layer", "--arch"],
        &["layer", "--arch", "riscv64"],
        &["layer", "--with-php-extension", "curl"],
        &["layer", "--folder", "x"], // with --out
        &["layer", "x"],
    ] {
        let (code, log) = case.run(arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {log}");
        assert_eq!(log.lines().count(), 1, "{arguments:?}: {log}");
    }
}
