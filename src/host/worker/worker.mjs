// The worker for Node: `node --input-type=module -e THIS -- FILE NAME`.
//
// What is shipped has no lines that begin with `//` and no indentation: no template goes over a
// line.
import { openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';

const { env, argv: [, path, name] } = process;
// The handler may replace it.
const { stringify } = JSON;
// Or child_process.fork and Worker hand ours on.
process.execArgv = [];
// A pipe is written to at once, so that the log is out before the answer. Without this Node also makes
// it non-blocking for everybody who holds it, the runtime too.
for (const log of [process.stdout, process.stderr]) log._handle?.setBlocking?.(true);
// The event in hand: `fail` answers with an error, `empty` runs when the event loop is empty.
let hand, channel;

// A text. Getters and proxies of the handler's may throw, and not everything is a text.
const textOf = (get, instead = '') => {
	try {
		return String(get());
	} catch {
		return instead;
	}
};
// What stands in the stack below the worker itself says nothing. The cuts keep the body below its
// limit.
const report = (verb, error) => {
	const is = textOf(() => error instanceof Error || !!error.stack) === 'true';
	const errorType = textOf(() => is ? error.name : typeof error).replace(/[^!-~]/g, '_').slice(0, 128) || 'Error';
	const errorMessage = textOf(() => is ? error.message : error, 'the error cannot be made a text').slice(0, 20000);
	const stack = textOf(() => is ? error.stack ?? '' : '');
	const stackTrace = stack.split(/\n.*\[eval\d/)[0].split('\n', 50).map((line) => line.slice(0, 300));
	const body = Buffer.from(stringify({ errorType, errorMessage, stackTrace }));
	return [`${verb} ${body.length} ${errorType}\n`, body];
};
const named = (name, message) => Object.assign(new Error(message), { name });

const send = (head, body, done) => {
	channel.cork();
	channel.write(head);
	channel.write(body, done);
	channel.uncork();
};

process.on('beforeExit', () => hand?.empty());
// Rejections that nobody handles come here too. With an event in hand the process ends: the state is
// unknown. Without one there is nobody to tell, and an end would cost the next event.
process.on('uncaughtException', (error) => {
	if (hand) return hand.fail(error, 'fatal');
	textOf(() => console.error(error));
});

// The global of the managed runtime, for responses in a stream.
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
const streamOf = (seq, own) => {
	let type, begun;
	const chunk = (data, done) => {
		// The event was answered otherwise, and who wrote on does not know.
		if (hand !== own) return done?.();
		// What is said of the type behind the first byte is too late.
		if (!begun) channel.write(`stream ${seq} ${type || 'application/octet-stream'}\n`);
		begun = true;
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
	stream.setContentType = (told) => { type = `${told}`.replace(/[^ -~]/g, '').slice(0, 200); };
	return stream;
};

// For the handler, for libraries in C, and for children. glibc keeps for ever what `setenv` was given,
// and `process.env` calls that. So the 1,000th event has it keep one long text, looks for that in the
// heap, and from then on the id is written there. Where that cannot be, memory grows.
const TRACE = '_X_AMZN_TRACE_ID', ROOM = 'x'.repeat(1023);
let memory, place;
const findPlace = () => {
	env[TRACE] = ROOM;
	const maps = readFileSync('/proc/self/maps', 'utf8');
	const [, from, end] = /^(\w+)-(\w+) rw.*\[heap\]$/m.exec(maps).map((part) => parseInt(part, 16));
	const piece = Buffer.alloc(1 << 20);
	memory = openSync('/proc/self/mem', 'r+');
	for (let start = from; start < end && !place; start += piece.length - 2 * ROOM.length) {
		const bytes = readSync(memory, piece, 0, Math.min(piece.length, end - start), start);
		// Copies of the text without the name before it are others.
		for (let at = 0; (at = piece.indexOf(ROOM, at + 1)) > 0 && at < bytes;)
			if (piece.toString('latin1', at - TRACE.length - 1, at) === `${TRACE}=`) place = start + at;
	}
};
const setTrace = (seq, id) => {
	const write = (text) => writeSync(memory, `${text}\0`, place);
	if (seq === 1000) textOf(findPlace);
	if (!id) return delete env[TRACE];
	if (place && id.length < ROOM.length / 3) {
		textOf(() => {
			write(id);
			if (env[TRACE] === id) return;
			// Somebody has set or unset it: `setenv` takes the text that it knows.
			write(ROOM);
			env[TRACE] = ROOM;
			write(id);
		});
		if (env[TRACE] === id) return;
		place = 0;
	}
	env[TRACE] = id;
};

const contextOf = (seq, text) => {
	const of = { __proto__: null };
	for (const [, name, value] of text.matchAll(/([^=\n]*)=([^\n]*)\n/g)) of[name] = value;
	const json = (name) => of[name] && JSON.parse(of[name]);
	// Without a deadline, the longest that Lambda gives.
	const deadline = of['deadline-ms'] ?? Date.now() + 900000;
	const trace = of['trace-id'];
	setTrace(seq, trace);
	return {
		callbackWaitsForEmptyEventLoop: true,
		getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
		awsRequestId: of['request-id'],
		invokedFunctionArn: of['function-arn'],
		tenantId: of['tenant-id'],
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

const run = async (handler, seq, text, event) => {
	const answer = (head, body, done) => {
		if (hand !== own) return;
		hand = null;
		send(head, body, done);
		channel.ref();
	};
	const fail = (error, verb = 'error') => answer(...report(`${verb} ${seq}`, error), () => verb === 'fatal' && process.exit(1));
	const own = hand = { fail, empty: () => fail(named('Runtime.NeverSettled', 'the event loop is empty, and the handler has not answered')) };
	// As in the managed runtime, the first call counts.
	let called;
	const first = (call) => (...all) => {
		if (!called) called = call(...all) || true;
	};
	const done = (error, value) => {
		if (error != null) return fail(error);
		try {
			const body = Buffer.from(JSON.stringify(value) ?? 'null');
			answer(`ok ${seq} ${body.length}\n`, body);
		} catch (unfit) {
			fail(unfit);
		}
	};
	// While the handler runs, the channel keeps nobody alive: `beforeExit` tells when all is done.
	channel.unref();
	try {
		const context = contextOf(seq, text);
		// An invoke without a payload is `{}` for Lambda.
		event = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(event) || '{}');
		if (handler[STREAMING]) {
			const stream = streamOf(seq, own);
			const end = new Promise((resolve, reject) => stream.on('finish', resolve).on('error', reject));
			await Promise.all([handler(event, stream, context), end]);
			return answer(`end ${seq}\n`, '');
		}
		const succeed = first((value) => done(null, value));
		Object.assign(context, { succeed, done: first(done), fail: first((error) => done(error ?? 'handled')) });
		const result = handler(event, context, first((error, value) => {
			if (error == null && context.callbackWaitsForEmptyEventLoop) own.empty = () => done(null, value);
			else done(error, value);
		}));
		if (typeof result?.then === 'function') succeed(await result);
		// It may yet call back. If not, what it returned is the answer.
		else if (!called) own.empty = () => done(null, result);
	} catch (error) {
		fail(error);
	}
};

// Until the channel is asynchronous, a plain write will do.
const fail = (error) => {
	for (const data of report('init-error', error)) writeSync(3, data);
	// Where a syntax error is, is known to nobody but Node, which says so at such an end.
	if (error instanceof SyntaxError) process.removeAllListeners('uncaughtException');
	else process.exit(1);
	throw error;
};
hand = { fail, empty: () => fail(named('Runtime.NeverSettled', `the event loop is empty, and ${path} is not loaded`)) };
let handler;
try {
	const module = await import(pathToFileURL(path));
	const find = (from) => name.split('.').reduce((at, key) => at?.[key], from);
	handler = find(module) ?? find(module.default);
	if (typeof handler !== 'function') throw named('Runtime.HandlerNotFound', `${path} exports no function '${name}'`);
} catch (error) {
	fail(error);
}
hand = null;

channel = new Socket({ fd: 3, readable: true, writable: true });
for (const end of ['end', 'error', 'close']) channel.on(end, () => process.exit(0));
// What has come of a frame; how much that is; how much it must be, 0 until the line is there.
let pieces = [], have = 0, whole = 0, head;
channel.on('data', (piece) => {
	pieces.push(piece);
	have += piece.length;
	if (have < whole) return;
	const all = Buffer.concat(pieces);
	pieces = [all];
	const line = all.indexOf(10) + 1;
	if (!line) return;
	const [seq, context, event] = all.toString('latin1', 0, line).split(' ').map(Number);
	whole = line + context + event;
	if (have < whole) return;
	pieces = [];
	have = whole = 0;
	run(handler, seq, all.toString('utf8', line, line + context), all.subarray(line + context));
});
send('ready\n', '');
