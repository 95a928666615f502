# Modules that the managed runtime has and the function may import: `awslambdaric`,
# `snapshot_restore_py`, `simplejson`.

PART = 'modules'

# The client is that of the runtime, whatever the function brings. Of the others the function's come
# first.
def find_prepared(name):
	PREPARED.discard(name)
	is_package = name == 'awslambdaric'
	found = None if is_package else PathFinder.find_spec(name)
	return found or type(sys.__spec__)(name, Loader, origin='bootstrap', is_package=is_package)

class Loader:
	@staticmethod
	def create_module(spec):
		return None
	@staticmethod
	def exec_module(module):
		need(module.__name__)
		module.__dict__.update(make_module[module.__name__]())

make_module = {}

PART = 'snapshot_restore_py'

def make_snapshot_restore_py():
	module = {}
	for when in 'before_snapshot', 'after_restore':
		module[f'register_{when}'], module[f'get_{when}'] = registry()
	return module

def registry():
	hooks = []
	def register(func, *args, **kwargs):
		hooks.append((func, args, kwargs))
		return func
	return register, lambda: hooks

make_module['snapshot_restore_py'] = make_snapshot_restore_py

PART = 'snapshot'

def hooks_of(when):
	return getattr(sys.modules.get('snapshot_restore_py'), f'get_{when}', list)()

def run_hooks(hooks, error_type, status):
	try:
		for call, args, kwargs in hooks:
			call(*args, **kwargs)
	except BaseException as error:
		need('errors')
		fail_init(error, error_type, status)

# The hook that was registered last runs first. The answer says whether there are others for later.
def before_snapshot():
	run_hooks(hooks_of('before_snapshot')[::-1], 'Runtime.BeforeSnapshotError', 64)
	return 'ready restore' if hooks_of('after_restore') else 'ready'

def after_restore():
	run_hooks(hooks_of('after_restore'), 'Runtime.AfterRestoreError', 65)
	send('ready')

PART = 'simplejson'

# Its functions, with the options that the encoder of the answers has.
def make_simplejson():
	import decimal, json

	def dumps(obj, ensure_ascii=True, separators=None, sort_keys=False, default=None, **options):
		if options.items() - {('use_decimal', True), ('namedtuple_as_object', True)}:
			raise TypeError(f'{sorted(options)}: this simplejson has no such option: package simplejson with the function')
		need('values')
		quote = _json.encode_basestring_ascii if ensure_ascii else _json.encode_basestring
		return encode_any(obj, quote, separators or (', ', ': '), sort_keys, default)

	def loads(s, use_decimal=False, **options):
		return json.loads(s, **({'parse_float': decimal.Decimal} if use_decimal else {}), **options)

	return {
		'dumps': dumps,
		'dump': lambda obj, fp, **options: fp.write(dumps(obj, **options)),
		'loads': loads,
		'load': lambda fp, **options: loads(fp.read(), **options),
		'JSONDecodeError': json.JSONDecodeError,
	}

make_module['simplejson'] = make_simplejson
