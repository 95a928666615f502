// The worker for PHP: `php FLAGS -r THIS -- FILE NAME`, so there is no opening tag.
//
// The file's own callable comes first (`return function ($event, $context) {...}`), then the
// function NAME. Thinned for shipping: lines that begin with `//` and indentation are dropped, so
// no string may go over a line. Works from PHP 7.3 on.
namespace Tinderbox;

// What the managed runtimes of other languages say of an event, in their names; each property has
// a getter too (`$context->getAwsRequestId()`), which are Bref's names.
class Context {
	public $awsRequestId, $invokedFunctionArn, $traceId, $tenantId, $clientContext, $identity;
	public $functionName, $functionVersion, $memoryLimitInMB, $logGroupName, $logStreamName;
	public $deadlineMs;
	function __construct($text) {
		preg_match_all('/^([^=\n]*)=(.*)$/m', $text, $m);
		$of = array_combine($m[1], $m[2]);
		$json = function ($name) use ($of) {
			return isset($of[$name]) ? Worker::decode($of[$name]) : null;
		};
		$this->awsRequestId = $of['request-id'] ?? null;
		$this->invokedFunctionArn = $of['function-arn'] ?? null;
		$this->traceId = $of['trace-id'] ?? null;
		$this->tenantId = $of['tenant-id'] ?? null;
		$this->clientContext = $json('client-context');
		$this->identity = $json('cognito-identity');
		foreach (['function' => ['Name', 'Version'], 'log' => ['GroupName', 'StreamName']] as $a => $all)
			foreach ($all as $b)
				$this->{$a . $b} = getenv('AWS_LAMBDA_' . strtoupper($a . preg_replace('/(?=[A-Z])/', '_', $b))) ?: null;
		$this->memoryLimitInMB = getenv('AWS_LAMBDA_FUNCTION_MEMORY_SIZE') ?: null;
		// Without a deadline, the longest that Lambda gives.
		$this->deadlineMs = (int) ($of['deadline-ms'] ?? Worker::now() + 900000);
	}
	function getRemainingTimeInMillis() {
		return max(0, $this->deadlineMs - Worker::now());
	}
	function __call($name, $none) {
		return $this->{lcfirst(substr($name, 3))};
	}
}

class Worker {
	// `$hand` begins the report when the process ends: null when there is nothing to report.
	static $channel, $returned, $hand = 'init-error';

	static function now() {
		return (int) (microtime(true) * 1000);
	}
	static function decode($text) {
		return json_decode($text, true, 512, JSON_THROW_ON_ERROR);
	}

	static function start() {
		self::$channel = fopen('php://fd/3', 'r+b');
		// PHP takes it for a network stream, and ends what idles for `default_socket_timeout`.
		stream_set_timeout(self::$channel, -1);
		stream_set_chunk_size(self::$channel, 1 << 20);
		register_shutdown_function([self::class, 'ended']);
	}

	// The runtime is gone when it cannot be written to; then nobody wants to hear more.
	static function send($head, $body) {
		foreach ([$head . "\n", $body] as $data)
			for (; $data !== ''; $data = substr($data, $bytes))
				if (!$bytes = @fwrite(self::$channel, $data)) {
					self::$hand = null;
					exit(0);
				}
	}
	static function read($bytes) {
		return $bytes > 0 ? stream_get_contents(self::$channel, $bytes) : '';
	}

	// An anonymous class has a NUL and a path in its name. The cuts keep the body below the limit.
	static function report($head, $type, $message, $trace) {
		$cut = function ($line) {
			return substr($line, 0, 300);
		};
		$type = substr(preg_replace('/[^!-~]/', '_', explode("\0", $type)[0]), 0, 128);
		$body = json_encode([
			'errorMessage' => substr($message, 0, 20000),
			'errorType' => $type,
			'stackTrace' => array_map($cut, array_slice($trace, 0, 50)),
		], JSON_INVALID_UTF8_SUBSTITUTE | JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES);
		self::$hand = null;
		self::send($head . ' ' . strlen($body) . ' ' . $type, $body);
	}
	static function thrown($head, $error) {
		$trace = [$error->getFile() . ':' . $error->getLine()];
		foreach (explode("\n", $error->getTraceAsString(), 60) as $frame)
			if (!strpos($frame, 'Command line code') && substr($frame, -6) != '{main}')
				$trace[] = $frame;
		self::report($head, get_class($error), $error->getMessage(), $trace);
	}

	// Fatal errors, and exit() in the middle of an event or of the file.
	static function ended() {
		if (!self::$hand)
			return;
		$error = error_get_last();
		$fatal = E_ERROR | E_PARSE | E_CORE_ERROR | E_COMPILE_ERROR | E_USER_ERROR | E_RECOVERABLE_ERROR;
		if ($error && $error['type'] & $fatal)
			self::report(self::$hand, 'FatalError', $error['message'], [$error['file'] . ':' . $error['line']]);
		else
			self::report(self::$hand, 'Runtime.ExitError', 'exit() was called', []);
		if (!self::$ready)
			exit(1);
	}

	static $ready = false;
	static function serve() {
		$path = $_SERVER['argv'][1];
		$name = $_SERVER['argv'][2] ?? '';
		$handler = is_callable(self::$returned) ? self::$returned : $name;
		if (!is_callable($handler)) {
			$message = "$path returns no callable and defines no function '$name'";
			self::report(self::$hand, 'Runtime.HandlerNotFound', $message, []);
			exit(1);
		}
		$level = ob_get_level();
		self::$hand = null;
		self::$ready = true;
		self::send('ready', '');
		while ($line = fgets(self::$channel)) {
			list($seq, $context_bytes, $event_bytes) = array_map('intval', explode(' ', $line));
			$text = self::read($context_bytes);
			$event = self::read($event_bytes);
			if (strlen($event) < $event_bytes)
				break;
			error_clear_last();
			self::$hand = "fatal $seq";
			try {
				$context = new Context($text);
				$_ENV['_X_AMZN_TRACE_ID'] = $_SERVER['_X_AMZN_TRACE_ID'] = $context->traceId;
				putenv('_X_AMZN_TRACE_ID' . ($context->traceId === null ? '' : "=$context->traceId"));
				if ($context->traceId === null)
					unset($_ENV['_X_AMZN_TRACE_ID'], $_SERVER['_X_AMZN_TRACE_ID']);
				// An invoke without a payload is `{}` for Lambda.
				$event = self::decode($event === '' ? '{}' : $event);
				$result = json_encode($handler($event, $context), JSON_THROW_ON_ERROR | JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_PRESERVE_ZERO_FRACTION);
				self::$hand = null;
				self::send("ok $seq " . strlen($result), $result);
			} catch (\Throwable $error) {
				self::thrown("error $seq", $error);
			}
			while (ob_get_level() > $level)
				ob_end_flush();
			$text = $event = $context = $result = $error = null;
		}
	}
}
// Functions that ask for Bref's context by its type get this one.
class_alias('Tinderbox\Context', 'Bref\Context\Context');
Worker::start();
// Here and not in a method: what the file's top level sets are globals.
try {
	Worker::$returned = require $_SERVER['argv'][1];
} catch (\Throwable $error) {
	Worker::thrown(Worker::$hand, $error);
	exit(1);
}
Worker::serve();
