<?php

namespace App\Functions;

// What functions for Bref do. Here is no package of Bref: the worker has its context and its interface.
class Listener implements \Bref\Event\Handler
{
    public function handle(mixed $event, \Bref\Context\Context $context): mixed
    {
        return ['handle', $event, $context->getAwsRequestId()];
    }

    public function __invoke()
    {
        return ['invoke'];
    }
}

function context($event, $context)
{
    $fake = \Bref\Context\Context::fake();
    return [
        'keys' => array_keys(json_decode(json_encode($context), true)),
        'is_serializable' => $context instanceof \JsonSerializable,
        'variable' => getenv('LAMBDA_INVOCATION_CONTEXT') === json_encode($context) && $_SERVER['LAMBDA_INVOCATION_CONTEXT'] === json_encode($context),
        'request_id' => [getenv('LAMBDA_REQUEST_ID'), $_ENV['LAMBDA_REQUEST_ID']],
        'class' => get_class($context),
        'fake' => $fake->getAwsRequestId(),
        'fake_ms' => $fake->getRemainingTimeInMillis(),
        'made' => (new \Bref\Context\Context('r', 1, 'a', 't'))->getTraceId(),
    ];
}

function settings($event)
{
    return [ini_get('memory_limit'), error_reporting(), $_ENV['APP_KEY'] ?? null, $_SERVER['argc'], count($GLOBALS['argv'])];
}

function generates()
{
    yield 1;
}

function previous()
{
    throw new \RuntimeException('third', 0, new \LogicException("second \xff", 0, new \DomainException('first')));
}

function previous_long()
{
    $error = null;
    for ($count = 0; $count < 100; $count++) {
        $error = new \RuntimeException(str_repeat("\1", 100000), 0, $error);
    }
    throw $error;
}

function forks($event)
{
    $pid = pcntl_fork();
    if ($pid === 0) {
        if ($event['child'] === 'throws') {
            throw new \Exception('in the child');
        }
        return $event['child'] === 'exits' ? exit(3) : 'of the child';
    }
    pcntl_waitpid($pid, $status);
    return pcntl_wexitstatus($status);
}

function warns()
{
    echo $nothing;
    trigger_error('a notice', E_USER_NOTICE);
    throw new \Exception('of the event');
}

return isset($_SERVER['RETURNS_HANDLER']) ? new Listener() : null;
