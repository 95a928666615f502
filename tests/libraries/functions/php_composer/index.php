<?php
// The runtime loads vendor/autoload.php before this file, as Bref does.
use App\Users\Finder;

$finder = new Finder(App\greeting());

return fn (array $event): array => ['statusCode' => 200, 'body' => $finder->find($event['rawPath'])];
