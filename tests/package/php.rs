//! The layer with PHP, in a file system with nothing else but a function and `/tmp`.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::empty::{LIBRARIES, answer, start};
use crate::support::{self, TempDir};
use crate::{
    AARCH64, FIXED, can_chroot, cannot_be_had, elf, entries, output, script, skip, text, unzip,
};

/// The facts about PHP that depend on files and libraries.
pub const LAYER_FACTS: &str = r#"
error_log("a line of the log");
$common = ["json", "ctype", "iconv", "sodium", "zlib", "phar"];
$certificates = file_get_contents(openssl_get_cert_locations()["default_cert_file"]);
echo json_encode([
    "binary" => PHP_BINARY,
    "ini" => realpath(php_ini_loaded_file()),
    "extensions" => array_map("extension_loaded", $common),
    "mbstring" => extension_loaded("mbstring") ? mb_strtoupper("\u{e9}") : null,
    "summer" => (new DateTime("2026-07-01", new DateTimeZone("Europe/Berlin")))->format("c"),
    "latin1" => bin2hex(iconv("UTF-8", "ISO-8859-1", "\u{e9}")),
    "sjis" => bin2hex(iconv("UTF-8", "SHIFT_JIS", "\u{65e5}")),
    "certificates" => substr_count($certificates, "BEGIN CERTIFICATE") > 100,
    "setting" => $_ENV["SETTING"],
    "xml" => extension_loaded("dom") ? text_of_xml("SHIFT_JIS") : null,
    "number" => extension_loaded("intl") ? (new NumberFormatter("de", 1))->format(1234.5) : null,
]);
function text_of_xml($encoding) {
    $document = new DOMDocument();
    $text = iconv("UTF-8", $encoding, "\u{65e5}");
    $document->loadXML("<?xml version=\"1.0\" encoding=\"$encoding\"?><a>$text</a>");
    return $document->documentElement->textContent;
}
"#;

/// With the extensions `mbstring` and `xml`, which are no part of `php-cli`, and with `intl`, or
/// without them.
fn facts_expected(has_text: bool, has_intl: bool) -> Value {
    json!({
        "binary": "/opt/bin/php",
        "ini": "/opt/etc/php/cli/php.ini",
        "extensions": [true, true, true, true, true, true],
        "mbstring": has_text.then_some("\u{c9}"),
        "xml": has_text.then_some("\u{65e5}"),
        "number": has_intl.then_some("1.234,5"),
        "summer": "2026-07-01T00:00:00+02:00",
        "latin1": "e9",
        "sjis": "93fa",
        "certificates": true,
        "setting": "from the environment",
    })
}

