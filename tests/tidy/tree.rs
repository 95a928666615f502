//! The style rules for the tree as a whole.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::source::{Source, has_word};

/// The packages that the project may depend on.
const PACKAGES: &[&str] = &["libc", "minreq", "serde", "serde_json"];

/// The entries of the top folder.
const TOP: &[&str] = &[
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "benches",
    "scripts",
    "src",
    "tests",
];

/// Banned in every text. Each in two parts, so that this file has none either.
pub const LEFTOVERS: &[(&str, &str)] = &[
    (concat!("TO", "DO"), "do it, or leave it out"),
    (concat!("FIX", "ME"), "fix it"),
    (concat!("XX", "X"), "name what is wrong"),
    (concat!("/ro", "ot/"), "no path of one machine"),
    (concat!("/ho", "me/"), "no path of one machine"),
    (concat!("/wo", "rk/"), "no path of one machine"),
];

/// The text files of the tree, committed or not: their names from the root, and their texts.
pub fn files() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new("git")
        .args(["ls-files", "-co", "--exclude-standard"])
        .current_dir(root)
        .output()
        .expect("run git");
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git ls-files fails: {log}");
    let names = String::from_utf8(output.stdout).expect("names in UTF-8");
    assert!(names.lines().count() > 20, "only {names:?}");
    // A file that was deleted and not committed is listed still.
    let read = |name: &str| Some((name.into(), fs::read_to_string(root.join(name)).ok()?));
    names.lines().filter_map(read).collect()
}

/// Leftovers in a text file.
pub fn leftovers(name: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    // Texts of others, and hashes.
    let is_lock = name.ends_with("Cargo.lock") || name.ends_with("package-lock.json");
    if name == "LICENSE" || is_lock {
        return found;
    }
    for (line, text) in (1..).zip(text.lines()) {
        for (word, instead) in LEFTOVERS.iter().filter(|(word, _)| text.contains(word)) {
            found.push(format!("{name}:{line}: `{word}`: {instead}"));
        }
    }
    found
}

/// Files of Rust that are no target and that no other file declares.
pub fn undeclared(files: &[(String, String)], sources: &[Source]) -> Vec<String> {
    let manifest = files.iter().find(|(name, _)| name == "Cargo.toml");
    let manifest = manifest.map_or("", |(_, text)| text);
    let declared: HashSet<String> = sources.iter().flat_map(declared).collect();
    let mut found = Vec::new();
    for source in sources {
        let name = source.name;
        // A package of its own, which finds its main.rs, and what is in src/bin, by itself.
        let folder = name.split_once("/src/bin/").map(|(folder, _)| folder);
        let folder = folder.or(name.strip_suffix("/src/main.rs"));
        let own_package = folder.is_some_and(|folder| {
            let manifest = format!("{folder}/Cargo.toml");
            files.iter().any(|(name, _)| *name == manifest)
        });
        let target = manifest.contains(&format!("path = \"{name}\""));
        if !own_package && !target && !declared.contains(name) {
            let stem = stem(name);
            let what = format!("{name}:1: no `mod {stem};` above it: declare it or delete it");
            found.push(what);
        }
    }
    found
}

/// The name of a file without its folder and ending.
fn stem(name: &str) -> &str {
    let file = name.rsplit('/').next().unwrap_or(name);
    file.strip_suffix(".rs").unwrap_or(file)
}

fn folder(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The files that the `mod` lines of a file may refer to.
fn declared(parent: &Source) -> Vec<String> {
    let folder = folder(parent.name);
    // A root declares files beside it, every other file those in its own folder.
    let root = matches!(stem(parent.name), "lib" | "main")
        || (parent.name.starts_with("tests/") || parent.name.starts_with("benches/"))
            && parent.name.matches('/').count() == 1;
    let below = parent.name.strip_suffix(".rs").unwrap_or(parent.name);
    let mut found = Vec::new();
    for line in parent.code.lines() {
        let name = line.trim().strip_suffix(';');
        let name = name.and_then(|text| text.rsplit_once("mod "));
        let Some((_, name)) = name.filter(|_| has_word(line, "mod")) else {
            continue;
        };
        found.push(format!("{below}/{name}.rs"));
        if root {
            found.push(format!("{folder}/{name}.rs"));
        }
    }
    for line in parent.words.lines() {
        let path = line.trim().strip_prefix("#[path = \"");
        if let Some(path) = path.and_then(|path| path.strip_suffix("\"]")) {
            found.push(format!("{folder}/{path}"));
        }
    }
    found
}

/// Entries of the top folder that should not be there, or are missing.
pub fn misplaced<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut top: Vec<&str> = names.filter_map(|name| name.split('/').next()).collect();
    top.sort();
    top.dedup();
    top.retain(|name| !name.starts_with('.'));
    let extra = top.iter().filter(|name| !TOP.contains(name));
    let missing = TOP.iter().filter(|name| !top.contains(name));
    let extra = extra.map(|name| format!("{name}:1: not at the top: put it into a folder"));
    let missing = missing.map(|name| format!("{name}:1: is missing at the top: restore it"));
    extra.chain(missing).collect()
}

/// Packages that were not agreed, or are missing.
pub fn packages(manifest: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut names = Vec::new();
    let mut within = false;
    for (line, text) in (1..).zip(manifest.lines()) {
        if let Some(section) = text.strip_prefix('[') {
            within = section.starts_with("dependencies]");
            if section.contains("dependencies") && !within {
                let what = "every package stands in [dependencies]: move it there";
                found.push(format!("Cargo.toml:{line}: {what}"));
            }
        } else if let Some((name, _)) = text.split_once('=').filter(|_| within) {
            let name = name.trim();
            names.push(name);
            if !PACKAGES.contains(&name) {
                let what = format!("package `{name}`: write what it does, or do without");
                found.push(format!("Cargo.toml:{line}: {what}"));
            }
        }
    }
    let missing = PACKAGES.iter().filter(|name| !names.contains(name));
    found.extend(missing.map(|name| format!("Cargo.toml:1: package `{name}` is missing")));
    found
}
