<?php
// php-fpm behind Lambda, driven by PHP: a stand-in for Bref's FPM runtime, in whose structure it is written: a
// PHP process owns the Runtime API by its extension curl, starts php-fpm with one worker on a unix socket in
// /tmp, waits for that in naps of 5 ms, and makes a FastCGI request of each event and an answer of each page.
//
// Left out, which is to the stand-in's advantage: Composer's autoloader and a class for each part; all events
// but those of Function URLs and HTTP APIs (payload 2.0); cookies, multi-value headers and uploads; time limits;
// restarts of php-fpm; logs of php-fpm; typed errors; warm-up events; the secrets loader; the makers' telemetry.

// --- FastCGI: records and pairs, over one connection that stays open.

function record(int $type, string $content): string
{
    return pack('CCnnCC', 1, $type, 1, strlen($content), 0, 0) . $content;
}

function pairs(array $parameters): string
{
    $pairs = '';
    foreach ($parameters as $name => $value) {
        foreach ([$name, $value] as $text) {
            $length = strlen($text);
            $pairs .= $length < 128 ? chr($length) : pack('N', $length | 1 << 31);
        }
        $pairs .= $name . $value;
    }
    return $pairs;
}

function read_exactly($socket, int $bytes): string
{
    $read = '';
    while (strlen($read) < $bytes) {
        $part = fread($socket, $bytes - strlen($read));
        if ($part === '' || $part === false)
            throw new RuntimeException('php-fpm has closed the connection');
        $read .= $part;
    }
    return $read;
}

function write_all($socket, string $bytes): void
{
    while ($bytes !== '') {
        $count = fwrite($socket, $bytes);
        if (!$count)
            throw new RuntimeException('php-fpm does not read the request');
        $bytes = substr($bytes, $count);
    }
}

// The output of a page, header lines first.
function page($socket, array $parameters, string $body): string
{
    // A responder that keeps the connection.
    $request = record(1, "\0\1\1\0\0\0\0\0") . record(4, pairs($parameters)) . record(4, '');
    if ($body !== '') {
        foreach (str_split($body, 65535) as $part)
            $request .= record(5, $part);
    }
    write_all($socket, $request . record(5, ''));
    $output = '';
    while (true) {
        $head = unpack('Cversion/Ctype/nid/nlength/Cpadding/Creserved', read_exactly($socket, 8));
        $content = read_exactly($socket, $head['length'] + $head['padding']);
        if ($head['type'] === 3)
            return $output;
        if ($head['type'] === 6)
            $output .= substr($content, 0, $head['length']);
    }
}

// --- Events and answers.

function parameters(array $event, string $body): array
{
    $http = $event['requestContext']['http'];
    $root = getenv('LAMBDA_TASK_ROOT');
    $script = $root . '/' . getenv('_HANDLER');
    $query = $event['rawQueryString'];
    $headers = array_change_key_case($event['headers'] ?? []);
    $parameters = [
        'GATEWAY_INTERFACE' => 'FastCGI/1.0',
        'SCRIPT_FILENAME' => $script,
        'SCRIPT_NAME' => '/' . basename($script),
        'DOCUMENT_ROOT' => dirname($script),
        'REQUEST_METHOD' => $http['method'],
        'REQUEST_URI' => $event['rawPath'] . ($query === '' ? '' : "?$query"),
        'PATH_INFO' => $event['rawPath'],
        'QUERY_STRING' => $query,
        'REMOTE_ADDR' => $http['sourceIp'],
        'SERVER_PROTOCOL' => $http['protocol'],
        'SERVER_NAME' => $headers['host'] ?? 'localhost',
        'SERVER_PORT' => $headers['x-forwarded-port'] ?? '80',
        'CONTENT_LENGTH' => (string) strlen($body),
        'LAMBDA_REQUEST_CONTEXT' => json_encode($event['requestContext']),
    ];
    if (isset($headers['content-type']))
        $parameters['CONTENT_TYPE'] = $headers['content-type'];
    foreach ($headers as $name => $value)
        $parameters['HTTP_' . strtoupper(strtr($name, '-', '_'))] = $value;
    return $parameters;
}

function answer(string $output): array
{
    [$head, $body] = explode("\r\n\r\n", $output, 2);
    $status = 200;
    $headers = [];
    foreach (explode("\r\n", $head) as $line) {
        [$name, $value] = explode(':', $line, 2) + [1 => ''];
        if (strcasecmp($name, 'status') === 0)
            $status = (int) $value;
        else
            $headers[strtolower($name)] = trim($value);
    }
    return ['statusCode' => $status, 'headers' => $headers, 'body' => $body, 'isBase64Encoded' => false];
}

// --- The start of php-fpm, and the loop.

$place = '/tmp/php-fpm-driver-' . getmypid();
file_put_contents("$place.conf", "[global]\nerror_log = /dev/null\ndaemonize = no\n" .
    "[w]\nlisten = $place.sock\npm = static\npm.max_children = 1\nclear_env = no\n");
$program = is_file(__DIR__ . '/php-fpm') ? __DIR__ . '/php-fpm' : 'php-fpm';
$pipes = [];
$fpm = proc_open([$program, '-F', '-O', '-R', '-y', "$place.conf"], [['file', '/dev/null', 'r']], $pipes);
for ($naps = 0; !($socket = @stream_socket_client("unix://$place.sock")); $naps++) {
    if ($naps === 1000)
        exit(1);
    usleep(5000);
}
unlink("$place.conf");
unlink("$place.sock"); // connected: nothing else needs the name

$api = 'http://' . getenv('AWS_LAMBDA_RUNTIME_API') . '/2018-06-01/runtime/invocation';
$curl = curl_init();
curl_setopt($curl, CURLOPT_RETURNTRANSFER, true);
curl_setopt($curl, CURLOPT_TCP_NODELAY, true);
curl_setopt($curl, CURLOPT_HEADERFUNCTION, function ($curl, $line) use (&$id) {
    if (stripos($line, 'Lambda-Runtime-Aws-Request-Id:') === 0)
        $id = trim(substr($line, 30));
    return strlen($line);
});
while (true) {
    curl_setopt($curl, CURLOPT_HTTPGET, true);
    curl_setopt($curl, CURLOPT_URL, "$api/next");
    $event = curl_exec($curl);
    if ($event === false)
        exit(1);
    $event = json_decode($event, true);
    $body = $event['body'] ?? '';
    if ($event['isBase64Encoded'] ?? false)
        $body = base64_decode($body);
    $output = page($socket, parameters($event, $body), $body);
    curl_setopt($curl, CURLOPT_POSTFIELDS, json_encode(answer($output)));
    curl_setopt($curl, CURLOPT_HTTPHEADER, ['Content-Type: application/json', 'Expect:']);
    curl_setopt($curl, CURLOPT_URL, "$api/$id/response");
    curl_exec($curl);
}