/// The facts, from a PHP that has a folder for `/`.
fn facts(root: &Path, runner: &[&str]) -> Value {
    let mut command = Command::new("/usr/sbin/chroot");
    command.arg(root).args(runner);
    command.args(["/opt/bin/php", "-r", LAYER_FACTS]);
    command.env_clear().env("LD_LIBRARY_PATH", LIBRARIES);
    command.env("SETTING", "from the environment");
    let output = output(&mut command);
    assert!(output.status.success(), "{output:?}");
    let log = String::from_utf8(output.stderr).expect("text");
    assert_eq!(log, "a line of the log\n");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// A folder with the function and `/tmp`, where the layer is to come.
pub fn place() -> TempDir {
    let dir = TempDir::new();
    for name in ["tmp", "var/task"] {
        fs::create_dir_all(dir.path().join(name)).expect("make a folder");
    }
    dir
}

/// Unpacks the layer for this machine; `false`, and a skip, where packages cannot be had.
fn unpacked(place: &TempDir) -> bool {
    let (bootstrap, opt) = (support::bootstrap(), place.path().join("opt"));
    let to = ["--folder", text(&opt), "--bootstrap", text(&bootstrap)];
    let made = script("package.sh", &[&["layer", "--php"], &to[..]].concat());
    if cannot_be_had(&made) {
        return false;
    }
    assert!(made.status.success(), "{made:?}");
    true
}

#[test]
fn php_with_the_layer_alone_runs() {
    let place = place();
    if !can_chroot() || !unpacked(&place) {
        return;
    }
    assert_eq!(facts(place.path(), &[]), facts_expected(false, false));
    // PHP uses no library of the system: the libc of Amazon Linux differs.
    for name in ["libc.so.6", "libm.so.6", "libz.so.1"] {
        place.file(&format!("lib64/{name}"), b"not the one");
    }
    assert_eq!(facts(place.path(), &[]), facts_expected(false, false));
    fs::remove_dir_all(place.path().join("lib64")).expect("remove a folder");

    let code = "#!/opt/bin/php\n<?php\n$event = json_decode(file_get_contents('php://stdin'));\n\
                echo json_encode(['hello' => $event->name]);\n";
    place.executable("var/task/hello", code.as_bytes());
    let start = start(place.path(), "/opt/bootstrap", "hello");
    assert_eq!(answer(&start, "{\"name\":\"Ada\"}"), b"{\"hello\":\"Ada\"}");
}

#[test]
fn php_function_with_the_layer_alone_answers() {
    let place = place();
    if !can_chroot() || !unpacked(&place) {
        return;
    }
    let code = "<?php\nfunction hello($payload, $context)\n{\n\
                \x20   return ['hello' => $payload['name'], 'sapi' => PHP_SAPI];\n}\n";
    place.file("var/task/hello.php", code.as_bytes());
    let start = start(place.path(), "/opt/bootstrap", "hello");
    let body = answer(&start, "{\"name\":\"Ada\"}");
    let value: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(value, json!({ "hello": "Ada", "sapi": "cli" }));
}

#[test]
fn php_layer_for_arm64_is_complete_and_runs() {
    let dir = place();
    if !skip::has("unzip") || !skip::has("zip") {
        return;
    }
    let bootstrap = dir.executable("bootstrap", &elf(AARCH64, FIXED, None));
    let zip = dir.path().join("layer.zip");
    let with = ["mbstring", "xml", "intl"].map(|name| format!("--with-php-extension {name} "));
    let options = format!("layer --php {}--arch arm64", with.concat());
    let mut arguments: Vec<&str> = options.split(' ').collect();
    arguments.extend(["--out", text(&zip), "--bootstrap", text(&bootstrap)]);
    let made = script("package.sh", &arguments);
    if cannot_be_had(&made) {
        return;
    }
    assert!(made.status.success(), "{made:?}");

    let all = entries(&zip);
    let mode = |name: &str| {
        let entry = all.iter().find(|(_, other)| other == name);
        entry.unwrap_or_else(|| panic!("no {name}")).0.as_str()
    };
    for (mode, name) in &all {
        let plain = ["drwxr-xr-x", "-rwxr-xr-x", "-rw-r--r--"].contains(&mode.as_str());
        assert!(plain, "{mode} {name}");
    }
    let library = "lib/aarch64-linux-gnu";
    for name in [
        "bootstrap",
        "bin/php",
        &format!("{library}/ld-linux-aarch64.so.1"),
    ] {
        assert_eq!(mode(name), "-rwxr-xr-x", "{name}");
    }
    for name in [
        "etc/php/cli/php.ini",
        "etc/php/cli/conf.d/20-mbstring.ini",
        "share/doc/libonig5/copyright",
        "share/doc/php8.2-cli/copyright",
        &format!("{library}/libonig.so.5"),
    ] {
        assert_eq!(mode(name), "-rw-r--r--", "{name}");
    }
    if skip::has("qemu-aarch64-static") && can_chroot() {
        unzip(&zip, &dir.path().join("opt"));
        let qemu = fs::read("/usr/bin/qemu-aarch64-static").expect("read qemu");
        dir.executable("qemu", &qemu);
        let facts = facts(dir.path(), &["/qemu"]);
        assert_eq!(facts, facts_expected(true, true));
    }
}

#[test]
fn php_extension_unknown_is_refused() {
    let dir = TempDir::new();
    let zip = dir.path().join("layer.zip");
    let bootstrap = support::bootstrap();
    for (name, what) in [
        ("no-such-thing", "php.sh: no packages "),
        ("../x", "php.sh: invalid name of an extension '../x': "),
    ] {
        let to = ["--out", text(&zip), "--bootstrap", text(&bootstrap)];
        let with = ["layer", "--php", "--with-php-extension", name];
        let made = script("package.sh", &[&with, &to[..]].concat());
        if cannot_be_had(&made) {
            return;
        }
        let log = String::from_utf8(made.stderr).expect("text");
        assert_eq!(made.status.code(), Some(1), "{log}");
        assert!(log.starts_with(what) && log.lines().count() == 1, "{log}");
        assert!(!zip.exists());
    }
}
