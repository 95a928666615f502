<?php
// Components of Symfony, as Debian packages them, and a small adapter from API Gateway's events.
require_once '/usr/share/php/Symfony/Component/HttpFoundation/autoload.php';
require_once '/usr/share/php/Symfony/Component/Routing/autoload.php';
require_once '/usr/share/php/Symfony/Component/EventDispatcher/autoload.php';

use Symfony\Component\EventDispatcher\EventDispatcher;
use Symfony\Component\EventDispatcher\GenericEvent;
use Symfony\Component\HttpFoundation\Cookie;
use Symfony\Component\HttpFoundation\JsonResponse;
use Symfony\Component\HttpFoundation\Request;
use Symfony\Component\HttpFoundation\Response;
use Symfony\Component\Routing\Matcher\UrlMatcher;
use Symfony\Component\Routing\RequestContext;
use Symfony\Component\Routing\Route;
use Symfony\Component\Routing\RouteCollection;

$routes = new RouteCollection();
$routes->add('find', new Route('/users/{id}', [], ['id' => '\d+'], [], '', [], ['GET']));
$routes->add('rename', new Route('/users/{id}', [], ['id' => '\d+'], [], '', [], ['POST']));

$dispatcher = new EventDispatcher();
$dispatcher->addListener('found', function (GenericEvent $event) {
    file_put_contents('php://stderr', "found {$event->getSubject()}\n");
});

return function (array $event) use ($routes, $dispatcher): array {
    $method = $event['requestContext']['http']['method'] ?? $event['httpMethod'];
    $path = $event['rawPath'] ?? $event['path'];
    $query = http_build_query($event['queryStringParameters'] ?? []);
    $request = Request::create("$path?$query", $method, [], [], [], [], $event['body'] ?? null);
    $context = (new RequestContext())->fromRequest($request);
    $match = (new UrlMatcher($routes, $context))->match($request->getPathInfo());
    if ($match['_route'] === 'find') {
        $dispatcher->dispatch(new GenericEvent($match['id']), 'found');
        $response = new JsonResponse(['id' => $match['id'], 'verbose' => $request->query->getInt('verbose')]);
        $response->headers->setCookie(Cookie::create('seen', '1'));
    } else {
        $response = new Response('<p>' . $request->toArray()['name'] . '</p>', 201);
    }
    $response->headers->remove('date');
    return [
        'statusCode' => $response->getStatusCode(),
        'multiValueHeaders' => $response->headers->all(),
        'body' => $response->getContent(),
    ];
};
