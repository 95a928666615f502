// The shim for PHP: `php FLAGS -r SHIM -- FILE NAME`, so there is no opening tag.
//
// The embedded text has no lines that begin with `//` and no indentation, so no string may span lines.
// PHP 7.3 is the oldest version that runs it.
namespace Tinderbox;

// Bref's interface, for functions that implement it and do not bring Bref along.
interface Handler {
	function handle($event, \Bref\Context\Context $context);
}

// The channel; the process that may use it; file and name of the handler; what the file returns, and what is
// called; the start of the head of the error that an exit of the process is reported with, null when the
// runtime expects no answer; the id of the event; the fields of the context that are the same for all events;
// whether Bref's hooks are called.
class Worker {
	static $channel, $pid, $file, $name, $returned, $handler, $pendingHead = 'init-error', $requestId, $fields = ['clientContext' => null, 'identity' => null], $hasHooks;
}

// Exits when the channel is broken: the runtime is gone.
function send($head, $body) {
	Worker::$pendingHead = null;
	// A child that the handler forked must not answer.
	if (getmypid() != Worker::$pid)
		exit(0);
	// One write where the body is short.
	foreach (strlen($body) < 8000 ? ["$head\n$body"] : ["$head\n", $body] as $data)
		for (; $data != ''; $data = substr($data, $bytes))
			if (!$bytes = @fwrite(Worker::$channel, $data))
				exit(0);
}

// Exits when the channel ends within a frame.
function read($bytes) {
	$data = $bytes ? stream_get_contents(Worker::$channel, $bytes) : '';
	return strlen($data) == $bytes ? $data : exit(0);
}
// Lambda treats an invocation without a payload as `{}`.
function decode($text) {
	$value = json_decode($text === '' ? '{}' : $text, true);
	if (json_last_error() == JSON_ERROR_UTF16)
		// A half of a surrogate pair, which JSON allows and UTF-8 does not, becomes U+FFFD.
		$value = json_decode(preg_replace('/\\\\(?:u[dD][89abAB]..\\\\u[dD][c-fC-F]..|u(?![dD][89a-fA-F])|[^u])(*SKIP)(*F)|\\\\u[dD][89a-fA-F]../', '\\ufffd', $text), true);
	if (json_last_error())
		throw new \JsonException('the event is not JSON: ' . json_last_error_msg());
	return $value;
}

function setVariable($name, $value) {
	putenv("$name=$value");
	$_ENV[$name] = $_SERVER[$name] = $value;
}
// A caller chooses these values: one that is not UTF-8 or not JSON does not fail the event.
function context($text) {
	if (!preg_match('//u', $text))
		$text = json_decode(json_encode($text, JSON_INVALID_UTF8_SUBSTITUTE));
	$fields = [];
	foreach (explode("\n", $text) as $line)
		[$name, $fields[$name]] = explode('=', $line, 2) + ['', ''];
	$trace = $fields['trace-id'] ?? null;
	// Without a deadline, Lambda's longest timeout.
	$own = [
		'awsRequestId' => $fields['request-id'] ?? null,
		'deadlineMs' => (int) ($fields['deadline-ms'] ?? (time() + 900) * 1000),
		'invokedFunctionArn' => $fields['function-arn'] ?? null,
		'traceId' => $trace,
	];
	$more = Worker::$fields;
	$more['tenantId'] = $fields['tenant-id'] ?? null;
	foreach (['clientContext' => 'client-context', 'identity' => 'cognito-identity'] as $field => $name)
		if (isset($fields[$name]) && $fields[$name] !== '')
			try {
				$more[$field] = decode($fields[$name]);
			} catch (\Throwable $invalid) {
				error_log("$name is not JSON: ignored");
			}
	setVariable('LAMBDA_INVOCATION_CONTEXT', json($own));
	setVariable('LAMBDA_REQUEST_ID', Worker::$requestId = (string) $own['awsRequestId']);
	if (isset($trace))
		setVariable('_X_AMZN_TRACE_ID', $trace);
	else {
		putenv('_X_AMZN_TRACE_ID');
		unset($_ENV['_X_AMZN_TRACE_ID'], $_SERVER['_X_AMZN_TRACE_ID']);
	}
	return new \Bref\Context\Context('', 0, '', '', $own + $more);
}

