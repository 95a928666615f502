//! Tests of paths, types and tags of static files.

use super::*;
use crate::sys::files::is_file;
use std::collections::BTreeMap;
use std::ffi::CString;
use std::format;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::string::{String, ToString};
use std::vec::Vec;

#[test]
fn path_that_names_a_file_is_public() {
    for path in [
        "/",
        "/a",
        "/a.css",
        "/a/b.c/d",
        "/a/",
        "//a",
        "/a b",
        "/é",
        "/a.b..c",
        "/a%",
        "/a\\b",
        "/.well-known/security.txt",
        "/.well-known/a/b",
        "/php",
        "/php/a.css",
        "/x.php/a.css",
        "/a.phpx",
        "/a.mp3",
        "/a.ph",
        "/aphp",
        "/incs.txt",
        "/a.inch",
        "/~a",
        "/a~",
    ] {
        assert!(is_public(path.as_bytes()), "{path}");
    }
}

#[test]
fn path_that_is_hidden_or_code_is_not_public() {
    for path in [
        "",
        "a",
        "a/b",
        "/.env",
        "/.git/config",
        "/a/.htaccess",
        "/..",
        "/../a",
        "/a/..",
        "/a/../b",
        "/.",
        "/./a",
        "/...",
        "/a/.",
        "/.well-known",
        "/.well-known/.env",
        "/.well-known/../.env",
        "/a/.well-known/b",
        "//.well-known/b",
        "/.well-knownx/a",
        "/a\0.css",
        "/a\n",
        "/a\x7f",
        "/\t",
        "/a.php",
        "/a.PHP",
        "/a.pHp",
        "/a.php5",
        "/a.php81",
        "/a.phtml",
        "/a.PHTML",
        "/a.phar",
        "/a.phps",
        "/a.pht",
        "/a.inc",
        "/a.INC",
        "/b/index.php",
        "/index.php~",
        "/a.b.php",
        "/a.php7~",
    ] {
        assert!(!is_public(path.as_bytes()), "{path:?}");
    }
}

#[test]
fn type_of_each_extension_is_the_registered_one() {
    for (name, wanted) in [
        ("a.html", "text/html; charset=utf-8"),
        ("a.htm", "text/html; charset=utf-8"),
        ("a.css", "text/css; charset=utf-8"),
        ("a.js", "text/javascript; charset=utf-8"),
        ("a.mjs", "text/javascript; charset=utf-8"),
        ("a.json", "application/json"),
        ("a.js.map", "application/json"),
        ("a.txt", "text/plain; charset=utf-8"),
        ("a.log", "text/plain; charset=utf-8"),
        ("a.svg", "image/svg+xml"),
        ("a.png", "image/png"),
        ("a.jpg", "image/jpeg"),
        ("a.jpeg", "image/jpeg"),
        ("a.webp", "image/webp"),
        ("a.gif", "image/gif"),
        ("a.avif", "image/avif"),
        ("a.ico", "image/x-icon"),
        ("a.woff2", "font/woff2"),
        ("a.woff", "font/woff"),
        ("a.ttf", "font/ttf"),
        ("a.otf", "font/otf"),
        ("a.webmanifest", "application/manifest+json"),
        ("a.xml", "application/xml"),
        ("a.xsl", "application/xml"),
        ("a.wasm", "application/wasm"),
        ("a.pdf", "application/pdf"),
        ("a.csv", "text/csv; charset=utf-8"),
        ("a.md", "text/markdown; charset=utf-8"),
        ("a.ics", "text/calendar; charset=utf-8"),
        ("a.vtt", "text/vtt; charset=utf-8"),
        ("a.rss", "application/rss+xml"),
        ("a.atom", "application/atom+xml"),
        ("a.zip", "application/zip"),
        ("a.tar.gz", "application/gzip"),
        ("a.mp4", "video/mp4"),
        ("a.m4v", "video/mp4"),
        ("a.webm", "video/webm"),
        ("a.mp3", "audio/mpeg"),
        ("a.m4a", "audio/mp4"),
        ("a.ogg", "audio/ogg"),
        ("a.oga", "audio/ogg"),
        ("a.wav", "audio/wav"),
        ("a.bmp", "image/bmp"),
        ("a.eot", "application/vnd.ms-fontobject"),
        ("b.css/a.PNG", "image/png"),
        ("a", "application/octet-stream"),
        ("a.", "application/octet-stream"),
        ("css", "application/octet-stream"),
        ("a.css/b", "application/octet-stream"),
        ("a.x", "application/octet-stream"),
        ("a.html htm", "application/octet-stream"),
        ("", "application/octet-stream"),
    ] {
        let found = String::from_utf8_lossy(content_type(name.as_bytes()));
        assert_eq!(found, wanted, "{name}");
    }
}

