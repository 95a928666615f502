//! DokuWiki and Adminer, as Debian packages them, behind `fastcgi:`, clicked through in Chromium
//! by way of the front of a load balancer.

use super::chromium::{Browser, PROGRAM};
use super::site::Site;
use crate::support::front::Source;
use crate::support::{TempDir, random, skip};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Whether browser, php-fpm and an application are installed; reports a skip when they are not.
fn has(application: &str) -> bool {
    let fpm = ["/usr/sbin/php-fpm8.2", "/usr/sbin/php-fpm8.4"];
    if !fpm.iter().any(|path| Path::new(path).exists()) {
        skip::skip("no php-fpm: scripts/libraries.sh installs it");
        return false;
    }
    if !Path::new(application).exists() {
        skip::skip(&format!(
            "no {application}: scripts/libraries.sh installs it"
        ));
        return false;
    }
    skip::has(PROGRAM)
}

fn run(command: &mut Command) {
    let status = command.status().expect("run a command");
    assert!(status.success(), "{command:?}: {status}");
}

/// DokuWiki in a folder of its own, with one user and everything that it writes.
fn install_wiki(dir: &TempDir) {
    let wiki = dir.path().join("wiki");
    for (from, to) in [
        ("/usr/share/dokuwiki", "wiki"),
        ("/var/lib/dokuwiki/data", "wiki/data"),
        ("/etc/dokuwiki", "wiki/conf"),
    ] {
        run(Command::new("cp")
            .args(["-rLT", from])
            .arg(dir.path().join(to)));
    }
    // Debian's file moves the configuration to /etc.
    fs::remove_file(wiki.join("inc/preload.php")).expect("remove a file");
    let conf = "<?php $conf['title'] = 'Tested'; $conf['useacl'] = 1; $conf['license'] = '';
        $conf['superuser'] = '@admin'; $conf['savedir'] = './data'; $conf['updatecheck'] = 0;";
    fs::write(wiki.join("conf/local.php"), conf).expect("write a file");
    let acl = "* @ALL 1\n* @user 8\n";
    fs::write(wiki.join("conf/acl.auth.php"), acl).expect("write a file");
    // md5 of "password", which DokuWiki takes.
    let user = "ada:5f4dcc3b5aa765d61d8327deb882cf99:Ada:ada@example.test:admin,user\n";
    fs::write(wiki.join("conf/users.auth.php"), user).expect("write a file");
}

#[test]
fn dokuwiki_in_a_browser_logs_in_edits_and_uploads() {
    if !has("/usr/share/dokuwiki/doku.php") {
        return;
    }
    let dir = TempDir::new();
    install_wiki(&dir);
    let site = Site::start(&dir, "fastcgi:wiki/index.php");
    let address = site.front(Source::AlbMulti).address();
    let mut browser = Browser::start();
    click_through_wiki(&mut browser, &format!("http://{address}"), &dir);
    site.stop();
}

fn click_through_wiki(browser: &mut Browser, address: &str, dir: &TempDir) {
    // Its index redirects to the page.
    browser.open(&format!("{address}/"));
    browser.until("the page exists", "document.title.includes('[Tested]')");
    // Scripts and styles are made by PHP and found beside it.
    browser.until(
        "the script runs",
        "window.jQuery && document.styleSheets.length > 0",
    );

    browser.open(&format!("{address}/doku.php?id=start&do=login"));
    browser.fill("#dw__login [name=u]", "ada");
    browser.fill("#dw__login [name=p]", "password");
    browser.click("#dw__login button[type=submit]");
    browser.until(
        "Ada is logged in",
        "document.querySelector('.user')?.innerText.includes('Ada')",
    );

    browser.open(&format!("{address}/doku.php?id=notes:grüße&do=edit"));
    let text = "====== Grüße ======\n\nA cup ☕, a sign &amp; a <tag>.\n";
    browser.fill("#wiki__text", text);
    browser.click("#edbtn__save");
    browser.until(
        "the page is saved",
        "document.querySelector('#dokuwiki__content h1')?.innerText.trim() === 'Grüße' &&
            document.body.innerText.includes('A cup ☕, a sign &amp; a <tag>.')",
    );
    let page = dir.path().join("wiki/data/pages/notes/gruesse.txt");
    let saved = fs::read_to_string(page).expect("read the page");
    assert_eq!(saved.trim(), text.trim());

    // An upload by a script of the page, which sends it as the body of a request.
    let picture = picture();
    let file = dir.file("upload.png", &picture);
    browser.open(&format!(
        "{address}/doku.php?id=start&do=media&ns=notes&tab_files=upload"
    ));
    browser.choose_file("#mediamanager__uploader input[type=file]", &file);
    browser.click("#mediamanager__upload_button");
    browser.until(
        "the file is uploaded",
        "document.querySelector('.qq-upload-success, .success')",
    );
    let media = dir.path().join("wiki/data/media/notes/upload.png");
    assert!(fs::read(media).expect("the uploaded file") == picture);
    let length = browser.evaluate(
        "fetch('/lib/exe/fetch.php?media=notes:upload.png')
            .then((answer) => answer.arrayBuffer()).then((bytes) => bytes.byteLength)",
    );
    assert_eq!(length, picture.len());
    assert_loaded(browser);
}

