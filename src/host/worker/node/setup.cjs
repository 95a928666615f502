// The shim for Node: `node --max-http-header-size 81920 -e SHIM -- FILE NAME`.
//
// Its files are embedded one behind the other, in the order of `NODE` in shims.rs; the block that
// begins here ends with the last of them, so that no name of the shim is a global of the handler.
// The embedded text has no lines that begin with `//` and no indentation, so no template may span
// lines.
'use strict';
{
// `NODE_OPTIONS` can make an ES module of this text, which has no `require`.
const { require = process.getBuiltinModule } = globalThis;
const fs = require('fs');
const { builtinModules, createRequire, syncBuiltinESMExports, _initPaths: readModulePaths } = require('module');

const { env, argv: [, path, name], execArgv } = process;
// The handler may replace it.
const { stringify } = JSON;
const major = parseInt(process.versions.node);
// The managed runtimes from Node 24 on have version 4 of their client, which differs in places.
const isClient4 = major >= 24;

// A string. Getters and proxies of the handler may throw, and not every value converts to a string.
const textOf = (get, instead = '') => {
	try {
		return String(get());
	} catch {
		return instead;
	}
};

// `-e` makes globals of what a CommonJS file has for itself, and accessors of all built-in modules: on
// Lambda a handler finds none of them.
for (const key of ['require', 'module', 'exports', '__filename', '__dirname']) delete globalThis[key];
for (const key of builtinModules) {
	const { get, enumerable } = Object.getOwnPropertyDescriptor(globalThis, key) ?? {};
	if (get && !enumerable && key !== 'process') delete globalThis[key];
}
// Node puts one back when this text has run.
process.nextTick(() => delete globalThis.module);
delete process._eval;
// From Node 22 on, parseArgs asks the command line itself, and so finds one argument more behind `-e`.
if (major >= 22) {
	const util = require('util');
	const { parseArgs } = util;
	util.parseArgs = (config = {}) => parseArgs(config?.args ?? typeof config !== 'object' ? config : { ...config, args: process.argv.slice(2) });
	syncBuiltinESMExports();
}
// The arguments of the managed runtime: its own flags first, and nothing of this text, which
// child_process.fork would pass on.
const flags = execArgv.lastIndexOf('--max-http-header-size');
const others = execArgv.slice(0, flags).filter((flag) => flag !== '--expose-gc');
others.sort((one, other) => other.startsWith('--max-semi') - one.startsWith('--max-semi'));
process.execArgv = ['--expose-gc', ...execArgv.slice(flags, -2), ...others];
// The flag itself makes V8 refuse its code cache, which lengthens a start by 3 %. So it is set where
// `gc` is asked for; a new context has the function.
const setGlobal = (value) => Object.defineProperty(globalThis, 'gc', { value, writable: true, configurable: true });
if (!globalThis.gc) Object.defineProperty(globalThis, 'gc', {
	get: () => {
		require('v8').setFlagsFromString('--expose-gc');
		setGlobal(require('vm').runInNewContext('gc'));
		return globalThis.gc;
	},
	set: setGlobal,
	configurable: true,
});
process.argv.splice(1, 2, '/var/runtime/index.mjs');
env.AWS_EXECUTION_ENV ??= `AWS_Lambda_nodejs${major}.x`;
if (!env.NODE_PATH) {
	env.NODE_PATH = [`/opt/nodejs/node${major}/node_modules`, '/opt/nodejs/node_modules', '/var/runtime/node_modules', '/var/runtime', env.LAMBDA_TASK_ROOT || process.cwd()].join(':');
	readModulePaths();
}

// Blocking writes, so that the log is written before the response. Without this, Node also makes the
// pipe non-blocking for every process that shares it, the runtime included. A stream takes time to
// make, so this waits until something is printed.
for (const key of ['stdout', 'stderr']) {
	const property = Object.getOwnPropertyDescriptor(process, key);
	const get = () => {
		const stream = property.get.call(process);
		Object.defineProperty(process, key, property);
		stream._handle?.setBlocking?.(true);
		return stream;
	};
	Object.defineProperty(process, key, { ...property, get });
}
