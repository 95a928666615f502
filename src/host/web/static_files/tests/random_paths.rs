//! Random paths: what is served is what another resolver finds.

use super::super::*;
use super::tree::{Node, resolve, tree, write_tree};
use std::collections::BTreeMap;
use std::ffi::CString;
use std::format;
use std::os::unix::ffi::OsStrExt;
use std::string::{String, ToString};
use std::vec::Vec;

/// What random paths are made of; slashes are frequent.
const TOKENS: &str = "\
    / / / / %2f %2F a.txt css a.css storage photo.png .. . %2e%2e %2E ..%2f %00 .env A.PHP \
    index.php up out passwd far loop link.txt hop round away gone pipe .well-known b.txt \
    x.php b%20c.txt %C3%A9.txt %c3%a9.txt %2541.txt %41.txt deep er f.js etc public package \
    outside.txt secret.txt app % %zz %2 \\ ~ a composer.json .git config %252e%252e ..; // \
    %5c";

/// Paths that exist, or nearly so.
const KNOWN: &str = "\
    /a.txt /css/a.css /.well-known/b.txt /storage/photo.png /up/a.txt /up/composer.json \
    /é.txt /x.php/a.css /%2541.txt /deep/er/f.js /up/storage/secret.txt /up/.env /.env \
    /index.php /A.PHP /round/a.css /hop /out/outside.txt /far /passwd /deep/../a.txt \
    /up/public/a.txt /pipe /.git/config /storage/../secret.txt";

/// The files that may be served.
const SERVED: &str = "\
    /public/a.txt /public/css/a.css /public/.well-known/b.txt /storage/app/photo.png /a.txt \
    /composer.json /public/é.txt /public/x.php/a.css /public/%41.txt /public/deep/er/f.js \
    /storage/secret.txt";

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

/// Makes paths at random.
struct Paths {
    state: u64,
    tokens: Vec<&'static str>,
    known: Vec<&'static str>,
}

impl Paths {
    fn new() -> Paths {
        let mut known: Vec<&str> = KNOWN.split(' ').collect();
        known.push("/b c.txt");
        Paths {
            state: 0x2545_f491_4f6c_dd1d,
            tokens: TOKENS.split(' ').collect(),
            known,
        }
    }

    fn below(&mut self, end: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state % end as u64) as usize
    }

    fn token(&mut self) -> &'static str {
        let number = self.below(self.tokens.len());
        self.tokens[number]
    }

    /// A path that exists, encoded here and there, and sometimes with something in between.
    fn variant(&mut self) -> Vec<u8> {
        let number = self.below(self.known.len());
        let mut path = Vec::new();
        for byte in self.known[number].bytes() {
            match self.below(24) {
                0 => path.extend(format!("%{byte:02x}").bytes()),
                1 => path.extend(format!("%{byte:02X}").bytes()),
                2 if self.below(8) == 0 => path.extend(self.token().bytes()),
                _ => path.push(byte),
            }
        }
        path
    }

    fn any(&mut self) -> Vec<u8> {
        let mut path = b"/".to_vec();
        for _ in 0..1 + self.below(6) {
            path.extend(self.token().bytes());
            if self.below(2) == 0 {
                path.push(b'/');
            }
        }
        path
    }
}

#[test]
#[cfg_attr(miri, ignore = "makes system calls")]
fn paths_by_the_million_give_what_another_resolver_gives() {
    let tree = tree();
    let disk = write_tree("tree", &tree);
    let package = CString::new(disk.0.join("package").as_os_str().as_bytes()).expect("no NUL");
    let files = StaticFiles {
        root: open_root(package.as_bytes_with_nul()),
        folder: b"public",
        log_lines: Cell::new(1),
    };
    let mut paths = Paths::new();
    let mut served = BTreeMap::new();
    for number in 0..1_000_000 {
        let path = match number % 2 {
            0 => paths.any(),
            _ => paths.variant(),
        };
        let decoded = decode(&path);
        let wanted = (is_allowed(&decoded) && !decoded.ends_with(b"/"))
            .then(|| String::from_utf8(decoded).ok())
            .flatten()
            .and_then(|decoded| resolve(&tree, &format!("public/{decoded}")));
        let found = content_of(&files, &path);
        assert_eq!(found, wanted, "{}", String::from_utf8_lossy(&path));
        if let Some(content) = found {
            *served.entry(content).or_insert(0) += 1;
        }
    }
    // Everything that may be served was, and by more than one path.
    for file in SERVED.split(' ').chain(["/public/b c.txt"]) {
        assert!(served.get(file).is_some_and(|count| *count > 1), "{file}");
    }
    for file in "/.env /public/.env /public/index.php /public/A.PHP OUTSIDE".split(' ') {
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
