//! Tests of paths, types and tags of static files.

mod random_paths;
mod tree;

use super::*;
use std::collections::BTreeMap;
use std::string::String;
use std::vec::Vec;

#[test]
fn path_that_names_a_file_is_public() {
    let paths = "\
        / /a /a.css /a/b.c/d /a/ //a /é /a.b..c /a% /.well-known/security.txt \
        /.well-known/a/b /php /php/a.css /x.php/a.css /a.phpx /a.mp3 /a.ph /aphp /incs.txt \
        /a.inch /~a /a~";
    for path in paths.split_ascii_whitespace().chain(["/a b", "/a\\b"]) {
        assert!(is_public(path.as_bytes()), "{path}");
    }
}

#[test]
fn path_that_is_hidden_or_code_is_not_public() {
    let paths = "\
        a a/b /.env /.git/config /a/.htaccess /.. /../a /a/.. /a/../b /. /./a /... /a/. \
        /.well-known /.well-known/.env /.well-known/../.env /a/.well-known/b //.well-known/b \
        /.well-knownx/a /a.php /a.PHP /a.pHp /a.php5 /a.php81 /a.phtml /a.PHTML /a.phar \
        /a.phps /a.pht /a.inc /a.INC /b/index.php /index.php~ /a.b.php /a.php7~";
    for path in paths
        .split_ascii_whitespace()
        .chain(["", "/a\0.css", "/a\n", "/a\x7f", "/\t"])
    {
        assert!(!is_public(path.as_bytes()), "{path:?}");
    }
}

/// Names of files, and their types.
const TYPES: &str = "\
a.html | text/html; charset=utf-8
a.htm | text/html; charset=utf-8
a.css | text/css; charset=utf-8
a.js | text/javascript; charset=utf-8
a.mjs | text/javascript; charset=utf-8
a.json | application/json
a.js.map | application/json
a.txt | text/plain; charset=utf-8
a.log | text/plain; charset=utf-8
a.svg | image/svg+xml
a.png | image/png
a.jpg | image/jpeg
a.jpeg | image/jpeg
a.webp | image/webp
a.gif | image/gif
a.avif | image/avif
a.ico | image/x-icon
a.woff2 | font/woff2
a.woff | font/woff
a.ttf | font/ttf
a.otf | font/otf
a.webmanifest | application/manifest+json
a.xml | application/xml
a.xsl | application/xml
a.wasm | application/wasm
a.pdf | application/pdf
a.csv | text/csv; charset=utf-8
a.md | text/markdown; charset=utf-8
a.ics | text/calendar; charset=utf-8
a.vtt | text/vtt; charset=utf-8
a.rss | application/rss+xml
a.atom | application/atom+xml
a.zip | application/zip
a.tar.gz | application/gzip
a.mp4 | video/mp4
a.m4v | video/mp4
a.webm | video/webm
a.mp3 | audio/mpeg
a.m4a | audio/mp4
a.ogg | audio/ogg
a.oga | audio/ogg
a.wav | audio/wav
a.bmp | image/bmp
a.eot | application/vnd.ms-fontobject
b.css/a.PNG | image/png
a | application/octet-stream
a. | application/octet-stream
css | application/octet-stream
a.css/b | application/octet-stream
a.x | application/octet-stream
a.html htm | application/octet-stream
 | application/octet-stream
";

#[test]
fn type_of_each_extension_is_the_registered_one() {
    let rows = TYPES.lines().filter_map(|line| line.split_once(" | "));
    for (name, wanted) in rows {
        let found = String::from_utf8_lossy(content_type(name.as_bytes()));
        assert_eq!(found, wanted, "{name}");
    }
    assert_eq!(TYPES.lines().count(), 52);
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