/// A PNG of 16 by 16 pixels with noise behind its end, 400 KB.
fn picture() -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x10\x08\0\0\0\0".to_vec();
    bytes.extend_from_slice(&random::noise(9, 400_000));
    bytes
}

/// Everything that the pages asked for was there, and no script failed.
fn assert_loaded(browser: &mut Browser) {
    let failures = browser.failures();
    let failures = failures
        .iter()
        .filter(|(_, what)| !what.ends_with("/favicon.ico"));
    let failures: Vec<_> = failures.collect();
    assert!(failures.is_empty(), "{failures:?}");
    assert!(
        browser.exceptions().is_empty(),
        "{:?}",
        browser.exceptions()
    );
    assert!(browser.answers() > 10, "{} answers", browser.answers());
}

/// Adminer refuses a database without a password unless a class allows it.
const ADMINER: &str = "<?php
function adminer_object() {
    class OpenAdminer extends Adminer {
        function login($login, $password) { return true; }
    }
    return new OpenAdminer;
}
include '/usr/share/adminer/adminer.php';
";

#[test]
fn adminer_in_a_browser_logs_in_queries_and_imports() {
    if !has("/usr/share/adminer/adminer.php") {
        return;
    }
    let dir = TempDir::new();
    dir.file("public/index.php", ADMINER.as_bytes());
    let site = Site::start(&dir, "fastcgi:public/index.php");
    let address = site.front(Source::AlbMulti).address();
    let mut browser = Browser::start();
    click_through_adminer(&mut browser, &format!("http://{address}"), &dir);
    site.stop();
}

fn click_through_adminer(browser: &mut Browser, address: &str, dir: &TempDir) {
    let database = dir.file("data.sqlite", b"");
    let database = database.to_str().expect("a path in UTF-8");
    browser.open(&format!("{address}/"));
    browser.fill("[name='auth[driver]']", "sqlite");
    browser.fill("[name='auth[db]']", database);
    browser.click("form input[type=submit]");
    browser.until(
        "the database is open",
        "document.querySelector('#logout, [name=logout]')",
    );

    // The file has the answer to the query below.
    let statements = "CREATE TABLE cups (name TEXT);
        INSERT INTO cups VALUES ('grüße ☕'), ('a & b'), (NULL);\n";
    let comment = format!("-- {}\n", "x".repeat(300_000));
    let file = dir.file("cups.sql", (statements.to_string() + &comment).as_bytes());
    let base = browser.evaluate("document.location.href");
    let base = base.as_str().expect("an address").to_string();
    browser.open(&format!("{base}&import="));
    browser.choose_file("[name='sql_file[]']", &file);
    browser.click("input[type=submit][value=Execute]");
    browser.until(
        "the file is executed",
        "document.body.innerText.includes('2 queries executed OK')",
    );

    browser.open(&format!("{base}&select=cups"));
    browser.until(
        "the rows are listed",
        "document.querySelector('#table')?.innerText.includes('grüße ☕') &&
            document.querySelector('#table').innerText.includes('a & b')",
    );
    browser.open(&format!("{base}&edit=cups"));
    browser.fill("[name='fields[name]']", "typed \"in\" <here>");
    browser.click("input[type=submit][value=Save]");
    browser.until(
        "the new row is listed",
        "document.querySelector('#table')?.innerText.includes('typed \"in\" <here>')",
    );
    assert_loaded(browser);
}

/// The browser and the fixtures, without a bootstrap: PHP's own server in place of it.
#[test]
fn browser_without_bootstrap_clicks_through_both() {
    if !has("/usr/share/dokuwiki/doku.php") || !has("/usr/share/adminer/adminer.php") {
        return;
    }
    let dir = TempDir::new();
    install_wiki(&dir);
    dir.file("public/index.php", ADMINER.as_bytes());
    for (folder, clicks) in [
        (
            "wiki",
            click_through_wiki as fn(&mut Browser, &str, &TempDir),
        ),
        ("public", click_through_adminer),
    ] {
        let port = std::net::TcpListener::bind("127.0.0.1:0").expect("bind 127.0.0.1:0");
        let address = port.local_addr().expect("an address").to_string();
        drop(port);
        let mut command = Command::new("php");
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
            .args(["-S", &address, "-t"])
            .arg(dir.path().join(folder));
        let mut child = crate::support::spawn(&mut command);
        crate::support::until("php answers", || {
            std::net::TcpStream::connect(&address).is_ok()
        });
        let mut browser = Browser::start();
        clicks(&mut browser, &format!("http://{address}"), &dir);
        drop(browser);
        child.kill().expect("kill php");
        child.wait().expect("wait for php");
    }
}
