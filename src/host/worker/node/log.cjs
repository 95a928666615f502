// Log records, as the managed runtime writes them: the methods of `console`, and the errors that a
// handler does not catch.
const { format } = require('util');

// The id of the current event, and its tenant. Loggers look for these globals.
const REQUEST_ID = Symbol.for('aws.lambda.runtime.requestId');
const TENANT_ID = Symbol.for('aws.lambda.runtime.tenantId');
const isJson = env.AWS_LAMBDA_LOG_FORMAT?.toUpperCase() === 'JSON';
const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
const NO_REQUEST = isClient4 ? '-' : undefined;

// The lines of a stack. Frames below the handler's are the shim's own, which are dropped.
const linesOf = (error) => textOf(() => error.stack ?? '').split(/\n.*\[eval\]/)[0].split('\n');
const className = (error) => textOf(() => error.constructor.name) || 'UnknownError';
// For JSON.stringify: an error as the fields of a record. `cause` is not enumerable.
const withCause = (fields, { cause }) => cause === undefined ? fields : { ...fields, cause };
const errorFields = (key, value) => value instanceof Error ? withCause({
	errorType: className(value),
	errorMessage: value.message,
	stackTrace: linesOf(value),
	...value,
}, value) : value;
// The same for a record in text.
const errorText = (key, value) => value instanceof Error ? withCause({
	errorType: value.name,
	errorMessage: value.message,
	code: value.code,
	...value,
	stack: value.stack && linesOf(value),
}, value) : value;

const jsonRecord = (time, level, all) => {
	const record = { timestamp: time, level, requestId: globalThis[REQUEST_ID] ?? NO_REQUEST, tenantId: globalThis[TENANT_ID] ?? undefined };
	if (all.length < 2) {
		[record.message] = all;
		try {
			return stringify(record, errorFields);
		} catch {
			// A cycle, or a BigInt.
			record.message = format(...all);
			return stringify(record);
		}
	}
	record.message = format(...all);
	const error = all.find((value) => value instanceof Error);
	return stringify(error ? { ...record, errorType: className(error), errorMessage: error.message, stackTrace: linesOf(error) } : record);
};
const recordOf = (time, level, all) => isJson ? jsonRecord(time, level, all) : `${time}\t${globalThis[REQUEST_ID] ?? NO_REQUEST}\t${level}\t${format(...all)}`;

// The platform's own descriptor for records takes a head of 16 bytes before each: type and level,
// length, time in microseconds.
const telemetry = parseInt(env._LAMBDA_TELEMETRY_LOG_FD);
delete env._LAMBDA_TELEMETRY_LOG_FD;
const sendRecord = (date, level, record) => {
	const body = Buffer.from(isJson ? record : `${record}\n`);
	const head = Buffer.alloc(16);
	head.writeUInt32BE((isJson ? 0xa55a0002 : 0xa55a0003) + 4 * (1 + LEVELS.indexOf(level)));
	head.writeUInt32BE(body.length, 4);
	head.writeBigUInt64BE(BigInt(date) * 1000n, 8);
	fs.writeSync(telemetry, Buffer.concat([head, body]));
};
const log = (level, all) => {
	const date = new Date();
	const record = recordOf(date.toISOString(), level, all);
	if (telemetry >= 0) sendRecord(+date, level, record);
	// CloudWatch begins a record at each line feed.
	else process.stdout.write(record.replaceAll('\n', '\r') + '\n');
};
const lowest = LEVELS.indexOf(env.AWS_LAMBDA_LOG_LEVEL?.toUpperCase());
for (const level of LEVELS) {
	const isWanted = level === 'FATAL' || LEVELS.indexOf(level) >= lowest;
	// Without arguments, `undefined` is logged.
	console[level.toLowerCase()] = isWanted ? (message, ...more) => log(level, [message, ...more]) : () => {};
}
console.log = console.info;

// Logs an error that the handler did not catch, by the `console.error` of the moment: the handler's
// own comes first.
const logError = (what, error) => {
	try {
		let thrown = error instanceof Error ? error : new Error(error);
		// CloudWatch takes no event of 1 MB, and writing many takes the time of the answer.
		if (thrown.stack?.length > 1e6) thrown = reportOf(error);
		if (isJson) return console.error(thrown);
		let text;
		try {
			text = stringify(thrown, errorText);
		} catch {
			text = stringify(reportOf(error));
		}
		console.error(what, `\t${text}`);
	} catch {
		textOf(() => log('ERROR', [what, stringify(reportOf(error))]));
	}
};

// An error of the runtime's own, as an instance of a class with this name.
const errorOf = (name, message) => {
	const { [name]: Class } = { [name]: class extends Error {} };
	Class.prototype.name = `Runtime.${name}`;
	return new Class(message);
};
// What the caller sees of an error. The truncations keep it below its limit.
const reportOf = (error) => {
	const isError = textOf(() => error instanceof Error || !!error.stack) === 'true';
	const errorType = textOf(() => isError ? error.name : typeof error).replace(/[^!-~]/g, '_').slice(0, 128) || 'Error';
	const errorMessage = textOf(() => isError ? error.message : error, 'the error cannot be converted to a string').slice(0, 20000);
	const trace = isError ? linesOf(error).slice(0, 50) : [];
	return { errorType, errorMessage, trace: trace.map((line) => line.slice(0, 300)) };
};
// The head and the body of an error's frame.
const errorFrame = (verb, error) => {
	const report = reportOf(error);
	const body = Buffer.from(stringify(report));
	return [`${verb} ${body.length} ${report.errorType}\n`, body];
};
