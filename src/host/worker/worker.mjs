// The worker for Node: `node --input-type=module -e THIS -- FILE NAME`.
//
// Thinned for shipping: lines that begin with `//` and indentation are dropped, so no template may
// go over a line, and every statement ends in a semicolon.
import { writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';

const [, path, name] = process.argv;
// What child_process.fork and Worker would hand on.
process.execArgv = [];
// The event in hand: `fail` answers with an error, `empty` runs when the event loop is empty.
let hand, channel;

// The head and the body of a report. The cuts keep the body below the limit.
const report = (head, error) => {
	const real = error instanceof Error || error?.stack && error.message;
	const errorType = (real ? String(error.name) : typeof error).replace(/[^!-~]/g, '_').slice(0, 128) || 'Error';
	const errorMessage = (real ? String(error.message) : String(error)).slice(0, 20000);
	const lines = real ? String(error.stack).split('\n') : [];
	const stackTrace = lines.slice(0, 50).map((line) => line.slice(0, 300));
	const body = Buffer.from(JSON.stringify({ errorMessage, errorType, stackTrace }));
	return [`${head} ${body.length} ${errorType}`, body];
};
const named = (name, message) => Object.assign(new Error(message), { name });

const frame = (head, body, done) => {
	channel.cork();
	channel.write(head + '\n');
	channel.write(body, done);
	channel.uncork();
};

// Before the channel is asynchronous, a plain write will do.
const initFailed = (error) => {
	const [head, body] = report('init-error', error);
	writeSync(3, head + '\n');
	writeSync(3, body);
	process.exit(1);
};

process.on('beforeExit', () => hand?.empty());
// Rejections that nobody handles come here too. What is left behind is unknown: the process ends.
process.on('uncaughtException', (error) => {
	if (hand) return hand.fail(error, 'fatal');
	console.error(error);
	process.exit(1);
});

// The global of the managed runtime, for responses that are streamed.
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

const streamOf = (seq) => {
	let type = 'application/octet-stream';
	let open = false;
	const send = (data, done) => {
		if (!open) {
			open = true;
			channel.write(`stream ${seq} ${type}\n`);
			if (stream.prelude) send(stream.prelude);
		}
		data = Buffer.from(data);
		data.length ? frame(`chunk ${seq} ${data.length}`, data, done) : done();
	};
	const stream = new Writable({
		objectMode: true,
		write: (data, encoding, done) => {
			const plain = typeof data === 'string' || data instanceof Uint8Array;
			send(typeof data === 'string' ? Buffer.from(data, encoding) : plain ? data : JSON.stringify(data), done);
		},
		final: (done) => send('', done),
	});
	stream.setContentType = (told) => { type = String(told).replace(/[^ -~]/g, ''); };
	return stream;
};

const contextOf = (text) => {
	const of = Object.fromEntries(text.split('\n').slice(0, -1).map((line) => [line.split('=', 1)[0], line.slice(line.indexOf('=') + 1)]));
	const env = process.env;
	const json = (name) => of[name] && JSON.parse(of[name]);
	// Without a deadline, the longest that Lambda gives.
	const deadline = Number(of['deadline-ms'] ?? Date.now() + 900000);
	if (of['trace-id']) env._X_AMZN_TRACE_ID = of['trace-id'];
	else delete env._X_AMZN_TRACE_ID;
	return {
		callbackWaitsForEmptyEventLoop: true,
		awsRequestId: of['request-id'],
		invokedFunctionArn: of['function-arn'],
		tenantId: of['tenant-id'],
		xRayTraceId: of['trace-id'],
		clientContext: json('client-context'),
		identity: json('cognito-identity'),
		functionName: env.AWS_LAMBDA_FUNCTION_NAME,
		functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
		memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
		logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
		logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
		getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
	};
};

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const run = async (handler, seq, text, event) => {
	// While the handler runs, the channel keeps nobody alive: then `beforeExit` tells that the
	// event loop is empty.
	channel.unref();
	const answered = (head, body, done) => {
		if (hand !== own) return;
		hand = null;
		frame(head, body, done);
		channel.ref();
	};
	const own = {
		fail: (error, verb = 'error') => answered(...report(`${verb} ${seq}`, error), verb === 'fatal' ? () => process.exit(1) : undefined),
		answer: (value) => {
			const body = Buffer.from(JSON.stringify(value) ?? 'null');
			answered(`ok ${seq} ${body.length}`, body);
		},
		empty: () => own.fail(named('Runtime.NeverSettled', 'the event loop is empty, and the handler has not answered')),
	};
	hand = own;
	// As in the managed runtime, the first call counts.
	let called = false;
	const first = (call) => (...all) => {
		if (called) return;
		called = true;
		call(...all);
	};
	const done = (error, value) => {
		try {
			error == null ? own.answer(value) : own.fail(error);
		} catch (unfit) {
			own.fail(unfit);
		}
	};
	try {
		const context = contextOf(text);
		// An invoke without a payload is `{}` for Lambda.
		event = JSON.parse(utf8.decode(event) || '{}');
		if (handler[STREAMING]) {
			const stream = streamOf(seq);
			const finished = new Promise((resolve, reject) => stream.on('finish', resolve).on('error', reject));
			finished.catch(() => {});
			await handler(event, stream, context);
			await finished;
			return answered(`end ${seq}`, '');
		}
		context.done = first(done);
		context.succeed = first((value) => done(null, value));
		context.fail = first((error) => done(error ?? 'handled'));
		const callback = first((error, value) => {
			if (error == null && context.callbackWaitsForEmptyEventLoop) own.empty = () => done(null, value);
			else done(error, value);
		});
		const { succeed } = context;
		const result = handler(event, context, callback);
		if (typeof result?.then === 'function') succeed(await result);
		// One that has not called back may yet do so; what it returned is the answer otherwise.
		else if (!called) own.empty = () => done(null, result);
	} catch (error) {
		called = true;
		own.fail(error);
	}
};

let handler;
hand = {
	fail: initFailed,
	empty: () => initFailed(named('Runtime.NeverSettled', `the event loop is empty, and ${path} is still loading`)),
};
try {
	const module = await import(pathToFileURL(path));
	const find = (from) => name.split('.').reduce((at, key) => at?.[key], from);
	handler = find(module) ?? find(module.default);
	if (typeof handler !== 'function') throw named('Runtime.HandlerNotFound', `${path} exports no function '${name}'`);
} catch (error) {
	initFailed(error);
}
hand = null;

channel = new Socket({ fd: 3, readable: true, writable: true });
const gone = () => process.exit(0);
channel.on('end', gone).on('error', gone).on('close', gone);
// What has come of the frame, and how much it must be: 0 until the line is there.
let pieces = [];
let have = 0;
let whole = 0;
let head;
channel.on('data', (piece) => {
	pieces.push(piece);
	have += piece.length;
	if (!whole) {
		const all = Buffer.concat(pieces);
		const end = all.indexOf(10) + 1;
		pieces = [all];
		if (!end) return;
		head = [end, ...all.toString('latin1', 0, end).split(' ').map(Number)];
		whole = end + head[2] + head[3];
	}
	if (have < whole) return;
	const all = Buffer.concat(pieces);
	const event = head[0] + head[2];
	pieces = [];
	have = whole = 0;
	run(handler, head[1], all.toString('utf8', head[0], event), all.subarray(event));
});
frame('ready', '');
