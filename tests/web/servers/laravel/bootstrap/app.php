<?php
use Illuminate\Contracts;
use Illuminate\Foundation;
error_reporting(E_ALL & ~E_DEPRECATED);
$app = new Foundation\Application(dirname(__DIR__));
// The task root is read-only on Lambda.
$storage = getenv('APP_STORAGE');
$app->useStoragePath($storage);
foreach (['SERVICES', 'PACKAGES', 'CONFIG', 'ROUTES', 'EVENTS'] as $cache) {
    $_ENV["APP_{$cache}_CACHE"] = "$storage/$cache.php";
}
$app->singleton(Contracts\Http\Kernel::class, Foundation\Http\Kernel::class);
$app->singleton(Contracts\Console\Kernel::class, Foundation\Console\Kernel::class);
$app->singleton(Contracts\Debug\ExceptionHandler::class, Foundation\Exceptions\Handler::class);
return $app;
