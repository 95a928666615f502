// Errors, as frames and in the log: embedded before worker.php, with the same rules.
namespace Tinderbox;

// The levels of records in the JSON log format.
const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
function logsJson() {
	return getenv('AWS_LAMBDA_LOG_FORMAT') == 'JSON';
}
// INVALID_UTF8_SUBSTITUTE, PARTIAL_OUTPUT_ON_ERROR
function json($value) {
	return json_encode($value, 2097664);
}
function logRecord($level, $fields) {
	$lowest = array_search(strtoupper(getenv('AWS_LAMBDA_LOG_LEVEL')), LEVELS);
	if (array_search($level, LEVELS) < $lowest)
		return;
	$record = ['timestamp' => gmdate('Y-m-d\TH:i:s') . sprintf('.%03dZ', microtime(true) * 1000 % 1000), 'level' => $level];
	if (Worker::$requestId != '')
		$record['requestId'] = Worker::$requestId;
	writeLog(json($record + $fields));
}
// Past the function's output buffers and the setting `error_log`.
function writeLog($line) {
	@file_put_contents('php://stderr', "$line\n");
}
// Logs a report, in the words of Bref.
function logReport($report, $place) {
	$level = isset(Worker::$requestId) ? 'ERROR' : 'FATAL';
	if (logsJson())
		logRecord($level, ['message' => $report['errorMessage']] + array_diff_key($report, ['errorMessage' => '']));
	elseif ($level == 'ERROR')
		writeLog(Worker::$requestId . "\tInvoke Error\t" . str_replace('"stackTrace":[', '"stack":[', json($report)));
	else
		writeLog("Fatal error: $report[errorType]: $report[errorMessage]" . ($place == '' ? '' : " in $place") . "\n " . json(['message' => $report['errorMessage'], 'type' => $report['errorType']] + array_slice($report, 2)));
}

// A report of an error. The name of an anonymous class has a NUL and a path. The truncations keep it short.
function report($type, $message, $trace) {
	foreach ($trace as &$line)
		$line = substr($line, 0, 300);
	return ['errorType' => strtok($type, "\0"), 'errorMessage' => substr($message, 0, 20000), 'stackTrace' => $trace];
}
function reportThrowable($error) {
	$trace = [];
	foreach (array_slice(explode("\n", $error->getFile() . ':' . $error->getLine() . "\n" . $error->getTraceAsString(), 53), 0, 51) as $line)
		if (!preg_match('/Command line code|{main}$/', $line))
			$trace[] = $line;
	// It may not be a string, and an error handler may throw at the conversion.
	try {
		return report(get_class($error), $error->getMessage(), $trace);
	} catch (\Throwable $invalid) {
		return report(get_class($error), 'the message cannot be converted to a string', $trace);
	}
}
// Logs a report, and returns its frame as `send` takes it.
function errorFrame($head, $report) {
	logReport($report, $report['stackTrace'][0] ?? '');
	$body = json($report);
	// The limit of the runtime.
	if (strlen($body) > 262144)
		$body = json(['stackTrace' => []] + array_slice($report, 0, 3));
	$type = substr(preg_replace('/[^!-~]/', '_', $report['errorType']), 0, 128);
	return ["$head " . strlen($body) . " $type", $body];
}
function throwableFrame($head, $error) {
	$report = reportThrowable($error);
	while (($error = $error->getPrevious()) && count($report['previous'] ?? []) < 10)
		$report['previous'][] = reportThrowable($error);
	return errorFrame($head, $report);
}
