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
PID, ENV, OUT, Namespace = os.getpid(), os.environ, sys.stdout, type(sys.implementation)
VERSION = 'python%d.%d' % sys.version_info[:2]
# The id of the event that was answered last, and the id that the log has.
answered = request_id = tenant_id = None
# Whether the function uses modules of the managed runtime's client: see `client.py`.
uses_client = False

def need(part):
	if part in PARTS:
		# `compile` would make all types of `ast` first, which takes two milliseconds.
		exec(PARTS.pop(part), globals())

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
PREPARED = {'awslambdaric', 'simplejson', 'snapshot_restore_py'}

def find_spec(name, path=None, target=None):
	if path is None and name in LOADED:
		spec = PathFinder.find_spec(name, LIBRARY)
		if name == 'logging' and spec and 'logs' in PARTS:
			need('logs')
			hook(spec.loader)
		return spec
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
			if any([name.endswith('.pth') for name in os.listdir(folder)]):
				import site
				site.addsitedir(folder)
		except OSError:
			sys.path.append(folder)

# The path is that of a file, or, without a name, the whole `_HANDLER`, for which a plain lookup has found
# none.
def load(path, name):
	global module
	root = ENV.get('LAMBDA_TASK_ROOT') or name and os.path.dirname(path) or os.getcwd()
	set_paths(root)
	module, _, last = path.rpartition('.')
	if module.startswith(root + '/'):
		module = os.path.normpath(module[len(root) + 1:])
	elif module.startswith('/'):
		folder, module = os.path.split(module)
		sys.path.insert(0, folder)
	dotted = module.replace('/', '.')
	# A file that is named like a module of the library is found all the same.
	if name:
		LOADED.discard(dotted)
		if dotted not in sys.builtin_module_names:
			sys.modules.pop(dotted, 0)
	__import__(dotted)
	handler = sys.modules[dotted]
	for part in (name or last).split('.'):
		handler = getattr(handler, part, None)
	if not callable(handler):
		need('errors')
		handler = find_inner(dotted, name or last)
	return handler