fn tag(content: &[u8]) -> String {
    let mut hash = ContentHash::new();
    let (pieces, last) = content.split_at(content.len() / 16 * 16);
    for piece in pieces.chunks(16) {
        hash.update(piece);
    }
    hash.update(last);
    String::from_utf8(hash.tag().as_bytes().to_vec()).expect("ASCII")
}

#[test]
#[cfg_attr(miri, ignore = "slow")]
fn tag_of_other_content_is_another_one() {
    let mut tags = BTreeMap::new();
    let mut add = |content: Vec<u8>| {
        let found = tag(&content);
        let number = found
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'));
        assert!(
            number.is_some_and(|number| number.parse::<u64>().is_ok()),
            "{found}"
        );
        assert_eq!(found, tag(&content), "the same again");
        if let Some(other) = tags.insert(found, content.clone()) {
            assert_eq!(other, content, "two contents with one tag");
        }
    };
    for length in 0..100 {
        add(std::vec![0; length]);
        add(std::vec![b'a'; length]);
        for at in 0..length {
            let mut content = std::vec![0; length];
            for bit in 0..8 {
                content[at] = 1 << bit;
                add(content.clone());
            }
        }
    }
    // Words that change places.
    for (first, second) in [(1_u64, 2_u64), (1 << 63, 1), (u64::MAX, 0)] {
        add([first.to_le_bytes(), second.to_le_bytes()].concat());
        add([second.to_le_bytes(), first.to_le_bytes()].concat());
    }
    assert!(tags.len() > 30_000, "{}", tags.len());
}

