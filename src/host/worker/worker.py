# The shim for Python: `python3 -u -c SHIM FILE NAME`.
#
# The embedded text has no lines that begin with `#`, so no string may span lines. Tabs indent.
import importlib, json, os, sys, time
from types import SimpleNamespace

PID = os.getpid()

def send(head, body=b''):
	# A child that the handler forked must not answer: it exits, with its own status.
	if os.getpid() != PID:
		return head.startswith('fatal') or os._exit(0)
	data = memoryview(head.encode() + b'\n' + body)
	try:
		while len(data):
			data = data[os.write(3, data):]
	# The runtime is gone.
	except OSError:
		os._exit(0)

# Calls code of the handler, which may raise anything.
def attempt(call, default=None):
	try:
		return call()
	except BaseException:
		return default

# `traceback` loads slowly and is rarely needed.
def frames(error):
	import traceback
	return traceback.format_list([f for f in traceback.extract_tb(error.__traceback__) if f.filename[:1] != '<'])

# The position of a syntax error.
def syntax_position(error):
	import traceback
	return traceback.format_exception_only(type(error), error)[:-1]

# The truncations keep the body below its limit.
def send_error(head, error):
	error_type = attempt(lambda: ''.join(c if '!' <= c <= '~' else '_' for c in type(error).__name__)[:128]) or 'Error'
	text = attempt(lambda: ''.join(str(error)[:20000]), '<exception str() failed>')
	if error_type == 'SystemExit':
		error_type, text = 'Runtime.ExitError', f'sys.exit({text}) was called'
	trace = attempt(lambda: frames(error), []) + attempt(lambda: syntax_position(error), [])
	body = encode({'errorType': error_type, 'errorMessage': text, 'stackTrace': [line[:300] for line in trace[-50:]]})
	body = body.encode(errors='replace')
	send(f'{head} {len(body)} {error_type}', body)

# The attributes are those of AWS's managed runtime.
class Context(SimpleNamespace):
	def get_remaining_time_in_millis(self):
		return max(0, self.deadline_ms - int(time.time() * 1000))
	def log(self, message):
		print(message)

# What is not an object has none of these attributes, and is returned as it is.
def namespace_of(value, names):
	return SimpleNamespace(**{name: value.get(name) for name in names.split()}) if isinstance(value, dict) else value

# The trace id, for the function, for C libraries and for children. `os.environ` calls `setenv`, and
# glibc never frees a value that `setenv` was given. So from the 1,000th event on `putenv` is called,
# which allocates nothing, through a module that takes a millisecond to load. Where there is none, memory
# grows.
def find_putenv():
	import _ctypes
	address = _ctypes.dlsym(_ctypes.dlopen(None, os.RTLD_NOW), 'putenv')
	environ, entry = os.environb._data, None
	def putenv(value):
		nonlocal entry
		# The previous entry must live until the call returns.
		previous, entry = entry, TRACE + b'=' + value
		_ctypes.call_function(address, (entry,))
		environ[TRACE] = value
		return True
	return putenv

TRACE, putenv = b'_X_AMZN_TRACE_ID', None
def set_trace(seq, value):
	global putenv
	if seq == 1000:
		putenv = attempt(find_putenv)
	if value is None:
		os.environb.pop(TRACE, 0)
	elif not putenv or not attempt(lambda: putenv(value)):
		os.environb[TRACE] = value

# A caller chooses these values: one that is not JSON does not fail the event.
def json_field(fields, name):
	value = fields.get(name)
	try:
		return json.loads(value) if value else None
	except Exception:
		attempt(lambda: print(f'{name} is not JSON: ignored', file=sys.stderr))

def context_of(seq, text):
	fields = dict(line.split('=', 1) for line in text.split('\n')[:-1])
	set_trace(seq, fields['trace-id'].encode() if 'trace-id' in fields else None)
	# Without a deadline, Lambda's longest timeout.
	context = Context(
		aws_request_id=fields.get('request-id'),
		deadline_ms=int(fields.get('deadline-ms', time.time() * 1000 + 900000)),
		invoked_function_arn=fields.get('function-arn'),
		tenant_id=fields.get('tenant-id'),
		client_context=namespace_of(json_field(fields, 'client-context'), 'client custom env'),
		memory_limit_in_mb=os.environ.get('AWS_LAMBDA_FUNCTION_MEMORY_SIZE'),
	)
	client = context.client_context
	if isinstance(client, SimpleNamespace):
		client.client = namespace_of(client.client, 'installation_id app_title app_version_name app_version_code app_package_name')
	identity = json_field(fields, 'cognito-identity')
	get = identity.get if isinstance(identity, dict) else {}.get
	context.identity = SimpleNamespace(cognito_identity_id=get('cognitoIdentityId'), cognito_identity_pool_id=get('cognitoIdentityPoolId'))
	for name in 'function_name function_version log_group_name log_stream_name'.split():
		setattr(context, name, os.environ.get('AWS_LAMBDA_' + name.upper()))
	return context

# The module gets the name that an `import` at the task root gives it.
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
	# As in the managed runtime: otherwise records below WARNING would be lost, whatever the level.
	if 'logging' in sys.modules:
		sys.modules['logging'].basicConfig(format='[%(levelname)s]\t%(asctime)s\t%(message)s')
	return handler

# `Decimal` is the type of numbers from DynamoDB.
def encode_decimal(value):
	return float(value) if type(value).__name__ == 'Decimal' else json.JSONEncoder().default(value)
encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(',', ':'), default=encode_decimal).encode

# The handler may have replaced `sys.stdout` by a closed file, or by something that is not a file.
def flush():
	out, original = sys.stdout, sys.__stdout__
	for file in (out,) if out is original else (out, original):
		try:
			file.flush()
		except BaseException:
			pass

# A signal handler may raise between two events.
def read_head(channel):
	while True:
		try:
			return channel.readline().split()
		except Exception as error:
			# An error of the channel itself.
			if isinstance(error, OSError) and error.errno:
				raise
			attempt(lambda: sys.excepthook(type(error), error, error.__traceback__))

def serve(path, name):
	os.set_inheritable(3, False)
	# One write per line, not two; a line without a newline is flushed before the answer.
	sys.stdout.reconfigure(line_buffering=True, write_through=False)
	try:
		handler = load(path, name)
	except BaseException as error:
		send_error('init-error', error)
		sys.exit(1)
	send('ready')
	channel = open(3, 'rb', closefd=False)
	while len(head := read_head(channel)) == 3:
		seq, context, event = map(int, head)
		context, event = channel.read(context), channel.read(event)
		try:
			# Lambda treats an invocation without a payload as `{}`.
			result, content_type = handler(json.loads(event.decode() or '{}'), context_of(seq, context.decode(errors='replace'))), ''
			if isinstance(result, bytes):
				content_type = ' application/octet-stream'
			else:
				result = encode(result).encode()
		except BaseException as error:
			flush()
			# SystemExit and other non-Exceptions end the process.
			is_fatal = not issubclass(type(error), Exception)
			send_error(f'{"fatal" if is_fatal else "error"} {seq}', error)
			if is_fatal:
				raise
		else:
			flush()
			send(f'ok {seq} {len(result)}{content_type}', result)
		event = result = 0

serve(*sys.argv[1:])
