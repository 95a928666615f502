<?php

// One function for each case.
function same($payload)
{
    return $payload;
}

function context($payload, $context)
{
    return [
        'aws_request_id' => $context->awsRequestId,
        'invoked_function_arn' => $context['invokedFunctionArn'],
        'tenant_id' => $context->getTenantId(),
        'function_name' => $context->functionName,
        'function_version' => $context->functionVersion,
        'memory_limit' => $context->memoryLimitInMB,
        'log_group_name' => $context->logGroupName,
        'log_stream_name' => $context->logStreamName,
        'client_app' => $context->clientContext['client']['app_title'] ?? null,
        'client_custom' => $context->clientContext['custom'] ?? null,
        'identity_id' => $context->identity['cognitoIdentityId'] ?? null,
        'identity_pool' => $context->identity['cognitoIdentityPoolId'] ?? null,
        'remaining_ms' => $context->getRemainingTimeInMillis(),
        'trace' => getenv('_X_AMZN_TRACE_ID') === false ? null : getenv('_X_AMZN_TRACE_ID'),
        'trace_of_child' => trim(shell_exec('printenv _X_AMZN_TRACE_ID')) ?: null,
    ];
}

function inner($message)
{
    throw new DomainException($message);
}

function throws($payload)
{
    inner($payload['message'] ?? 'it was thrown');
}

function odd_type($payload)
{
    throw new class ('odd') extends Exception {
    };
}

function exits($payload)
{
    exit($payload['status']);
}

function dies($payload)
{
    shell_exec('kill -9 ' . getmypid());
    sleep(60);
}

function slow($payload)
{
    usleep($payload['ms'] * 1000);
    return 'slept';
}

function logs($payload)
{
    $line = str_repeat('x', 99) . "\n";
    for ($bytes = 0; $bytes < $payload['bytes']; $bytes += 200) {
        echo $line;
        fwrite(STDERR, $line);
    }
    echo 'the end';
    return 'logged';
}

function big($payload)
{
    return str_repeat('a', $payload['bytes'] - 2);
}

function unfit($payload)
{
    return ['number' => NAN];
}

function descriptors($payload)
{
    return shell_exec('ls -l /proc/self/fd');
}

function memory($payload)
{
    ini_set('memory_limit', '16M');
    return str_repeat('a', 1 << 26);
}

function fatal($payload)
{
    trigger_error('a fatal one', E_USER_ERROR);
}

function buffers($payload)
{
    ob_start();
    echo 'buffered';
    throw new Exception('the level stays');
}

function warns($payload)
{
    return $payload['nothing of that name'];
}

function trace($payload)
{
    $name = '_X_AMZN_TRACE_ID';
    $child = trim(shell_exec("printenv $name") ?? '');
    $wanted = escapeshellarg($payload['wanted']);
    exec("test \"\${{$name}-unset}\" = $wanted", $nothing, $status);
    $seen = [getenv($name) === false ? null : getenv($name), $child === '' ? null : $child, $_ENV[$name] ?? null, $_SERVER[$name] ?? null];
    if (array_key_exists('leaves', $payload)) {
        putenv(isset($payload['leaves']) ? "$name=$payload[leaves]" : $name);
    }
    return ['seen' => $seen, 'forked' => $status === 0];
}
