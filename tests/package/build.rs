//! `scripts/build.sh` on packages of a user: what the release profile does on a panic, and which
//! binary is built.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::output;
use crate::skip::skip;
use crate::support::{TempDir, root};

/// Prints `caught` when a panic unwinds. A panic that aborts, or that finds no unwind tables, ends
/// the program before that.
const PROGRAM: &str = "fn main() {
    if std::panic::catch_unwind(|| panic!(\"thrown\")).is_err() {
        println!(\"caught\");
    }
}
";

/// `p_type` of the segment with the index of the unwind tables, PT_GNU_EH_FRAME: the Linux Standard
/// Base, 10.4.
const UNWIND_INDEX: u32 = 0x6474_e550;

struct Package {
    folder: TempDir,
}

impl Package {
    /// A package with std and without dependencies, `panics`, and more lines of its manifest.
    fn new(manifest: &str) -> Package {
        let folder = TempDir::new();
        let package = folder.path().join("panics");
        fs::create_dir_all(package.join("src/bin")).expect("make a folder");
        let head = "[package]\nname = \"panics\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
                    publish = false\n\n[workspace]\n\n";
        let manifest = format!("{head}{manifest}");
        fs::write(package.join("Cargo.toml"), manifest).expect("write a manifest");
        Package { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("panics").join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("make a folder");
        fs::write(path, text).expect("write a file");
    }

    /// Builds it from within its folder, as a user would; without what this test's Cargo has set.
    fn build(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
        let mut command = Command::new(root().join("scripts/build.sh"));
        command.args(["x86_64", "--function", "."]).args(arguments);
        command.current_dir(self.path(""));
        command.env_remove("CARGO_PROFILE_RELEASE_PANIC");
        command.env("CARGO_TARGET_DIR", self.folder.path().join("target"));
        output(command.envs(variables.iter().copied()))
    }

    /// The binary, or None, which has been printed as skipped, where no toolchain has std for it.
    fn binary(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Option<PathBuf> {
        let output = self.build(arguments, variables);
        let log = String::from_utf8_lossy(&output.stderr);
        if log.contains("toolchain: debian") {
            skip("programs with std need rustup's toolchain");
            return None;
        }
        assert!(output.status.success(), "{arguments:?}:\n{log}");
        let line = String::from_utf8(output.stdout).expect("text");
        assert_eq!(line.lines().count(), 1, "{line}");
        Some(line.split('\t').next().expect("a path").into())
    }
}

/// What the program printed, where a panic is caught; its panic message is on standard error.
fn printed(binary: &Path) -> String {
    let output = output(&mut Command::new(binary));
    String::from_utf8(output.stdout).expect("text")
}

fn has_unwind_index(binary: &Path) -> bool {
    let file = fs::read(binary).expect("read the binary");
    let field = |at: usize| -> [u8; 4] { file[at..at + 4].try_into().expect("four bytes") };
    let count = usize::from(file[56]);
    assert!(count > 1 && file[57] == 0, "{count} program headers");
    (0..count).any(|index| u32::from_le_bytes(field(64 + 56 * index)) == UNWIND_INDEX)
}

#[test]
fn panic_setting_of_another_profile_keeps_unwind_tables() {
    for manifest in [
        "[profile.dev]\npanic = \"abort\"\n",
        "[profile.release]\nopt-level = 1\n\n[profile.tiny]\ninherits = \"release\"\n\
         panic = \"abort\"\n",
        "[package.metadata.profile]\npanic = \"abort\"\n",
    ] {
        let package = Package::new(manifest);
        package.write("src/main.rs", PROGRAM);
        let Some(binary) = package.binary(&[], &[]) else {
            return;
        };
        assert_eq!(printed(&binary), "caught\n", "{manifest}");
    }
}

#[test]
fn panic_abort_from_any_source_drops_unwind_tables() {
    let variable = [("CARGO_PROFILE_RELEASE_PANIC", "abort")];
    let in_manifest = "[profile]\nrelease = { panic = 'abort' }\n";
    let in_config = "[profile.release]\npanic = \"abort\"\n";
    for (manifest, config, variables) in [
        ("", "", &[][..]),
        ("[profile.release]\npanic = \"abort\"\n", "", &[]),
        (in_manifest, "", &[]),
        ("", in_config, &[]),
        ("", "", &variable),
    ] {
        let package = Package::new(manifest);
        package.write("src/main.rs", PROGRAM);
        package.write(".cargo/config.toml", config);
        let Some(binary) = package.binary(&[], variables) else {
            return;
        };
        // The first one has the default, which is to unwind.
        let unwinds = manifest.is_empty() && config.is_empty() && variables.is_empty();
        let source = (manifest, config, variables);
        assert_eq!(has_unwind_index(&binary), unwinds, "{source:?}");
        assert_eq!(printed(&binary) == "caught\n", unwinds, "{source:?}");
    }
}

#[test]
fn panic_unwind_from_configuration_keeps_unwind_tables() {
    let package = Package::new("[profile.release]\npanic = \"abort\"\n");
    package.write("src/main.rs", PROGRAM);
    let variables = [("CARGO_PROFILE_RELEASE_PANIC", "unwind")];
    if let Some(binary) = package.binary(&[], &variables) {
        assert_eq!(printed(&binary), "caught\n");
    }
}

#[test]
fn several_binaries_are_refused_by_name_and_bin_selects_one() {
    let package = Package::new("");
    for name in ["first", "second"] {
        let text = format!("fn main() {{ println!(\"{name}\") }}\n");
        package.write(&format!("src/bin/{name}.rs"), &text);
    }
    let refused = package.build(&[], &[]);
    let log = String::from_utf8_lossy(&refused.stderr);
    if log.contains("toolchain: debian") {
        return skip("programs with std need rustup's toolchain");
    }
    assert_eq!(refused.status.code(), Some(2), "{log}");
    assert!(refused.stdout.is_empty(), "{refused:?}");
    for line in [
        "has several binaries: name one of them with --bin:\n",
        "\n  --bin first\n",
        "\n  --bin second\n",
    ] {
        assert!(log.contains(line), "{log}");
    }
    let [first, second] = ["first", "second"].map(|name| {
        let binary = package.binary(&["--bin", name], &[]).expect("a toolchain");
        (printed(&binary), binary)
    });
    assert_eq!((&*first.0, &*second.0), ("first\n", "second\n"));
    assert_ne!(first.1, second.1, "each has a folder of its own");
    assert_eq!(printed(&first.1), "first\n", "the second one left it alone");
}

#[test]
fn bin_that_does_not_exist_is_refused() {
    let package = Package::new("");
    package.write("src/main.rs", PROGRAM);
    let refused = package.build(&["--bin", "other"], &[]);
    assert!(!refused.status.success() && refused.stdout.is_empty());
    let log = String::from_utf8_lossy(&refused.stderr);
    assert!(log.contains("`other`"), "{log}");
}
