// The shim for PHP: `php FLAGS -r SHIM -- FILE NAME`, so there is no opening tag.
//
// The embedded text has no lines that begin with `//` and no indentation, so no string may span lines.
// PHP 7.3 is the oldest version that runs it.
namespace Tinderbox;

// The fields are properties and keys with the names of Node's managed runtime, and have getters with
// the names of Bref.
class Context extends \ArrayObject {
	function getRemainingTimeInMillis() {
		return max(0, $this->deadlineMs - (int) (microtime(true) * 1000));
	}
	function __call($name, $arguments) {
		return $this[lcfirst(substr($name, 3))];
	}
}
// Functions whose parameter has the type of Bref's context get this one.
class_alias(Context::class, 'Bref\Context\Context');

// The channel; the process that may use it; what the file returns; the start of the head of the error
// that an exit of the process is reported with, null when the runtime expects no answer.
class Worker {
	static $channel, $pid, $returned, $pendingHead = 'init-error';
}

// Exits when the channel is broken: the runtime is gone.
function send($head, $body) {
	Worker::$pendingHead = null;
	// A child that the handler forked must not answer: it exits, with its own status.
	if (getmypid() != Worker::$pid)
		return strncmp($head, 'fatal', 5) ? exit(0) : null;
	// One write where the body is short.
	foreach (strlen($body) < 8000 ? ["$head\n$body"] : ["$head\n", $body] as $data)
		for (; $data != ''; $data = substr($data, $bytes))
			if (!$bytes = @fwrite(Worker::$channel, $data))
				exit(0);
}

// The head and the body of an error, as `send` takes them. The name of an anonymous class has a NUL and a
// path. The truncations keep the body below its limit.
function errorFrame($head, $type, $message, $trace) {
	$type = substr(preg_replace('/[^!-~]/', '_', strtok($type, "\0")), 0, 128);
	foreach ($trace as &$line)
		$line = substr($line, 0, 300);
	// INVALID_UTF8_SUBSTITUTE, UNESCAPED_UNICODE, UNESCAPED_SLASHES
	$body = json_encode(['errorType' => $type, 'errorMessage' => substr($message, 0, 20000), 'stackTrace' => $trace], 2097472);
	return ["$head " . strlen($body) . " $type", $body];
}
function throwableFrame($head, $error) {
	$trace = [$error->getFile() . ':' . $error->getLine()];
	foreach (array_slice(explode("\n", $error->getTraceAsString(), 52), 0, 50) as $line)
		if (!preg_match('/Command line code|{main}$/', $line))
			$trace[] = $line;
	// It may not be a string, and an error handler may throw at the conversion.
	try {
		$message = $error->getMessage();
	} catch (\Throwable $invalid) {
		$message = 'the message cannot be converted to a string';
	}
	return errorFrame($head, get_class($error), $message, $trace);
}

function read($bytes) {
	return $bytes ? stream_get_contents(Worker::$channel, $bytes) : '';
}
// Lambda treats an invocation without a payload as `{}`.
function decode($text) {
	return json_decode($text === '' ? '{}' : $text, true, 512, JSON_THROW_ON_ERROR);
}

// A caller chooses these values: one that is not UTF-8 or not JSON does not fail the event.
function context($text) {
	if (!preg_match('//u', $text))
		$text = json_decode(json_encode($text, JSON_INVALID_UTF8_SUBSTITUTE));
	preg_match_all('/^([^=\n]*)=(.*)/m', $text, $matches);
	$fields = array_combine($matches[1], $matches[2]);
	$json = function ($name) use ($fields) {
		try {
			return ($fields[$name] ?? '') === '' ? null : decode($fields[$name]);
		} catch (\Throwable $invalid) {
			error_log("$name is not JSON: ignored");
		}
	};
	$trace = $fields['trace-id'] ?? null;
	putenv('_X_AMZN_TRACE_ID' . (isset($trace) ? "=$trace" : ''));
	$_ENV['_X_AMZN_TRACE_ID'] = $_SERVER['_X_AMZN_TRACE_ID'] = $trace;
	if (!isset($trace))
		unset($_ENV['_X_AMZN_TRACE_ID'], $_SERVER['_X_AMZN_TRACE_ID']);
	$env = function ($name) {
		return getenv("AWS_LAMBDA_$name") ?: null;
	};
	// Without a deadline, Lambda's longest timeout.
	return new Context([
		'awsRequestId' => $fields['request-id'] ?? null,
		'deadlineMs' => $fields['deadline-ms'] ?? (time() + 900) * 1000,
		'invokedFunctionArn' => $fields['function-arn'] ?? null,
		'traceId' => $trace,
		'tenantId' => $fields['tenant-id'] ?? null,
		'clientContext' => $json('client-context'),
		'identity' => $json('cognito-identity'),
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
		send(...errorFrame('init-error', 'Runtime.HandlerNotFound', "$path returns no callable and defines no function '$name'", []));
		exit(1);
	}
	$level = ob_get_level();
	send('ready', '');
	while (sscanf((string) fgets(Worker::$channel), '%d %d %d', $seq, $context, $event) == 3) {
		$context = read($context);
		$event = read($event);
		error_clear_last();
		Worker::$pendingHead = "fatal $seq";
		$error = null;
		try {
			// THROW_ON_ERROR, PRESERVE_ZERO_FRACTION, UNESCAPED_UNICODE, UNESCAPED_SLASHES
			$result = json_encode($handler(decode($event), context($context)), 4195648);
		} catch (\Throwable $error) {
		}
		// Callbacks of output buffers and destructors may throw or exit: they run before the answer, not after it.
		for ($count = ob_get_level() - $level; $count > 0; $count--)
			try {
				ob_end_flush();
			} catch (\Throwable $late) {
				$error = $error ?? $late;
			}
		$answer = $error ? throwableFrame("error $seq", $error) : ["ok $seq " . strlen($result), $result];
		do
			try {
				$error = $late = $event = $result = null;
			} catch (\Throwable $error) {
				error_log(throwableFrame('', $error)[1]);
			}
		while ($error);
		send(...$answer);
		$answer = null;
	}
}

Worker::$pid = getmypid();
Worker::$channel = fopen('php://fd/3', 'r+b');
// PHP treats it as a network stream, which times out after `default_socket_timeout`.
stream_set_timeout(Worker::$channel, -1);
stream_set_chunk_size(Worker::$channel, 1 << 20);
// Output that cannot be written is lost, but does not end the process.
ignore_user_abort(true);
// Reports fatal errors (ERROR, PARSE, CORE_ERROR, COMPILE_ERROR, USER_ERROR, RECOVERABLE_ERROR) and exit().
register_shutdown_function(function () {
	$head = Worker::$pendingHead;
	$error = error_get_last();
	if (!$head)
		return;
	if ($error && $error['type'] & 4437)
		send(...errorFrame($head, 'FatalError', $error['message'], ["$error[file]:$error[line]"]));
	else
		send(...errorFrame($head, 'Runtime.ExitError', 'exit() was called', []));
	if ($head == 'init-error')
		exit(1);
});
// Not in a function: variables of the file's top level are globals.
try {
	Worker::$returned = require $argv[1];
} catch (\Throwable $error) {
	send(...throwableFrame('init-error', $error));
	exit(1);
}
serve($argv[1], $argv[2] ?? '');
