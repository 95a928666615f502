<?php
// The PHP function with the commands that the tests send to every kind.
if (getenv('INIT')) {
    fwrite(STDERR, "at init\n");
    if (getenv('INIT') == 'exit')
        exit(5);
    throw new DomainException('broken at init');
}

function flood($bytes) {
    for (; $bytes > 0; $bytes -= 10000)
        fwrite(STDERR, str_repeat('l', min($bytes, 10000)));
}

function hello($event, $context) {
    if (!is_string($event) || strncmp($event, 'do:', 3))
        return $event;
    [$do, $argument] = explode(' ', substr($event, 3) . ' ', 2);
    $argument = rtrim($argument);
    switch ($do) {
        case 'fail':
            throw new RuntimeException($argument);
        case 'exit':
            exit((int) $argument);
        case 'killed':
            fwrite(STDERR, "before the end\n");
            posix_kill(getmypid(), 9);
            sleep(30);
        case 'orphan':
            shell_exec('sleep 30 >/dev/null &');
            posix_kill(getmypid(), 9);
            sleep(30);
        case 'sleep':
            fwrite(STDERR, "sleeps\n");
            usleep((int) ($argument * 1e6));
            return 'slept';
        case 'big':
            return str_repeat('x', (int) $argument);
        case 'flood':
            flood((int) $argument);
            return 'flooded';
        case 'later':
            $command = "sleep 0.2; head -c $argument /dev/zero | tr '\\0' l >&2; echo over >&2";
            proc_open("($command) &", [1 => STDERR, 2 => STDERR], $pipes);
            return 'later';
        case 'background':
            proc_open('sleep 30 &', [1 => STDOUT, 2 => STDERR], $pipes);
            return 'left';
        case 'log':
            fwrite(STDERR, "$argument\n");
            echo "$argument, again\n";
            return 'logged';
        case 'pid':
            return (string) getmypid();
        case 'trace':
            $id = getenv('_X_AMZN_TRACE_ID');
            return $id === false ? 'unset' : $id;
        case 'context':
            $of = [$context->awsRequestId, $context->invokedFunctionArn, $context->traceId, $context->tenantId];
            $of = array_map(function ($field) { return $field ?? '-'; }, $of);
            $of[] = $context->getRemainingTimeInMillis() > 0 ? 'yes' : 'no';
            return implode('|', $of);
        case 'client':
            return [$context->clientContext, $context->identity];
    }
    throw new RuntimeException("unknown: $do");
}
