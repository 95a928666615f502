//! A front controller of Symfony's components, from Debian's packages (`scripts/libraries.sh`).

use super::with_each;
use crate::support::front::{Request, Source};
use crate::support::skip::skip;
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