// Calls a hook of Bref's event dispatcher, if the function has loaded Bref.
function notify($hook, ...$arguments) {
	if (class_exists('Bref\Bref', false) && method_exists('Bref\Bref', 'events'))
		\Bref\Bref::events()->$hook(...$arguments);
}

// Whether the runtime has found a file: it is relative where the task root is.
function isFile() {
	return Worker::$file[0] == '/' || is_file(Worker::$file);
}
// What a `_HANDLER` that names no file means: an entry of Bref's container, a class, a static method or a function.
function resolve($target) {
	if (class_exists('Bref\Bref')) {
		$container = \Bref\Bref::getContainer();
		if (!$container instanceof \Bref\Runtime\FileHandlerLocator)
			return $container->get($target);
	}
	return class_exists($target) ? new $target : named($target);
}
// A function of PHP itself handles no events.
function named($name) {
	return function_exists($name) && (new \ReflectionFunction($name))->isInternal() ? null : $name;
}
// A function of the file: by its full name, or by its name without the namespace.
function findFunction($path, $name) {
	$path = realpath($path);
	foreach (get_defined_functions()['user'] as $function)
		if (strcasecmp(strrchr("\\$function", '\\'), "\\$name") == 0 && (new \ReflectionFunction($function))->getFileName() == $path)
			return $function;
	return named($name);
}
// What is called for each event, or null. A Handler comes before a callable, as in Bref.
function callableOf($value) {
	if ($value instanceof \Psr\Http\Server\RequestHandlerInterface) {
		if (!class_exists('Bref\Event\Http\Psr15Handler'))
			throw new \LogicException(get_class($value) . ' handles PSR-15 requests, which bref/bref makes of events: add that package, or return a function');
		$value = new \Bref\Event\Http\Psr15Handler($value);
	}
	if (is_object($value) && ($value instanceof \Bref\Event\Handler || !is_callable($value)))
		$value = [$value, 'handle'];
	return is_callable($value) ? $value : null;
}
function notFound($path, $name) {
	if (!isFile())
		return "no file, class or function $path, and no container of Bref that knows it: see _HANDLER";
	$type = is_object(Worker::$returned) ? strtok(get_class(Worker::$returned), "\0") : gettype(Worker::$returned);
	$what = "$path returns no function and no object with a method handle (but $type)";
	return $name == '' ? "$what: end it with `return function (\$event, \$context) { ... };`" : "$what, and defines no function '$name': see _HANDLER";
}

// Its errors cannot fail the event any more, as in Bref.
function afterInvoke(...$arguments) {
	try {
		notify('afterInvoke', Worker::$returned, ...$arguments);
	} catch (\Throwable $error) {
		throwableFrame('', $error);
	}
}
// Calls the handler. Returns the head and the body of the answer.
function answer($seq, $handler, $event, $context, $level) {
	$error = $input = null;
	try {
		$context = context($context);
		$input = decode($event);
		$event = null;
		if (Worker::$hasHooks)
			notify('beforeInvoke', Worker::$returned, $input, $context);
		$result = $handler($input, $context);
		if ($result instanceof \Generator)
			throw new \UnexpectedValueException('the handler returns a generator, so its code has not run: return iterator_to_array() of it, or no generator');
		$json = json_encode($result);
		if ($json === false)
			throw new \JsonException('the response cannot be encoded as JSON: ' . json_last_error_msg());
		if (Worker::$hasHooks)
			afterInvoke($input, $context, $result);
		$input = $result = null;
	} catch (\Throwable $error) {
		afterInvoke($input, $context, null, $error);
	}
	// Callbacks of output buffers and destructors may throw or exit: they run before the answer, not after it.
	for ($count = ob_get_level() - $level; $count > 0; $count--)
		try {
			ob_end_flush();
		} catch (\Throwable $late) {
			$error = $error ?? $late;
		}
	$answer = $error ? throwableFrame("error $seq", $error) : ["ok $seq " . strlen($json), $json];
	do
		try {
			$error = $late = $input = $result = null;
		} catch (\Throwable $error) {
			throwableFrame('', $error);
		}
	while ($error);
	return $answer;
}

