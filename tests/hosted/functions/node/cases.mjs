// One function for each case.
import { execFileSync, fork } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

export const same = async (event) => event;

const printenv = () => {
	try {
		return execFileSync('printenv', ['_X_AMZN_TRACE_ID'], { encoding: 'utf8' }).trim();
	} catch {
		return undefined;
	}
};

export const context = async (event, context) => ({
	aws_request_id: context.awsRequestId ?? null,
	invoked_function_arn: context.invokedFunctionArn ?? null,
	tenant_id: context.tenantId ?? null,
	function_name: context.functionName,
	function_version: context.functionVersion,
	memory_limit: context.memoryLimitInMB,
	log_group_name: context.logGroupName,
	log_stream_name: context.logStreamName,
	client_app: context.clientContext?.client?.app_title ?? null,
	client_custom: context.clientContext?.custom ?? null,
	identity_id: context.identity?.cognitoIdentityId ?? null,
	identity_pool: context.identity?.cognitoIdentityPoolId ?? null,
	remaining_ms: context.getRemainingTimeInMillis(),
	trace: process.env._X_AMZN_TRACE_ID ?? null,
	trace_of_child: printenv() ?? null,
});

const inner = (message) => {
	throw new RangeError(message);
};
export const throws = async (event) => inner(event.message ?? 'it was thrown');
export const odd_type = async () => {
	throw Object.assign(new Error('odd'), { name: 'Größe \n 1' });
};
export const throws_text = async () => {
	throw 'only text';
};
export const throws_null = async () => {
	throw null;
};
export const exits = async (event) => process.exit(event.status);
export const dies = async () => {
	process.kill(process.pid, 'SIGKILL');
	await sleep(60000);
};
export const slow = async (event) => {
	await sleep(event.ms);
	return 'slept';
};
export const logs = async (event) => {
	const line = `${'x'.repeat(99)}\n`;
	for (let bytes = 0; bytes < event.bytes; bytes += 200) {
		process.stdout.write(line);
		process.stderr.write(line);
	}
	process.stdout.write('the end');
	return 'logged';
};
export const big = async (event) => 'a'.repeat(event.bytes - 2);
export const unfit = async () => ({ number: 1n });
export const not_json = async () => NaN;
export const descriptors = async () => execFileSync('ls', ['-l', '/proc/self/fd'], { encoding: 'utf8' });

// Answers that are missing, sent twice, or too late.
export const nothing = async () => {};
export const returns = (event) => event;
export const returns_nothing = () => {};
export const never = () => new Promise(() => {});
export const rejects_elsewhere = async () => {
	Promise.reject(new RangeError('nobody caught it'));
	await sleep(60000);
};
export const throws_in_timer = async () => {
	setTimeout(() => inner('in a timer'), 1);
	await sleep(60000);
};
export const throws_between = async () => {
	setTimeout(() => { throw new RangeError('between events'); }, 50);
	return 'answered';
};
export const calls_twice = (event, context, callback) => {
	callback(null, 'first');
	callback(null, 'second');
	context.succeed('third');
};
export const calls_and_throws = async (event, context, callback) => {
	context.callbackWaitsForEmptyEventLoop = false;
	callback(null, event.number);
	await sleep(event.late_ms);
	setImmediate(() => console.log('called late'));
	throw new RangeError('after the answer');
};
export const calls_late = (event, context, callback) => {
	setTimeout(() => {
		callback(null, `late for ${event.number}`);
		console.log('called late');
	}, event.late_ms);
	return Promise.resolve(event.number);
};
export const calls_error = (event, context, callback) => callback(new RangeError('called back'));
export const calls_text = (event, context, callback) => callback('only text');
let done = false;
export const waits = (event, context, callback) => {
	context.callbackWaitsForEmptyEventLoop = event.waits;
	done = false;
	setTimeout(() => { done = true; }, 300);
	callback(null, { toJSON: () => done });
};
export const succeeds = (event, context) => {
	setTimeout(() => context.succeed('by context'), 1);
};
export const fails = (event, context) => {
	setTimeout(() => context.fail(new RangeError('by context')), 1);
};
export const dones = (event, context) => {
	setTimeout(() => context.done(null, 'done'), 1);
};
let ticks = 0;
export const leaks_interval = async () => {
	setInterval(() => { ticks += 1; }, 1).unref();
	setInterval(() => { ticks += 1; }, 1);
	return 'answered';
};
export const nested = { deep: { handler: async () => 'found' } };
export const forks = async () => {
	const child = fork(new URL('./child.mjs', import.meta.url).pathname);
	return await new Promise((resolve) => child.on('message', resolve));
};

const NAME = '_X_AMZN_TRACE_ID';
const shellSees = (wanted) => {
	try {
		execFileSync('sh', ['-c', `[ "\${${NAME}-unset}" = "$1" ]`, 'sh', wanted]);
		return true;
	} catch {
		return false;
	}
};
export const trace = async (event) => {
	// The environment as C libraries see it.
	const ofC = process.report.getReport().environmentVariables[NAME];
	const listed = Object.entries(process.env).find(([name]) => name === NAME)?.[1];
	const seen = [process.env[NAME], ofC, printenv(), listed].map((value) => value ?? null);
	const forked = shellSees(event.wanted);
	if (event.leaves) process.env[NAME] = event.leaves;
	else if ('leaves' in event) delete process.env[NAME];
	return { seen, forked };
};
