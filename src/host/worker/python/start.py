# The shim for Python: `python3 -u -c SHIM PARTS FILE NAME`. SHIM is this file and `events.py`.
#
# Compiling is a large part of a cold start, so these two have only what each event needs. PARTS is the
# text of the other files of this folder: `need` compiles a part of them when it is used first.
#
# The embedded text has no lines that begin with `#`, so no string may span lines. Tabs indent.
import sys

# With `-c` this is the current folder, whose files would take the place of what is imported here.
if sys.path[:1] == ['']:
	del sys.path[0]
LIBRARY = sys.path[:]
import _json, marshal, os, time
from _frozen_importlib_external import PathFinder

PARTS = {text.split("'", 2)[1]: text.split("'", 2)[2] for text in sys.argv[1].split('PART=')[1:]}
PID, ENV, OUT = os.getpid(), os.environ, sys.stdout
VERSION = 'python%d.%d' % sys.version_info[:2]
# The id of the event that was answered last, and the id that the log has.
answered = request_id = tenant_id = None
# Whether the function uses modules of the managed runtime's client: see `client.py`.
uses_client = False

def need(part):
	if part in PARTS:
		exec(compile(PARTS.pop(part), '<bootstrap>', 'exec'), globals())

# Calls code of the handler, which may raise anything.
def attempt(call, default=None):
	try:
		return call()
	except BaseException:
		return default

# Code that makes a daemon closes every descriptor. In the managed runtime this breaks nothing while the
# function is loaded. So the channel has a high number, and `os.close` leaves it open.
try:
	CHANNEL = 1000
	os.dup2(3, CHANNEL, False)
	os.close(3)
except OSError:
	CHANNEL = 3
	os.set_inheritable(3, False)

def close(fd, close=os.close):
	if fd != CHANNEL or os.getpid() != PID:
		close(fd)

def closerange(low, high, closerange=os.closerange):
	closerange(low, min(high, CHANNEL))
	closerange(max(low, CHANNEL + (os.getpid() == PID)), high)

os.close, os.closerange = close, closerange

def send(head, body=b''):
	# A child that the handler forked must not answer: it exits, with its own status.
	if os.getpid() != PID:
		return head.startswith('fatal') or os._exit(0)
	data = memoryview(head.encode() + b'\n' + body)
	try:
		while len(data):
			data = data[os.write(CHANNEL, data):]
	# The runtime is gone.
	except OSError:
		os._exit(0)

# What the managed runtime has imported before the function comes from the library, also where the
# function has a file of that name. `logging` gets AWS's handler.
LOADED = set('__future__ _colorize ast codeop collections contextlib copyreg decimal enum functools importlib json keyword linecache logging math numbers operator re reprlib string textwrap threading token tokenize traceback types warnings weakref'.split())
PREPARED = set('awslambdaric simplejson snapshot_restore_py'.split())

class Finder:
	@staticmethod
	def find_spec(name, path=None, target=None):
		if path is None and name in LOADED:
			spec = PathFinder.find_spec(name, LIBRARY)
			if name != 'logging' or not spec or 'logs' not in PARTS:
				return spec
			need('logs')
			return hooked(spec)
		if path is None and name in PREPARED:
			need('modules')
			return find_prepared(name)

# The folders of the function and its layers, in the order of the managed runtime. `site` reads their
# `.pth` files.
def set_paths(root):
	folders = [root]
	if 'PYTHONPATH' not in ENV:
		folders += f'/opt/python/lib/{VERSION}/site-packages', '/opt/python'
		ENV['PYTHONPATH'] = ENV.get('LAMBDA_RUNTIME_DIR', '/var/runtime')
	sys.path[:0] = folders
	for folder in folders:
		try:
			has_pth = '.pth ' in ' '.join(os.listdir(folder)) + ' '
		except OSError:
			sys.path.append(folder)
			continue
		if has_pth:
			import site
			site.addsitedir(folder)

# Without a name, no plain lookup has found a file: the path is the whole `_HANDLER`.
def load(path, name):
	root, module = ENV.get('LAMBDA_TASK_ROOT', os.path.dirname(path)), path
	if not name:
		module, _, name = path.rpartition('.')
	elif path.endswith('.py'):
		module = path[:-3]
	set_paths(root)
	if module.startswith(root + '/'):
		module = os.path.normpath(module[len(root) + 1:])
	elif module.startswith('/'):
		folder, module = os.path.split(module)
		sys.path.insert(0, folder)
	LOADED.discard(module)
	try:
		return find_handler(path, module, name)
	except (ImportError, SyntaxError) as error:
		need('errors')
		raise import_fault(error, module)

def find_handler(path, module, name):
	dotted = module.replace('/', '.')
	if not module or dotted.split('.')[0] in sys.builtin_module_names:
		need('errors')
		raise name_fault(module, name)
	if path.startswith('/'):
		sys.modules.pop(dotted, 0)
	__import__(dotted)
	handler = sys.modules[dotted]
	inner, _, last = name.rpartition('.')
	# `a.b.f` is `f` of the module `a.b` first, and then the member `b.f` of the module `a`.
	if inner:
		try:
			__import__(f'{dotted}.{inner}')
			handler, name = sys.modules[f'{dotted}.{inner}'], last
		except ModuleNotFoundError as error:
			if not f'{dotted}.{inner}.'.startswith(f'{error.name}.'):
				raise
	for part in name.split('.'):
		handler = getattr(handler, part, None)
	if not callable(handler):
		need('errors')
		raise missing_fault(sys.modules[dotted], module, name)
	return handler

