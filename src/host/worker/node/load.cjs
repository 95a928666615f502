// Finds and loads the handler, as the managed runtime does.
const { basename, dirname, join, resolve } = require('path');
const { pathToFileURL } = require('url');

// The module that loads the handler, as error messages and `module.parent` show it.
const load = createRequire('/var/runtime/index.mjs');

// Whether `.js` files of this folder are ES modules: what the nearest package.json says.
const isModuleFolder = (folder) => {
	if (folder.endsWith('/node_modules')) return false;
	const file = join(folder, 'package.json');
	if (fs.existsSync(file)) {
		try {
			return JSON.parse(fs.readFileSync(file, 'utf8'))?.type === 'module';
		} catch (error) {
			console.warn(`${file} cannot be read, so .js files beside it are CommonJS`, error);
			return false;
		}
	}
	return folder !== '/' && isModuleFolder(dirname(folder));
};
// `require` where it can, so that hooks of `require` see the handler.
const loadFile = async (file) => {
	const url = pathToFileURL(file).href;
	if (file.endsWith('.mjs') || file.endsWith('.js') && isModuleFolder(dirname(file))) return import(url);
	try {
		return load(file);
	} catch (error) {
		// An ES module without a sign of it in name or package.json, which has a top-level await for
		// example.
		if (error?.code === 'ERR_REQUIRE_ESM' || error?.code === 'ERR_REQUIRE_ASYNC_MODULE') return import(url);
		throw error;
	}
};
// What no file of the task root is: a folder, a file without an ending, a package.
const loadByName = async (target) => {
	const root = env.LAMBDA_TASK_ROOT || process.cwd();
	const base = basename(target);
	const folder = target.slice(0, -base.length);
	const [, stem, names] = /^([^.]*)\.(.*)$/s.exec(base) ?? [];
	if (!names) throw errorOf('MalformedHandlerName', 'Bad handler');
	const file = resolve(root, folder, stem);
	const found = ['', '.js', '.mjs', '.cjs'].map((ending) => file + ending).find(fs.existsSync);
	return [await loadFile(found ?? load.resolve(stem, { paths: [root, resolve(root, folder)] })), names];
};

// A syntax error whose place only Node knows, which prints it when the error is uncaught.
let unplaced;
const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
const findIn = (from, names) => names.split('.').reduce((at, key) => at?.[key], from);
const loadHandler = async () => {
	let found, names = name;
	// A module that NODE_OPTIONS loads may have set another handler.
	const target = env._HANDLER?.replace(/^node:/, '').replace(/^(\.\/)+/, '') || path;
	const isPlain = name && `${path.replace(/\.\w+$/, '')}.${name}`.endsWith(env._HANDLER ? target : name);
	try {
		// An exported promise is awaited.
		if (isPlain) found = await loadFile(path);
		else [found, names] = await loadByName(target);
	} catch (error) {
		if (error instanceof SyntaxError) {
			if (error.stack?.startsWith?.('SyntaxError')) unplaced = error;
			throw Object.assign(errorOf('UserCodeSyntaxError', error), { stack: error.stack });
		}
		if (error?.code === 'MODULE_NOT_FOUND') throw errorOf('ImportModuleError', error);
		throw error;
	}
	let handler = findIn(found, names);
	if (typeof handler !== 'function') handler = findIn(found?.default, names) ?? handler;
	if (typeof handler !== 'function') throw errorOf('HandlerNotFound', `${env._HANDLER || `${path}.${name}`} is ${handler ? 'not a function' : 'undefined or not exported'}`);
	if (handler[STREAMING] && handler[STREAMING] !== 'response') throw errorOf('MalformedStreamingHandler', 'Only response streaming is supported.');
	return handler;
};
