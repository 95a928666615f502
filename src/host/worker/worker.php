// The worker for PHP: `php FLAGS -r THIS -- FILE NAME`, so there is no opening tag.
//
// What is shipped has no lines that begin with `//` and no indentation: no string goes over a line.
// It runs from PHP 7.3 on.
namespace Tinderbox;

// The fields are properties and keys, in the names of Node's managed runtime, and have getters,
// in the names of Bref.
class Context extends \ArrayObject {
	function getRemainingTimeInMillis() {
		return max(0, $this->deadlineMs - (int) (microtime(true) * 1000));
	}
	function __call($name, $none) {
		return $this[lcfirst(substr($name, 3))];
	}
}
// Functions that ask for Bref's context by its type get this one.
class_alias(Context::class, 'Bref\Context\Context');

// The channel; the process that may use it; what the file returns; how a report of the end of the process begins, null when
// nobody waits for one.
class Worker {
	static $channel, $pid, $returned, $hand = 'init-error';
}

// When the channel is broken, the runtime is gone, and nobody wants to hear more.
function send($head, $body) {
	Worker::$hand = null;
	// A child that the handler forked has nothing to answer: it exits, with the status that it wants.
	if (getmypid() != Worker::$pid)
		return strncmp($head, 'fatal', 5) ? exit(0) : null;
	foreach (["$head\n", $body] as $data)
		for (; $data != ''; $data = substr($data, $bytes))
			if (!$bytes = @fwrite(Worker::$channel, $data))
				exit(0);
}

// An answer: what `send` wants. The name of an anonymous class has a NUL and a path. The cuts keep the
// body below its limit.
function report($head, $type, $message, $trace) {
	$type = substr(preg_replace('/[^!-~]/', '_', strtok($type, "\0")), 0, 128);
	foreach ($trace as &$line)
		$line = substr($line, 0, 300);
	// INVALID_UTF8_SUBSTITUTE, UNESCAPED_UNICODE, UNESCAPED_SLASHES
	$body = json_encode(['errorType' => $type, 'errorMessage' => substr($message, 0, 20000), 'stackTrace' => $trace], 2097472);
	return ["$head " . strlen($body) . " $type", $body];
}
function thrown($head, $error) {
	$trace = [$error->getFile() . ':' . $error->getLine()];
	foreach (array_slice(explode("\n", $error->getTraceAsString(), 52), 0, 50) as $line)
		if (!preg_match('/Command line code|{main}$/', $line))
			$trace[] = $line;
	// It may be no text, and an error handler may throw at that.
	try {
		$message = $error->getMessage();
	} catch (\Throwable $odd) {
		$message = 'the message is no text';
	}
	return report($head, get_class($error), $message, $trace);
}

function read($bytes) {
	return $bytes ? stream_get_contents(Worker::$channel, $bytes) : '';
}
// An invoke without a payload is `{}` for Lambda.
function decode($text) {
	return json_decode($text === '' ? '{}' : $text, true, 512, JSON_THROW_ON_ERROR);
}

function context($text) {
	preg_match_all('/^([^=\n]*)=(.*)/m', $text, $found);
	$of = array_combine($found[1], $found[2]);
	$trace = $of['trace-id'] ?? null;
	putenv('_X_AMZN_TRACE_ID' . (isset($trace) ? "=$trace" : ''));
	$_ENV['_X_AMZN_TRACE_ID'] = $_SERVER['_X_AMZN_TRACE_ID'] = $trace;
	if (!isset($trace))
		unset($_ENV['_X_AMZN_TRACE_ID'], $_SERVER['_X_AMZN_TRACE_ID']);
	$env = function ($name) {
		return getenv("AWS_LAMBDA_$name") ?: null;
	};
	// Without a deadline, the longest that Lambda gives.
	return new Context([
		'awsRequestId' => $of['request-id'] ?? null,
		'deadlineMs' => $of['deadline-ms'] ?? (time() + 900) * 1000,
		'invokedFunctionArn' => $of['function-arn'] ?? null,
		'traceId' => $trace,
		'tenantId' => $of['tenant-id'] ?? null,
		'clientContext' => decode($of['client-context'] ?? 'null'),
		'identity' => decode($of['cognito-identity'] ?? 'null'),
		'functionName' => $env('FUNCTION_NAME'),
		'functionVersion' => $env('FUNCTION_VERSION'),
		'memoryLimitInMB' => $env('FUNCTION_MEMORY_SIZE'),
		'logGroupName' => $env('LOG_GROUP_NAME'),
		'logStreamName' => $env('LOG_STREAM_NAME'),
	], 2);
}

function serve($path, $name) {
	$handler = is_callable(Worker::$returned) ? Worker::$returned : $name;
	if (!is_callable($handler)) {
		send(...report('init-error', 'Runtime.HandlerNotFound', "$path returns no callable and defines no function '$name'", []));
		exit(1);
	}
	$level = ob_get_level();
	send('ready', '');
	while (sscanf((string) fgets(Worker::$channel), '%d %d %d', $seq, $context, $event) == 3) {
		$context = read($context);
		$event = read($event);
		error_clear_last();
		Worker::$hand = "fatal $seq";
		$error = null;
		try {
			// THROW_ON_ERROR, PRESERVE_ZERO_FRACTION, UNESCAPED_UNICODE, UNESCAPED_SLASHES
			$result = json_encode($handler(decode($event), context($context)), 4195648);
		} catch (\Throwable $error) {
		}
		// Callbacks of buffers and destructors may throw or exit: before the answer, and not behind it.
		for ($count = ob_get_level() - $level; $count > 0; $count--)
			try {
				ob_end_flush();
			} catch (\Throwable $late) {
				$error = $error ?? $late;
			}
		$answer = $error ? thrown("error $seq", $error) : ["ok $seq " . strlen($result), $result];
		do
			try {
				$error = $late = $event = $result = null;
			} catch (\Throwable $error) {
				error_log(thrown('', $error)[1]);
			}
		while ($error);
		send(...$answer);
		$answer = null;
	}
}

Worker::$pid = getmypid();
Worker::$channel = fopen('php://fd/3', 'r+b');
// PHP takes it for a network stream, and ends one that idles for `default_socket_timeout`.
stream_set_timeout(Worker::$channel, -1);
stream_set_chunk_size(Worker::$channel, 1 << 20);
// What cannot be printed is lost, and no reason to end.
ignore_user_abort(true);
// Fatal errors (ERROR, PARSE, CORE_ERROR, COMPILE_ERROR, USER_ERROR, RECOVERABLE_ERROR), and exit().
register_shutdown_function(function () {
	$hand = Worker::$hand;
	$error = error_get_last();
	if (!$hand)
		return;
	if ($error && $error['type'] & 4437)
		send(...report($hand, 'FatalError', $error['message'], ["$error[file]:$error[line]"]));
	else
		send(...report($hand, 'Runtime.ExitError', 'exit() was called', []));
	if ($hand == 'init-error')
		exit(1);
});
// Here and not in a function: what the file's top level sets are globals.
try {
	Worker::$returned = require $argv[1];
} catch (\Throwable $error) {
	send(...thrown('init-error', $error));
	exit(1);
}
serve($argv[1], $argv[2] ?? '');
