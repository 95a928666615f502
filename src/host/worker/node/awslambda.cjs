// The global of the managed runtime: streamed responses, and what loggers and tracers ask for.
const { Writable } = require('stream');

const ID_KEY = Symbol.for('_AWS_LAMBDA_REQUEST_ID');
const TRACE_KEY = Symbol.for('_AWS_LAMBDA_X_RAY_TRACE_ID');
const TENANT_KEY = Symbol.for('_AWS_LAMBDA_TENANT_ID');
let storedContext;
// In place of the package @aws/lambda-invoke-store, which takes this one if it is there.
const InvokeStore = {
	getContext: () => storedContext,
	hasContext: () => storedContext !== undefined,
	get: (key) => storedContext?.[key],
	set: (key, value) => {
		if (InvokeStore.isProtectedKey(key)) throw new Error(`Cannot modify protected Lambda context field: ${String(key)}`);
		storedContext = storedContext ?? {};
		storedContext[key] = value;
	},
	run: (context, call) => {
		storedContext = context;
		return call();
	},
	isProtectedKey: (key) => [ID_KEY, TRACE_KEY, TENANT_KEY].includes(key),
	getRequestId: () => storedContext?.[ID_KEY] ?? '-',
	getXRayTraceId: () => storedContext?.[TRACE_KEY],
	getTenantId: () => storedContext?.[TENANT_KEY],
};
const storeContext = (id, trace, tenant) => {
	globalThis[REQUEST_ID] = id;
	globalThis[TENANT_ID] = tenant;
	if (isClient4) storedContext = { [ID_KEY]: id, [TRACE_KEY]: trace, [TENANT_KEY]: tenant };
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
