//! The first page of an application of 300 classes, with a filled opcache file cache and without.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Instant;

use super::direct::{start_fpm, terminate};
use super::fastcgi::Client;
use super::support::Mode;
use super::support::figures::{Report, alternate, ratios, us};

const CLASSES: usize = 300;
/// Makes 2.6 MB of source in all.
const METHODS: usize = 40;

/// Measures the page, once php-fpm has started and answered a page without a class.
pub fn measure(mode: Mode, program: &Path, folder: &Path) {
    let _ = fs::remove_dir_all(folder);
    for name in ["app", "filled", "linked"] {
        fs::create_dir_all(folder.join(name)).expect("make a folder");
    }
    write_classes(&folder.join("app"));
    let page = |settings: &[&str]| {
        let (mut process, name) = start_fpm(program, folder, settings);
        let mut client = Client::connect(name.as_bytes());
        let mut request = |file: &str| {
            let script = folder.join("app").join(file);
            client.page(&script.to_string_lossy(), "/", b"").body
        };
        assert_eq!(request("ready.php"), b"ready");
        let sent = Instant::now();
        let body = request("index.php");
        let time = us(sent.elapsed());
        terminate(&mut process);
        assert_eq!(body, CLASSES.to_string().as_bytes());
        time
    };
    // As scripts/opcache.sh fills it: files that are younger than two seconds, too.
    let setting = |name: &str| format!("opcache.file_cache={}", folder.join(name).display());
    let young = "opcache.file_update_protection=0";
    page(&[&setting("filled"), young]);
    // As `bootstrap` links it: PHP takes a folder that it may write, with the link in it.
    let build = fs::read_dir(folder.join("filled"))
        .expect("list the cache")
        .next();
    let build = build.expect("a cache").expect("an entry").file_name();
    let to = folder.join("filled").join(&build);
    symlink(to, folder.join("linked").join(&build)).expect("link the cache");

    let linked = setting("linked");
    let with = || page(&[&linked, "opcache.validate_timestamps=0"]);
    let without = || page(&[]);
    let (with, without) = alternate(mode.of(1, 5, 20), with, without);
    let name = |what: &str| format!("{CLASSES} classes: {what}");
    let ratio = ratios(&with, &without);
    let report = Report::new("opcache", mode != Mode::Check).beside("no cache");
    report.add(
        &name("first page, packaged cache"),
        "us",
        &with,
        Some(&ratio),
    );
    report.add(&name("first page, no cache"), "us", &without, None);
}

/// A method with a constant, arrays and a loop; N is its number.
const METHOD: &str = "
    /** Makes a list. */
    public function mN(int $a = N, string ...$rest): array
    {
        $x = ['kN' => $a * N, 'rest' => implode(',', $rest)];
        foreach ($x as $k => $v) {
            if ($k === 'kN') $x[$k] .= 'text N';
        }
        return $x;
    }
";

/// A class that inherits and implements; N is its number, P that of the one before.
const CLASS: &str = "<?php
namespace App\\NN;
interface IN {}
class Base {}
class CN extends \\App\\NP\\Base implements IN
{";

fn write_classes(folder: &Path) {
    for at in 0..CLASSES {
        let parent = format!("N{}\\Base", at.saturating_sub(1));
        let class = CLASS.replace("NP\\Base", &parent);
        let class = class.replace("NN", &format!("N{at}"));
        let class = class
            .replace("IN", &format!("I{at}"))
            .replace("CN", &format!("C{at}"));
        let method = |number: usize| METHOD.replace('N', &number.to_string());
        let methods: String = (0..METHODS).map(method).collect();
        let path = folder.join(format!("C{at}.php"));
        fs::write(path, format!("{class}{methods}}}\n")).expect("write a class");
    }
    let index = format!(
        "<?php\nfor ($i = 0; $i < {CLASSES}; $i++) require __DIR__ . \"/C$i.php\";\necho $i;\n"
    );
    fs::write(folder.join("index.php"), index).expect("write a page");
    fs::write(folder.join("ready.php"), "<?php echo 'ready';").expect("write a page");
}
