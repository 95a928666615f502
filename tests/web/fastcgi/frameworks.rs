//! Symfony's components and Laravel, from Debian's packages (`scripts/libraries.sh`).

use super::with_each;
use crate::site::Site;
use crate::support::front::{Request, Source};
use crate::support::skip::{has, skip};
use crate::support::{TempDir, hosting};
use std::path::Path;

/// A router, and responses of each kind.
const FRONT: &str = r#"<?php
use Symfony\Component\HttpFoundation\{Cookie, JsonResponse, RedirectResponse, Request, Response};
use Symfony\Component\HttpFoundation\StreamedResponse;
use Symfony\Component\Routing\{Exception, Matcher\UrlMatcher, RequestContext, Route};
use Symfony\Component\Routing\RouteCollection;
foreach (['HttpFoundation', 'Routing'] as $component) {
    require "/usr/share/php/Symfony/Component/$component/autoload.php";
}
$request = Request::createFromGlobals();
$routes = new RouteCollection();
$post = ['POST'];
$routes->add('show', new Route('/users/{name}', [], [], [], '', [], ['GET']));
$routes->add('create', new Route('/users', [], [], [], '', [], $post));
$routes->add('away', new Route('/away'));
$routes->add('stream', new Route('/stream'));
$context = (new RequestContext())->fromRequest($request);
try {
    $found = (new UrlMatcher($routes, $context))->match($request->getPathInfo());
    $name = $found['name'] ?? '';
    $response = match ($found['_route']) {
        'show' => new JsonResponse(['name' => $name, 'url' => $request->getUri(),
            'ip' => $request->getClientIp(), 'secure' => $request->isSecure(),
            'base' => $request->getBaseUrl(), 'lang' => $request->getLanguages()]),
        'create' => new JsonResponse(json_decode($request->getContent()), 201),
        'away' => new RedirectResponse('/users/x'),
        'stream' => new StreamedResponse(function () { echo 'a'; flush(); echo 'b'; }),
    };
} catch (Exception\MethodNotAllowedException) {
    $response = new Response('method', 405);
} catch (Exception\ResourceNotFoundException) {
    $response = new Response('not found', 404);
}
$response->headers->setCookie(Cookie::create('seen', '1'));
$response->headers->setCookie(Cookie::create('other', '2'));
$response->prepare($request)->send();
"#;

