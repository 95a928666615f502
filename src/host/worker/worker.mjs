// The worker for Node: `node --input-type=module -e THIS -- FILE NAME`.
//
// What is shipped has no lines that begin with `//` and no indentation: no template goes over a
// line.
import { writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';

const { env, argv: [, path, name] } = process;
// Or child_process.fork and Worker hand ours on.
process.execArgv = [];
// A pipe is written to at once, so that the log is out before the answer. Without this Node also makes
// it non-blocking for everybody who holds it, the runtime too.
for (const log of [process.stdout, process.stderr]) log._handle?.setBlocking?.(true);
// The event in hand: `fail` answers with an error, `empty` runs when the event loop is empty.
let hand, channel;

// What stands in the stack below the worker itself says nothing. The cuts keep the body below its
// limit.
const report = (verb, error) => {
	const { name, message, stack = '' } = error?.stack ? error : { name: typeof error, message: error };
	const errorType = `${name}`.replace(/[^!-~]/g, '_').slice(0, 128) || 'Error';
	const stackTrace = `${stack}`.split(/\n.*\[eval\d/)[0].split('\n', 50).map((line) => line.slice(0, 300));
	const body = Buffer.from(JSON.stringify({ errorType, errorMessage: String(message).slice(0, 20000), stackTrace }));
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
// Rejections that nobody handles come here too. The state is unknown now: the process ends.
process.on('uncaughtException', (error) => {
	if (hand) return hand.fail(error, 'fatal');
	console.error(error);
	process.exit(1);
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

const contextOf = (text) => {
	const of = {};
	for (const [, name, value] of text.matchAll(/([^=\n]*)=([^\n]*)\n/g)) of[name] = value;
	const json = (name) => of[name] && JSON.parse(of[name]);
	// Without a deadline, the longest that Lambda gives.
	const deadline = of['deadline-ms'] ?? Date.now() + 900000;
	const trace = of['trace-id'];
	delete env._X_AMZN_TRACE_ID;
	if (trace) env._X_AMZN_TRACE_ID = trace;
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
		const context = contextOf(text);
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
