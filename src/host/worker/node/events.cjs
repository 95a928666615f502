// Answers events, one after the other.
const { Socket } = require('net');

// The current event: `fail` answers it with an error, `empty` runs when the event loop is empty.
let current, channel, decoder;

const send = (head, body, done) => {
	channel.cork();
	channel.write(head);
	channel.write(body, done);
	channel.uncork();
};

process.on('beforeExit', () => current?.empty());
// During an event the process exits: its state is unknown. Between events the error is logged only:
// there is nobody to report it to, and an exit would fail the next event. Version 4 of the client has
// no listeners, so those of the handler decide alone.
const onUncaught = (event, what, convert) => process.on(event, (thrown, promise) => {
	if (isClient4 && process.listenerCount(event) > 1) return;
	const error = convert(thrown, promise);
	current ? current.fail(error, 'fatal', what) : logError(what, error);
});
onUncaught('uncaughtException', 'Uncaught Exception', (error) => error);
onUncaught('unhandledRejection', 'Unhandled Promise Rejection', (reason, promise) => {
	const error = Object.assign(errorOf('UnhandledPromiseRejection', textOf(() => reason, 'a value that cannot be converted to a string')), { reason, promise });
	// Where it was rejected is worth more than where Node noticed it.
	const stack = textOf(() => reason.stack ?? '');
	if (stack) error.stack = `${error.name}: ${stack}`;
	return error;
});

const environment = {
	functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
	functionName: env.AWS_LAMBDA_FUNCTION_NAME,
	memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
	logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
	logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
};
// Fills in the context of an event; `text` are the fields that came with it.
const fillContext = (context, seq, text) => {
	const fields = { __proto__: null };
	for (const [, key, value] of text.matchAll(/([^=\n]*)=([^\n]*)\n/g)) fields[key] = value;
	// A caller chooses these values: one that is not JSON does not fail the event.
	const json = (key) => {
		try {
			if (fields[key]) return JSON.parse(fields[key]);
		} catch {
			textOf(() => console.error(`${key} is not JSON: ignored`));
		}
	};
	// Without a deadline, Lambda's longest timeout.
	const deadline = fields['deadline-ms'] ?? Date.now() + 900000;
	const trace = fields['trace-id'];
	const awsRequestId = fields['request-id'], tenantId = fields['tenant-id'];
	setTrace(seq, trace);
	storeContext(awsRequestId, trace, tenantId);
	Object.assign(context, environment, {
		clientContext: json('client-context'),
		identity: json('cognito-identity'),
		invokedFunctionArn: fields['function-arn'],
		awsRequestId,
		tenantId,
		getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
	});
	// Version 3 of the client does not have it.
	Object.defineProperty(context, 'xRayTraceId', { value: trace, enumerable: isClient4, writable: true, configurable: true });
};

const handleEvent = async (runtime, seq, text, event) => {
	const write = (head, body, done) => {
		if (current !== self) return;
		current = null;
		// Whole at once: the handler may still call process.exit, which drops what Node holds back.
		const isLarge = body.length > 32768;
		if (isLarge) channel._handle?.setBlocking(true);
		send(head, body, done);
		if (isLarge) channel._handle?.setBlocking(false);
		channel.ref();
	};
	const fail = (error, verb = 'error', what = 'Invoke Error') => {
		if (current !== self) return;
		logError(what, error);
		write(...errorFrame(`${verb} ${seq}`, error), () => verb === 'fatal' && process.exit(1));
	};
	const self = current = { fail, empty: () => fail(errorOf('NeverSettled', 'the event loop is empty, and the handler has not answered')) };
	// As in the managed runtime, the first call counts.
	let called;
	const once = (call) => (...all) => {
		if (!called) called = call(...all) || true;
	};
	const done = (error, value) => {
		if (error != null) return fail(error);
		try {
			const body = Buffer.from(JSON.stringify(value) ?? 'null');
			write(`ok ${seq} ${body.length}\n`, body);
		} catch (invalid) {
			fail(invalid);
		}
	};
	const succeed = once((value) => done(null, value));
	// While the handler runs, the channel does not keep the event loop alive, so that `beforeExit` fires
	// when the handler's work is done.
	channel.unref();
	try {
		const isStreaming = runtime.handler[STREAMING];
		const context = { callbackWaitsForEmptyEventLoop: true };
		if (!isStreaming) Object.assign(context, { succeed, fail: once((error) => done(error ?? 'handled')), done: once(done) });
		fillContext(context, seq, text);
		// Lambda treats an invocation without a payload as `{}`.
		decoder ??= new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
		event = JSON.parse(decoder.decode(event) || '{}');
		if (isStreaming) {
			const stream = streamOf(seq, self);
			const end = new Promise((resolve, reject) => stream.on('finish', resolve).on('error', reject));
			const [value] = await Promise.all([runtime.handler(event, stream, context), end]);
			if (value !== undefined) console.warn('Streaming handlers ignore return values.');
			return write(`end ${seq}\n`, '');
		}
		const result = runtime.handler(event, context, once((error, value) => {
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

const listen = (runtime) => {
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
		handleEvent(runtime, seq, all.toString('utf8', line, line + context), all.subarray(line + context));
	});
	send('ready\n', '');
};

// Until the channel is an asynchronous socket, a synchronous write suffices.
const failInit = (error, verb, what = isClient4 ? 'Init Error' : 'Uncaught Exception') => {
	logError(what, error);
	for (const data of errorFrame('init-error', error)) fs.writeSync(3, data);
	if (!unplaced) process.exit(1);
	process.removeAllListeners('uncaughtException');
	process.removeAllListeners('unhandledRejection');
	throw unplaced;
};
current = { fail: failInit, empty: () => failInit(errorOf('NeverSettled', `the event loop is empty, and ${path} is not loaded`)) };
loadHandler().then((handler) => {
	current = null;
	// A handler's `this` is an object of the managed runtime.
	listen({ handler });
}).catch(failInit);
}