#[test]
fn symfony_routes_requests_of_every_source() {
    for component in ["HttpFoundation", "Routing"] {
        let file = format!("/usr/share/php/Symfony/Component/{component}/autoload.php");
        if !Path::new(&file).exists() {
            return skip("no packages php-symfony-http-foundation and php-symfony-routing");
        }
    }
    with_each(&[("public/index.php", FRONT)], &[], |php, site| {
        for source in Source::ALL {
            let place = format!("{php:?} {source:?}");
            let request = Request::new("GET", "/users/%C3%A9l%20a?x=1")
                .header("Host", "shop.example")
                .header("Accept-Language", "fr, en;q=0.5");
            let answer = site.ask(source, &request);
            assert_eq!(answer.status, 200, "{place}: {}", answer.text());
            let page: serde_json::Value = serde_json::from_str(&answer.text()).expect("JSON");
            assert_eq!(page["name"], "él a", "{place}");
            let url = page["url"].as_str().expect("a URL");
            assert!(
                url.contains("shop.example") && url.ends_with("/users/%C3%A9l%20a?x=1"),
                "{url}"
            );
            assert_eq!(page["ip"], "127.0.0.1", "{place}");
            assert_eq!(page["base"], "", "{place}");
            assert_eq!(page["lang"], serde_json::json!(["fr", "en"]), "{place}");
            if source != Source::AlbSingle {
                assert_eq!(answer.values("Set-Cookie").len(), 2, "{place}");
            }
            let body = Request::new("POST", "/users").typed("application/json", r#"{"a":"é"}"#);
            let answer = site.ask(source, &body);
            assert_eq!(answer.status, 201, "{place}");
            let page: serde_json::Value = serde_json::from_str(&answer.text()).expect("JSON");
            assert_eq!(page["a"], "é", "{place}");
            for (method, target, status) in [
                ("PUT", "/users", 405),
                ("GET", "/nowhere", 404),
                ("GET", "/away", 302),
                ("HEAD", "/users/x", 200),
            ] {
                let answer = site.ask(source, &Request::new(method, target));
                assert_eq!(answer.status, status, "{place} {method} {target}");
            }
            assert_eq!(
                site.ask(source, &Request::new("GET", "/stream")).text(),
                "ab",
                "{place}"
            );
        }
    });
}

/// A file of the application in `tests/web/servers/laravel`.
macro_rules! laravel {
    ($($name:literal),*) => {
        [$(($name, include_str!(concat!("../servers/laravel/", $name)))),*]
    };
}

/// Routes, validation, uploads, sessions in encrypted cookies, templates, commands.
const LARAVEL: [(&str, &str); 9] = laravel!(
    "public/index.php",
    "artisan",
    "bootstrap/app.php",
    "config/app.php",
    "config/logging.php",
    "config/session.php",
    "config/view.php",
    "resources/views/count.blade.php",
    "routes/web.php"
);

/// Whether Laravel is installed; if not, the skip is reported.
fn has_laravel() -> bool {
    let is_there = Path::new("/usr/share/php/Illuminate/Foundation/Application.php").exists();
    if !is_there {
        skip("no package php-laravel-framework");
    }
    is_there
}

#[test]
fn laravel_answers_requests_of_every_source() {
    if !has_laravel() {
        return;
    }
    let storage = TempDir::new();
    let variables = [("APP_STORAGE", storage.path().to_str().expect("UTF-8"))];
    with_each(&LARAVEL, &variables, |php, site| {
        for source in Source::ALL {
            let place = format!("{php:?} {source:?}");
            let request = Request::new("GET", "/users/%C3%A9l%20a?x=1&tags%5B%5D=a&tags%5B%5D=b")
                .header("Host", "shop.example");
            let answer = site.ask(source, &request);
            assert_eq!(answer.status, 200, "{place}: {}", answer.text());
            let page: serde_json::Value = serde_json::from_str(&answer.text()).expect("JSON");
            assert_eq!(page["name"], "él a", "{place}");
            let tags: &[&str] = match source {
                Source::AlbSingle => &["b"], // the last one of each name is all that the event has
                _ => &["a", "b"],
            };
            let query = serde_json::json!({ "x": "1", "tags": tags });
            assert_eq!(page["query"], query, "{place}");
            let route = page["route"].as_str().expect("a URL");
            assert!(route.ends_with("://shop.example/users/x"), "{route}");
            upload(site, source, &place);
            for (method, target, status) in [
                ("PUT", "/users", 405),
                ("GET", "/nowhere", 404),
                ("GET", "/away", 302),
                ("GET", "/fail", 500),
            ] {
                let answer = site.ask(source, &Request::new(method, target));
                assert_eq!(answer.status, status, "{place} {method} {target}");
            }
            let streamed = site.ask(source, &Request::new("GET", "/stream"));
            assert_eq!(streamed.text(), "ab", "{place}");
            if source != Source::AlbSingle {
                count(site, source, &place);
            }
        }
    });
}

/// Posts a form with a file, and one that is not valid.
fn upload(site: &Site, source: Source, place: &str) {
    let form = |email: &str| {
        format!(
            "--edge\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\n{email}\r\n--edge\r\n\
             Content-Disposition: form-data; name=\"photo\"; filename=\"a.jpg\"\r\n\
             Content-Type: image/jpeg\r\n\r\n{}\r\n--edge--\r\n",
            "x".repeat(3_000)
        )
    };
    let post = |email: &str| {
        let kind = "multipart/form-data; boundary=edge";
        let request = Request::new("POST", "/users").typed(kind, form(email));
        site.ask(source, &request.header("Accept", "application/json"))
    };
    let answer = post("ada@shop.example");
    assert_eq!(answer.status, 201, "{place}: {}", answer.text());
    let page: serde_json::Value = serde_json::from_str(&answer.text()).expect("JSON");
    let wanted = serde_json::json!({ "email": "ada@shop.example", "size": 3_000 });
    assert_eq!(page, wanted, "{place}");
    let answer = post("nobody");
    assert_eq!(answer.status, 422, "{place}: {}", answer.text());
}

/// Visits a page twice, as a browser would, with the cookies of the first answer.
fn count(site: &Site, source: Source, place: &str) {
    let mut cookies = String::new();
    for number in 1..3 {
        let request = Request::new("GET", "/count");
        let request = match cookies.as_str() {
            "" => request,
            _ => request.header("Cookie", &cookies),
        };
        let answer = site.ask(source, &request);
        let wanted = format!("<p>{number} &lt;b&gt;</p>\n");
        assert_eq!(answer.text(), wanted, "{place}");
        let set = answer.values("Set-Cookie");
        let pairs: Vec<&str> = set.iter().filter_map(|one| one.split(';').next()).collect();
        cookies = pairs.join("; ");
    }
}

#[test]
fn laravels_artisan_runs_commands() {
    if !has_laravel() || !has("php") {
        return;
    }
    let (dir, storage) = (super::task_root(&LARAVEL), TempDir::new());
    let start = hosting::start(&dir, "console:artisan")
        .variable("APP_STORAGE", storage.path().to_str().expect("UTF-8"));
    let site = Site::with(start);
    let post = |id: &str, event: &str| {
        site.post_of(&crate::support::api::Event::new(id, event.to_string()))
    };
    let output = |id: &str, event: &str| {
        let answer: serde_json::Value =
            serde_json::from_slice(&post(id, event).body).expect("JSON");
        let output = answer["output"].as_str();
        output.unwrap_or_else(|| panic!("{answer}")).to_string()
    };
    assert_eq!(output("a", r#"{"cli":"greet Ada --loud"}"#), "HELLO ADA\n");
    assert!(output("b", r#"["--version"]"#).starts_with("Laravel Framework 8."));
    assert!(output("c", r#""list""#).contains("greet"));
    let failed = post("d", r#"["greet","nobody"]"#);
    let text = String::from_utf8_lossy(&failed.body).into_owned();
    assert!(
        text.contains("exit status 3") && text.contains("hello nobody"),
        "{text}"
    );
    site.stop();
}
