// The global of the managed runtime: streamed responses, and what loggers and tracers ask for.
const { Writable } = require('stream');

const CONTEXT_KEYS = ['REQUEST_ID', 'X_RAY_TRACE_ID', 'TENANT_ID'].map((key) => Symbol.for(`_AWS_LAMBDA_${key}`));
let storedContext;
// In place of the package @aws/lambda-invoke-store, which takes this one if it is there.
const InvokeStore = {
	getContext: () => storedContext,
	hasContext: () => storedContext !== undefined,
	get: (key) => storedContext?.[key],
	set: (key, value) => {
		if (CONTEXT_KEYS.includes(key)) throw new Error(`Cannot modify protected Lambda context field: ${String(key)}`);
		storedContext = storedContext ?? {};
		storedContext[key] = value;
	},
	run: (context, call) => {
		storedContext = context;
		return call();
	},
	isProtectedKey: (key) => CONTEXT_KEYS.includes(key),
	getRequestId: () => storedContext?.[CONTEXT_KEYS[0]] ?? '-',
	getXRayTraceId: () => storedContext?.[CONTEXT_KEYS[1]],
	getTenantId: () => storedContext?.[CONTEXT_KEYS[2]],
};
const storeContext = (...values) => {
	[globalThis[REQUEST_ID], , globalThis[TENANT_ID]] = values;
	storedContext = {};
	for (const [index, key] of CONTEXT_KEYS.entries()) storedContext[key] = values[index];
};

if (!['1', 'true'].includes(env.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA)) {
	globalThis.awslambda = {
		...globalThis.awslambda,
		streamifyResponse: (handler) => Object.assign(handler, { [STREAMING]: 'response' }),
		HttpResponseStream: class {
			static from(stream, metadata) {
				stream.setContentType('application/vnd.awslambda.http-integration-response');
				stream.prelude = JSON.stringify(metadata) + '\0'.repeat(8);
				return stream;
			}
		},
		...isClient4 && { InvokeStore },
	};
}

const streamOf = (seq, self) => {
	let type, started;
	const chunk = (data, done) => {
		// The event has been answered already, by an error for instance: later writes are dropped.
		if (current !== self) return done?.();
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
	stream.setContentType = (value) => {
		if (started) throw errorOf('InvalidStreamingOperation', 'Cannot set content-type, too late.');
		type = `${value}`.replace(/[^ -~]/g, '').slice(0, 200);
	};
	return stream;
};
