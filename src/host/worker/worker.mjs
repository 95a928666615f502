// The shim for Node: `node --input-type=module -e SHIM -- FILE NAME`.
//
// The embedded text has no lines that begin with `//` and no indentation, so no template may span
// lines.
import { openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';

const { env, argv: [, path, name] } = process;
// The handler may replace it.
const { stringify } = JSON;
// child_process.fork and Worker would pass our arguments on.
process.execArgv = [];
// Blocking writes, so that the log is written before the response. Without this, Node also makes the
// pipe non-blocking for every process that shares it, the runtime included.
for (const log of [process.stdout, process.stderr]) log._handle?.setBlocking?.(true);
// The current event: `fail` answers it with an error, `empty` runs when the event loop is empty.
let current, channel;

// A string. Getters and proxies of the handler may throw, and not every value converts to a string.
const textOf = (get, instead = '') => {
	try {
		return String(get());
	} catch {
		return instead;
	}
};
// The head and the body of an error. Stack frames below the handler's, which are the shim's own, are
// dropped. The truncations keep the body below its limit.
const errorFrame = (verb, error) => {
	const isError = textOf(() => error instanceof Error || !!error.stack) === 'true';
	const errorType = textOf(() => isError ? error.name : typeof error).replace(/[^!-~]/g, '_').slice(0, 128) || 'Error';
	const errorMessage = textOf(() => isError ? error.message : error, 'the error cannot be converted to a string').slice(0, 20000);
	const stack = textOf(() => isError ? error.stack ?? '' : '');
	const stackTrace = stack.split(/\n.*\[eval\d/)[0].split('\n', 50).map((line) => line.slice(0, 300));
	const body = Buffer.from(stringify({ errorType, errorMessage, stackTrace }));
	return [`${verb} ${body.length} ${errorType}\n`, body];
};
const errorOf = (name, message) => Object.assign(new Error(message), { name });

const send = (head, body, done) => {
	channel.cork();
	channel.write(head);
	channel.write(body, done);
	channel.uncork();
};

process.on('beforeExit', () => current?.empty());
// Unhandled rejections arrive here too. During an event the process exits: its state is unknown.
// Between events the error is logged only: there is nobody to report it to, and an exit would fail the
// next event.
process.on('uncaughtException', (error) => {
	if (current) return current.fail(error, 'fatal');
	textOf(() => console.error(error));
});

// The global of AWS's managed runtime, for streamed responses.
const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
globalThis.awslambda = {
	streamifyResponse: (handler) => Object.assign(handler, { [STREAMING]: 'response' }),
	HttpResponseStream: {
		from: (stream, metadata) => {
			stream.setContentType('application/vnd.awslambda.http-integration-response');
			stream.prelude = JSON.stringify(metadata) + '\0'.repeat(8);
			return stream;
		},
	},
};
const streamOf = (seq, self) => {
	let type, started;
	const chunk = (data, done) => {
		// The event has been answered already, by an error for instance: later writes are dropped.
		if (current !== self) return done?.();
		// A content type that is set after the first byte is ignored.
		if (!started) channel.write(`stream ${seq} ${type || 'application/octet-stream'}\n`);
		started = true;
		const { prelude } = stream;
		stream.prelude = '';
		if (prelude) chunk(Buffer.from(prelude));
		data.length ? send(`chunk ${seq} ${data.length}\n`, data, done) : done();
	};
	const stream = new Writable({
		objectMode: true,
		write: (data, encoding, done) => chunk(data instanceof Uint8Array ? data : Buffer.from(typeof data === 'string' ? data : JSON.stringify(data), encoding), done),
		final: (done) => chunk('', done),
	});
	stream.setContentType = (value) => { type = `${value}`.replace(/[^ -~]/g, '').slice(0, 200); };
	return stream;
};

// The trace id, for the handler, for C libraries and for children. `process.env` calls `setenv`, and
// glibc never frees a value that `setenv` was given. So at the 1,000th event one long value is set and
// found in the heap, and from then on the id is written there. Where that fails, memory grows.
const TRACE = '_X_AMZN_TRACE_ID', PADDING = 'x'.repeat(1023);
let memory, address;
const findAddress = () => {
	env[TRACE] = PADDING;
	const maps = readFileSync('/proc/self/maps', 'utf8');
	const [, from, end] = /^(\w+)-(\w+)\srw.*\[heap\]$/m.exec(maps).map((part) => parseInt(part, 16));
	const piece = Buffer.alloc(1 << 20);
	memory = openSync('/proc/self/mem', 'r+');
	for (let start = from; start < end && !address; start += piece.length - 2 * PADDING.length) {
		const bytes = readSync(memory, piece, 0, Math.min(piece.length, end - start), start);
		// Copies without the name before them are not the variable.
		for (let at = 0; (at = piece.indexOf(PADDING, at + 1)) > 0 && at < bytes;)
			if (piece.toString('latin1', at - TRACE.length - 1, at) === `${TRACE}=`) address = start + at;
	}
};
const setTrace = (seq, id) => {
	const write = (text) => writeSync(memory, `${text}\0`, address);
	if (seq === 1000) textOf(findAddress);
	if (!id) return delete env[TRACE];
	if (address && id.length < PADDING.length / 3) {
		textOf(() => {
			write(id);
			if (env[TRACE] === id) return;
			// The handler has set or unset the variable: `setenv` reuses a value that it knows.
			write(PADDING);
			env[TRACE] = PADDING;
			write(id);
		});
		if (env[TRACE] === id) return;
		address = 0;
	}
	env[TRACE] = id;
};

const contextOf = (seq, text) => {
	const fields = { __proto__: null };
	for (const [, name, value] of text.matchAll(/([^=\n]*)=([^\n]*)\n/g)) fields[name] = value;
	// A caller chooses these values: one that is not JSON does not fail the event.
	const json = (name) => {
		try {
			if (fields[name]) return JSON.parse(fields[name]);
		} catch {
			textOf(() => console.error(`${name} is not JSON: ignored`));
		}
	};
	// Without a deadline, Lambda's longest timeout.
	const deadline = fields['deadline-ms'] ?? Date.now() + 900000;
	const trace = fields['trace-id'];
	setTrace(seq, trace);
	return {
		callbackWaitsForEmptyEventLoop: true,
		getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
		awsRequestId: fields['request-id'],
		invokedFunctionArn: fields['function-arn'],
		tenantId: fields['tenant-id'],
		xRayTraceId: trace,
		clientContext: json('client-context'),
		identity: json('cognito-identity'),
		functionName: env.AWS_LAMBDA_FUNCTION_NAME,
		functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
		memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
		logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
		logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
	};
};

const handleEvent = async (handler, seq, text, event) => {
	const answer = (head, body, done) => {
		if (current !== self) return;
		current = null;
		send(head, body, done);
		channel.ref();
	};
	const fail = (error, verb = 'error') => answer(...errorFrame(`${verb} ${seq}`, error), () => verb === 'fatal' && process.exit(1));
	const self = current = { fail, empty: () => fail(errorOf('Runtime.NeverSettled', 'the event loop is empty, and the handler has not answered')) };
	// As in the managed runtime, the first call counts.
	let called;
	const once = (call) => (...all) => {
		if (!called) called = call(...all) || true;
	};
	const done = (error, value) => {
		if (error != null) return fail(error);
		try {
			const body = Buffer.from(JSON.stringify(value) ?? 'null');
			answer(`ok ${seq} ${body.length}\n`, body);
		} catch (invalid) {
			fail(invalid);
		}
	};
	// While the handler runs, the channel does not keep the event loop alive, so that `beforeExit` fires
	// when the handler's work is done.
	channel.unref();
	try {
		const context = contextOf(seq, text);
		// Lambda treats an invocation without a payload as `{}`.
		event = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(event) || '{}');
		if (handler[STREAMING]) {
			const stream = streamOf(seq, self);
			const end = new Promise((resolve, reject) => stream.on('finish', resolve).on('error', reject));
			await Promise.all([handler(event, stream, context), end]);
			return answer(`end ${seq}\n`, '');
		}
		const succeed = once((value) => done(null, value));
		Object.assign(context, { succeed, done: once(done), fail: once((error) => done(error ?? 'handled')) });
		const result = handler(event, context, once((error, value) => {
			if (error == null && context.callbackWaitsForEmptyEventLoop) self.empty = () => done(null, value);
			else done(error, value);
		}));
		if (typeof result?.then === 'function') succeed(await result);
		// The handler may still call back. Otherwise its return value is the response.
		else if (!called) self.empty = () => done(null, result);
	} catch (error) {
		fail(error);
	}
};

// Until the channel is an asynchronous socket, a synchronous write suffices.
const fail = (error) => {
	for (const data of errorFrame('init-error', error)) writeSync(3, data);
	// Only Node knows the position of a syntax error, and prints it when the error is uncaught.
	if (error instanceof SyntaxError) process.removeAllListeners('uncaughtException');
	else process.exit(1);
	throw error;
};
current = { fail, empty: () => fail(errorOf('Runtime.NeverSettled', `the event loop is empty, and ${path} is not loaded`)) };
let handler;
try {
	const module = await import(pathToFileURL(path));
	const find = (from) => name.split('.').reduce((at, key) => at?.[key], from);
	handler = find(module) ?? find(module.default);
	if (typeof handler !== 'function') throw errorOf('Runtime.HandlerNotFound', `${path} exports no function '${name}'`);
} catch (error) {
	fail(error);
}
current = null;

channel = new Socket({ fd: 3, readable: true, writable: true });
for (const end of ['end', 'error', 'close']) channel.on(end, () => process.exit(0));
// The pieces of a frame so far, their length, and the length of the frame: 0 until its line is there.
let pieces = [], received = 0, expected = 0;
channel.on('data', (piece) => {
	pieces.push(piece);
	received += piece.length;
	if (received < expected) return;
	const all = Buffer.concat(pieces);
	pieces = [all];
	const line = all.indexOf(10) + 1;
	if (!line) return;
	const [seq, context, event] = all.toString('latin1', 0, line).split(' ').map(Number);
	expected = line + context + event;
	if (received < expected) return;
	pieces = [];
	received = expected = 0;
	handleEvent(handler, seq, all.toString('utf8', line, line + context), all.subarray(line + context));
});
send('ready\n', '');