#[test]
fn condition_with_the_tag_in_a_list_matches() {
    let tag = br#""0123456789abcdef""#;
    for (list, wanted) in [
        (r#""0123456789abcdef""#, true),
        (r#"W/"0123456789abcdef""#, true),
        (r#""a", "0123456789abcdef""#, true),
        (r#""a",W/"0123456789abcdef","b""#, true),
        (" * ", true),
        ("", false),
        (r#""0123456789abcde""#, false),
        ("0123456789abcdef", false),
        (r#"w/"0123456789abcdef""#, false),
        (r#""0123456789ABCDEF""#, false),
        (r#""0123456789abcdef"#, false),
        (r#""x0123456789abcdef""#, false),
        (r#""*""#, false),
        (",,", false),
    ] {
        assert_eq!(is_in_list(list.as_bytes(), tag), wanted, "{list}");
    }
}

/// What a tree has at a path.
#[derive(Clone)]
enum Node {
    File(String),
    Folder,
    Link(&'static str),
    Pipe,
}

/// A package with a public folder, and beside it what must never be served. The names of files are
/// their contents.
fn tree() -> BTreeMap<String, Node> {
    let mut tree = BTreeMap::new();
    for folder in [
        "",
        "/public",
        "/public/css",
        "/public/.git",
        "/public/.well-known",
        "/storage",
        "/storage/app",
        "/public/x.php",
        "/public/deep",
        "/public/deep/er",
    ] {
        tree.insert(folder.to_string(), Node::Folder);
    }
    for file in [
        "/public/a.txt",
        "/public/index.php",
        "/public/css/a.css",
        "/public/.env",
        "/public/.git/config",
        "/public/.well-known/b.txt",
        "/storage/app/photo.png",
        "/storage/secret.txt",
        "/.env",
        "/a.txt",
        "/composer.json",
        "/public/A.PHP",
        "/public/b c.txt",
        "/public/é.txt",
        "/public/x.php/a.css",
        "/public/%41.txt",
        "/public/deep/er/f.js",
    ] {
        tree.insert(file.to_string(), Node::File(file.to_string()));
    }
    for (link, target) in [
        ("/public/storage", "../storage/app"),
        ("/public/up", ".."),
        ("/public/out", "../.."),
        ("/public/passwd", "/etc/passwd"),
        ("/public/far", "../../../../../../etc/passwd"),
        ("/public/loop", "loop"),
        ("/public/link.txt", "a.txt"),
        ("/public/hop", "deep/er/../../link.txt"),
        ("/public/round", "../public/deep/../css"),
        ("/public/away", "../../package/a.txt"),
        ("/public/gone", "nothing"),
    ] {
        tree.insert(link.to_string(), Node::Link(target));
    }
    tree.insert("/public/pipe".to_string(), Node::Pipe);
    tree
}

/// A resolver that shares nothing with the kernel's: the file at a path of the tree, or `None`.
fn resolve(tree: &BTreeMap<String, Node>, path: &str) -> Option<String> {
    let mut at: Vec<String> = Vec::new();
    let mut rest: Vec<String> = path.split('/').rev().map(str::to_string).collect();
    let mut links = 0;
    while let Some(name) = rest.pop() {
        let here = at
            .iter()
            .fold(String::new(), |path, name| path + "/" + name);
        if !matches!(tree.get(&here), Some(Node::Folder)) {
            return None; // also before `..` and an empty name
        }
        match name.as_str() {
            "" | "." => continue,
            ".." => {
                at.pop()?; // beneath the root alone
                continue;
            }
            _ => at.push(name.clone()),
        }
        match tree.get(&format!("{here}/{name}"))? {
            Node::Link(target) => {
                links += 1;
                if target.starts_with('/') || links > 40 {
                    return None;
                }
                at.pop();
                rest.extend(target.split('/').rev().map(str::to_string));
            }
            Node::Pipe if rest.is_empty() => return None,
            _ => {}
        }
    }
    match tree.get(
        &at.iter()
            .fold(String::new(), |path, name| path + "/" + name),
    )? {
        Node::File(content) => Some(content.clone()),
        _ => None,
    }
}

/// A decoder and the lexical rules once more, on characters instead of bytes.
fn is_allowed(decoded: &[u8]) -> bool {
    let text: String = decoded.iter().map(|byte| char::from(*byte)).collect();
    let names: Vec<&str> = text.split('/').collect();
    let is_hidden = |(index, name): (usize, &&str)| {
        name.starts_with('.') && !(index == 1 && *name == ".well-known" && names.len() > 2)
    };
    let lower = names.last().expect("one").to_lowercase();
    let code = ["php", "phtml", "phar", "phps", "pht", "inc"];
    let kind = lower.rsplit_once('.').map_or("", |(_, kind)| kind);
    let kind = kind.trim_end_matches(|c: char| c.is_ascii_digit() || c == '~');
    names[0].is_empty()
        && names.len() > 1
        && !text.contains(|c: char| c < ' ' || c == '\x7f')
        && !names.iter().enumerate().any(is_hidden)
        && !code.contains(&kind)
}

fn decode(encoded: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut at = 0;
    while at < encoded.len() {
        let digits = encoded.get(at + 1..at + 3).and_then(|digits| {
            let text = core::str::from_utf8(digits).ok()?;
            let is_hex = digits.iter().all(u8::is_ascii_hexdigit);
            is_hex.then(|| u8::from_str_radix(text, 16).expect("hexadecimal"))
        });
        match digits {
            Some(byte) if encoded[at] == b'%' => {
                decoded.push(byte);
                at += 3;
            }
            _ => {
                decoded.push(encoded[at]);
                at += 1;
            }
        }
    }
    decoded
}

/// The tree in a temporary folder, which is removed at the end.
struct OnDisk(PathBuf);

impl Drop for OnDisk {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn write_tree(name: &str, tree: &BTreeMap<String, Node>) -> OnDisk {
    let name = format!("tinderbox-static-files-{name}-{}", std::process::id());
    let outer = std::env::temp_dir().join(name);
    let _ = fs::remove_dir_all(&outer);
    let package = outer.join("package");
    fs::create_dir_all(&package).expect("a folder");
    fs::write(outer.join("outside.txt"), "OUTSIDE").expect("a file");
    for (path, node) in tree {
        let place = package.join(path.trim_start_matches('/'));
        match node {
            Node::Folder => fs::create_dir_all(&place).expect("a folder"),
            Node::File(content) => fs::write(&place, content).expect("a file"),
            Node::Link(target) => symlink(target, &place).expect("a link"),
            Node::Pipe => {
                let place = CString::new(place.as_os_str().as_bytes()).expect("no NUL");
                let mut command = std::process::Command::new("mkfifo");
                let place = std::ffi::OsStr::from_bytes(place.as_bytes());
                assert!(command.arg(place).status().expect("mkfifo").success());
            }
        }
    }
    OnDisk(outer)
}

/// The content of what is found; `None`: nothing is served.
fn content_of(files: &StaticFiles, encoded: &[u8]) -> Option<String> {
    let mut decoded = Path::new();
    let mut fits = true;
    uri::decode(encoded, &mut |piece| fits &= decoded.try_push(piece));
    if !fits || !is_public(decoded.as_bytes()) || decoded.as_bytes().ends_with(b"/") {
        return None;
    }
    let Found::File(file, bytes) = files.find(decoded.as_bytes(), b"", &mut Path::new()) else {
        return None;
    };
    let mut content = [0; 256];
    let TryRead::Data(read) = try_read(&file, &mut content) else {
        panic!("an empty file");
    };
    assert_eq!(read as u64, bytes);
    Some(String::from_utf8(content[..read].to_vec()).expect("UTF-8"))
}

#[test]
#[cfg_attr(miri, ignore = "makes system calls")]
fn paths_by_the_million_give_what_another_resolver_gives() {
    let tree = tree();
    let disk = write_tree("tree", &tree);
    let package = CString::new(disk.0.join("package").as_os_str().as_bytes()).expect("no NUL");
    assert!(!is_file(package.as_bytes_with_nul()));
    let files = StaticFiles {
        root: open_root(package.as_bytes_with_nul()),
        folder: b"public",
        log_lines: Cell::new(1),
    };
    let tokens = [
        "/",
        "/",
        "/",
        "/",
        "%2f",
        "%2F",
        "a.txt",
        "css",
        "a.css",
        "storage",
        "photo.png",
        "..",
        ".",
        "%2e%2e",
        "%2E",
        "..%2f",
        "%00",
        ".env",
        "A.PHP",
        "index.php",
        "up",
        "out",
        "passwd",
        "far",
        "loop",
        "link.txt",
        "hop",
        "round",
        "away",
        "gone",
        "pipe",
        ".well-known",
        "b.txt",
        "x.php",
        "b%20c.txt",
        "%C3%A9.txt",
        "%c3%a9.txt",
        "%2541.txt",
        "%41.txt",
        "deep",
        "er",
        "f.js",
        "etc",
        "public",
        "package",
        "outside.txt",
        "secret.txt",
        "app",
        "%",
        "%zz",
        "%2",
        "\\",
        "~",
        "a",
        "composer.json",
        ".git",
        "config",
        "%252e%252e",
        "..;",
        "//",
        "%5c",
    ];
    let known = [
        "/a.txt",
        "/css/a.css",
        "/.well-known/b.txt",
        "/storage/photo.png",
        "/up/a.txt",
        "/up/composer.json",
        "/b c.txt",
        "/é.txt",
        "/x.php/a.css",
        "/%2541.txt",
        "/deep/er/f.js",
        "/up/storage/secret.txt",
        "/up/.env",
        "/.env",
        "/index.php",
        "/A.PHP",
        "/round/a.css",
        "/hop",
        "/out/outside.txt",
        "/far",
        "/passwd",
        "/deep/../a.txt",
        "/up/public/a.txt",
        "/pipe",
        "/.git/config",
        "/storage/../secret.txt",
    ];
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |end: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % end as u64) as usize
    };
    let mut served = BTreeMap::new();
    for _ in 0..1_000_000 {
        let mut path = b"/".to_vec();
        if next(2) == 0 {
            // A path that exists, encoded here and there, and sometimes with something in between.
            path.clear();
            for byte in known[next(known.len())].bytes() {
                match next(24) {
                    0 => path.extend(format!("%{byte:02x}").bytes()),
                    1 => path.extend(format!("%{byte:02X}").bytes()),
                    2 if next(8) == 0 => path.extend(tokens[next(tokens.len())].bytes()),
                    _ => path.push(byte),
                }
            }
        } else {
            for _ in 0..1 + next(6) {
                path.extend(tokens[next(tokens.len())].bytes());
                if next(2) == 0 {
                    path.push(b'/');
                }
            }
        }
        let shown = String::from_utf8_lossy(&path).into_owned();
        let decoded = decode(&path);
        let wanted = (is_allowed(&decoded) && !decoded.ends_with(b"/"))
            .then(|| String::from_utf8(decoded).ok())
            .flatten()
            .and_then(|decoded| resolve(&tree, &format!("public/{decoded}")));
        let found = content_of(&files, &path);
        assert_eq!(found, wanted, "{shown}");
        if let Some(content) = found {
            *served.entry(content).or_insert(0) += 1;
        }
    }
    // Everything that may be served was, and by more than one path.
    for file in [
        "/public/a.txt",
        "/public/css/a.css",
        "/public/.well-known/b.txt",
        "/storage/app/photo.png",
        "/a.txt",
        "/composer.json",
        "/public/b c.txt",
        "/public/é.txt",
        "/public/x.php/a.css",
        "/public/%41.txt",
        "/public/deep/er/f.js",
        "/storage/secret.txt",
    ] {
        assert!(served.get(file).is_some_and(|count| *count > 1), "{file}");
    }
    for file in [
        "/.env",
        "/public/.env",
        "/public/index.php",
        "/public/A.PHP",
        "OUTSIDE",
    ] {
        assert!(!served.contains_key(file), "{file}");
    }
}

#[test]
#[cfg_attr(miri, ignore = "makes system calls")]
fn folder_outside_of_the_package_is_its_own_root() {
    let disk = write_tree(
        "root",
        &BTreeMap::from([
            (String::new(), Node::Folder),
            ("/a.txt".to_string(), Node::File("a".to_string())),
            ("/up".to_string(), Node::Link("../outside.txt")),
        ]),
    );
    let package = disk.0.join("package");
    let folder = package.to_str().expect("UTF-8").to_string().leak();
    let files = StaticFiles::new(&Environment::new(), folder.as_bytes());
    assert!(files.is_usable());
    assert_eq!(content_of(&files, b"/a.txt").as_deref(), Some("a"));
    assert_eq!(content_of(&files, b"/up"), None);
    let gone = package.join("gone").to_str().expect("UTF-8").to_string();
    let files = StaticFiles::new(&Environment::new(), gone.leak().as_bytes());
    assert!(!files.is_usable());
}
