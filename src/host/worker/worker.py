# The worker for Python: `python3 -u -c THIS FILE NAME`.
#
# What is shipped has no lines that begin with `#`. Tabs indent.
import importlib, json, os, sys, time
from types import SimpleNamespace as Fields

OWN = os.getpid()

def send(head, body=b''):
	# A child that the handler forked has nothing to answer: it exits, with the status that it wants.
	if os.getpid() != OWN:
		return head.startswith('fatal') or os._exit(0)
	data = memoryview(head.encode() + b'\n' + body)
	try:
		while len(data):
			data = data[os.write(3, data):]
	# The runtime is gone, and nobody wants to hear more.
	except OSError:
		os._exit(0)

# Calls code of the handler's, which may raise anything.
def attempt(call, instead=None):
	try:
		return call()
	except BaseException:
		return instead

# `traceback` takes long to load and is seldom needed.
def frames(error):
	import traceback
	return traceback.format_list([f for f in traceback.extract_tb(error.__traceback__) if f.filename[:1] != '<'])

# Of a syntax error, the place.
def place(error):
	import traceback
	return traceback.format_exception_only(type(error), error)[:-1]

# The cuts keep the body below its limit.
def fail(head, error):
	kind = attempt(lambda: ''.join(c if '!' <= c <= '~' else '_' for c in type(error).__name__)[:128]) or 'Error'
	text = attempt(lambda: ''.join(str(error)[:20000]), '<exception str() failed>')
	if kind == 'SystemExit':
		kind, text = 'Runtime.ExitError', f'sys.exit({text}) was called'
	trace = attempt(lambda: frames(error), []) + attempt(lambda: place(error), [])
	body = encode({'errorType': kind, 'errorMessage': text, 'stackTrace': [line[:300] for line in trace[-50:]]})
	body = body.encode(errors='replace')
	send(f'{head} {len(body)} {kind}', body)

# The attributes are those of the managed runtime.
class Context(Fields):
	def get_remaining_time_in_millis(self):
		return max(0, self.deadline_ms - int(time.time() * 1000))
	def log(self, message):
		print(message)

def pick(of, names):
	return None if of is None else Fields(**{name: of.get(name) for name in names.split()})

# For the function, for libraries in C, and for children. glibc keeps for ever what `setenv` was given,
# and `os.environ` calls that. So the 1,000th event and all behind it call `putenv`, which keeps nothing,
# by a module that takes a millisecond to load. Where there is none, memory grows.
def find_putenv():
	import _ctypes
	address = _ctypes.dlsym(_ctypes.dlopen(None, os.RTLD_NOW), 'putenv')
	of_python, entry = os.environb._data, None
	def putenv(value):
		nonlocal entry
		# The last one lives until the call is over.
		last, entry = entry, TRACE + b'=' + value
		_ctypes.call_function(address, (entry,))
		of_python[TRACE] = value
		return True
	return putenv

TRACE, putenv = b'_X_AMZN_TRACE_ID', None
def trace(seq, value):
	global putenv
	if seq == 1000:
		putenv = attempt(find_putenv)
	if value is None:
		os.environb.pop(TRACE, 0)
	elif not putenv or not attempt(lambda: putenv(value)):
		os.environb[TRACE] = value

def context(seq, text):
	of = dict(line.split('=', 1) for line in text.split('\n')[:-1])
	trace(seq, of['trace-id'].encode() if 'trace-id' in of else None)
	# Without a deadline, the longest that Lambda gives.
	self = Context(
		aws_request_id=of.get('request-id'),
		deadline_ms=int(of.get('deadline-ms', time.time() * 1000 + 900000)),
		invoked_function_arn=of.get('function-arn'),
		tenant_id=of.get('tenant-id'),
		client_context=pick(json.loads(of.get('client-context', 'null')), 'client custom env'),
		memory_limit_in_mb=os.environ.get('AWS_LAMBDA_FUNCTION_MEMORY_SIZE'),
	)
	if self.client_context:
		self.client_context.client = pick(self.client_context.client, 'installation_id app_title app_version_name app_version_code app_package_name')
	of = json.loads(of.get('cognito-identity', '{}'))
	self.identity = Fields(cognito_identity_id=of.get('cognitoIdentityId'), cognito_identity_pool_id=of.get('cognitoIdentityPoolId'))
	for name in 'function_name function_version log_group_name log_stream_name'.split():
		setattr(self, name, os.environ.get('AWS_LAMBDA_' + name.upper()))
	return self

# The module gets the name that `import` gives it at the root of the function.
def load(path, name):
	root, file = os.path.split(path)
	task = os.environ.get('LAMBDA_TASK_ROOT', root)
	if path.startswith(task + '/'):
		root, file = task, os.path.normpath(path[len(task) + 1:])
	sys.path[0] = root
	file = os.path.splitext(file)[0].replace('/', '.')
	sys.modules.pop(file, 0)
	handler = importlib.import_module(file)
	for part in name.split('.'):
		handler = getattr(handler, part, None)
	if not callable(handler):
		raise type('Runtime.HandlerNotFound', (Exception,), {})(f"{path} defines no function '{name}'")
	# As in the managed runtime: or records below WARNING were lost whatever level is set.
	if 'logging' in sys.modules:
		sys.modules['logging'].basicConfig(format='[%(levelname)s]\t%(asctime)s\t%(message)s')
	return handler

# DynamoDB's numbers.
def number(value):
	return float(value) if type(value).__name__ == 'Decimal' else json.JSONEncoder().default(value)
encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(',', ':'), default=number).encode

# What the handler has put in place of `sys.stdout` may be closed, or no file.
def flush():
	out, own = sys.stdout, sys.__stdout__
	for file in (out,) if out is own else (out, own):
		try:
			file.flush()
		except BaseException:
			pass

# A handler of a signal may raise between two events.
def head(channel):
	while True:
		try:
			return channel.readline().split()
		except Exception as error:
			# The channel is broken.
			if isinstance(error, OSError) and error.errno:
				raise
			attempt(lambda: sys.excepthook(type(error), error, error.__traceback__))

def serve(path, name):
	os.set_inheritable(3, False)
	# One write a line and not two; a line without an end is written before the answer.
	sys.stdout.reconfigure(line_buffering=True, write_through=False)
	try:
		handler = load(path, name)
	except BaseException as error:
		fail('init-error', error)
		sys.exit(1)
	send('ready')
	channel = open(3, 'rb', closefd=False)
	while len(line := head(channel)) == 3:
		seq, text, event = map(int, line)
		text, event = channel.read(text), channel.read(event)
		try:
			# An invoke without a payload is `{}` for Lambda.
			result, kind = handler(json.loads(event.decode() or '{}'), context(seq, text.decode(errors='replace'))), ''
			if isinstance(result, bytes):
				kind = ' application/octet-stream'
			else:
				result = encode(result).encode()
		except BaseException as error:
			flush()
			# sys.exit() and its like end the process.
			last = not issubclass(type(error), Exception)
			fail(f'{"fatal" if last else "error"} {seq}', error)
			if last:
				raise
		else:
			flush()
			send(f'ok {seq} {len(result)}{kind}', result)
		event = result = 0

serve(*sys.argv[1:])