// Returns what is called for each event.
function prepare() {
	$file = Worker::$file;
	$name = Worker::$name;
	$handler = callableOf(Worker::$returned);
	if (!$handler && $name != '')
		$handler = Worker::$returned = callableOf(findFunction($file, $name));
	if (!$handler) {
		send(...errorFrame('init-error', report('Runtime.HandlerNotFound', notFound($file, $name), [])));
		exit(1);
	}
	notify('afterStartup');
	Worker::$hasHooks = class_exists('Bref\Bref', false);
	return $handler;
}

// Waits for the next event. PHP runs a signal handler when a call has returned, and a read does not return
// for a signal.
function await() {
	do {
		$streams = [Worker::$channel];
		$none = null;
	} while (@stream_select($streams, $none, $none, null) === false);
	return true;
}
function serve($handler) {
	$level = ob_get_level();
	$hasSignalHandler = function_exists('pcntl_signal_get_handler') && pcntl_signal_get_handler(15) !== 0;
	send('ready', '');
	while ((!$hasSignalHandler || await()) && sscanf((string) fgets(Worker::$channel), '%d %d %d', $seq, $context, $event) == 3) {
		$context = read($context);
		$event = read($event);
		error_clear_last();
		Worker::$pendingHead = "fatal $seq";
		send(...answer($seq, $handler, $event, $context, $level));
	}
}

// Records for the messages of PHP, in the JSON log format. PHP goes on as without this handler.
function logMessages() {
	ini_set('log_errors', '0');
	set_error_handler(function ($number, $message, $file, $line) {
		// WARNING, CORE_WARNING, COMPILE_WARNING, USER_WARNING; USER_ERROR, RECOVERABLE_ERROR
		if ($number & error_reporting())
			logRecord($number & 674 ? 'WARN' : ($number & 4352 ? 'ERROR' : 'INFO'), ['message' => $message, 'location' => "$file:$line"]);
		return false;
	});
}

// Before the function's file is loaded: the channel, and an environment like that of Bref.
function setUp() {
	global $argv, $argc;
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
		if (!$head || getmypid() != Worker::$pid)
			return;
		if ($error && $error['type'] & 4437)
			send(...errorFrame($head, report('FatalError', $error['message'], ["$error[file]:$error[line]"])));
		else
			send(...errorFrame($head, report('Runtime.ExitError', 'exit() was called', [])));
		if ($head == 'init-error')
			exit(1);
	});
	// As in the php.ini of Bref, where no other one says otherwise. 22527: all but DEPRECATED and STRICT.
	foreach (['memory_limit' => '10240M', 'error_reporting' => '22527'] as $setting => $value)
		if (get_cfg_var($setting) === false)
			ini_set($setting, $value);
	$variables = getenv();
	$_ENV += $variables;
	if (logsJson())
		logMessages();
	foreach (['functionName' => 'FUNCTION_NAME', 'functionVersion' => 'FUNCTION_VERSION', 'memoryLimitInMB' => 'FUNCTION_MEMORY_SIZE', 'logGroupName' => 'LOG_GROUP_NAME', 'logStreamName' => 'LOG_STREAM_NAME'] as $field => $name)
		Worker::$fields[$field] = ($variables["AWS_LAMBDA_$name"] ?? '') ?: null;
	[, Worker::$file, Worker::$name] = $argv + ['', '', ''];
	$argv = $_SERVER['argv'] = [Worker::$file];
	$argc = $_SERVER['argc'] = 1;
}

// Composer's autoloader, and what Bref does between it and the handler.
function autoload() {
	$file = getenv('BREF_AUTOLOAD_PATH') ?: (getenv('LAMBDA_TASK_ROOT') ?: '.') . '/vendor/autoload.php';
	if (is_file($file))
		require $file;
	spl_autoload_register(function ($class) {
		if ($class == 'Bref\Event\Handler')
			class_alias(Handler::class, $class);
	});
	if (strpos(implode("\n", $_ENV), 'bref-ssm:') !== false)
		\Bref\LazySecretsLoader::loadSecretEnvironmentVariables();
	notify('beforeStartup');
}

setUp();
try {
	autoload();
	// Not in a function: variables of the file's top level are globals.
	Worker::$returned = isFile() ? require Worker::$file : resolve(Worker::$file);
	Worker::$handler = prepare();
} catch (\Throwable $error) {
	send(...throwableFrame('init-error', $error));
	exit(1);
}
serve(Worker::$handler);
