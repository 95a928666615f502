// The Node function with the commands that the tests send to every kind.
import { spawn, spawnSync } from 'node:child_process';
import { writeSync } from 'node:fs';

if (process.env.INIT) {
	writeSync(2, 'at init\n');
	if (process.env.INIT === 'exit') process.exit(5);
	throw new RangeError('broken at init');
}

const background = (command) => spawn('sh', ['-c', command], { stdio: ['ignore', 'inherit', 'inherit'] }).unref();
const flood = (bytes) => {
	for (; bytes > 0; bytes -= 10000) writeAll(Buffer.alloc(Math.min(bytes, 10000), 'l'));
};
// Node's own standard error does not block either; a write to a full pipe fails with EAGAIN.
const writeAll = (data) => {
	while (data.length > 0) {
		try {
			data = data.subarray(writeSync(2, data));
		} catch (error) {
			if (error.code !== 'EAGAIN') throw error;
		}
	}
};

const actions = {
	fail: (argument) => { throw new TypeError(argument); },
	exit: (argument) => process.exit(Number(argument)),
	killed: () => {
		writeSync(2, 'before the end\n');
		process.kill(process.pid, 'SIGKILL');
		return new Promise((resolve) => setTimeout(resolve, 30000));
	},
	orphan: () => {
		spawnSync('sh', ['-c', 'sleep 30 &'], { stdio: ['ignore', 'ignore', 'inherit'] });
		return actions.killed();
	},
	sleep: async (argument) => {
		writeSync(2, 'sleeps\n');
		await new Promise((resolve) => setTimeout(resolve, argument * 1000));
		return 'slept';
	},
	big: (argument) => 'x'.repeat(Number(argument)),
	flood: (argument) => {
		flood(Number(argument));
		return 'flooded';
	},
	later: (argument) => {
		background(`sleep 0.2; head -c ${argument} /dev/zero | tr '\\0' l >&2; echo over >&2`);
		return 'later';
	},
	background: () => {
		background('exec sleep 30');
		return 'left';
	},
	log: (argument) => {
		console.error(argument);
		console.log(`${argument}, again`);
		return 'logged';
	},
	pid: () => `${process.pid}`,
	trace: () => process.env._X_AMZN_TRACE_ID ?? 'unset',
	context: (argument, context) => [
		context.awsRequestId ?? '-',
		context.invokedFunctionArn ?? '-',
		context.xRayTraceId ?? '-',
		context.tenantId ?? '-',
		context.getRemainingTimeInMillis() > 0 ? 'yes' : 'no',
	].join('|'),
	client: (argument, context) => [context.clientContext ?? null, context.identity ?? null],
};

export const handler = async (event, context) => {
	if (typeof event !== 'string' || !event.startsWith('do:')) return event;
	const [, what, argument] = /^do:(\w+) ?(.*)$/s.exec(event);
	return actions[what](argument, context);
};
