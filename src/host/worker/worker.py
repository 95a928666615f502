# The worker for Python: `python3 -u -c THIS FILE NAME`.
#
# Thinned for shipping: lines that begin with `#` are dropped, tabs indent.
import importlib, json, os, sys, time
from types import SimpleNamespace as Fields

def send(head, body):
	data = memoryview(head.encode() + b'\n' + body)
	try:
		while len(data):
			data = data[os.write(3, data):]
	# The runtime is gone: nobody wants to hear more.
	except OSError:
		os._exit(0)

# `traceback` takes long to load and is seldom needed. The cuts keep the body below the limit.
def fail(head, error):
	import traceback
	kind, text = type(error).__name__, str(error)
	if isinstance(error, SystemExit):
		kind, text = 'Runtime.ExitError', f'sys.exit({error.code!r}) was called'
	kind = ''.join(c if '!' <= c <= '~' else '_' for c in kind)[:128]
	frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename[0] != '<']
	trace = traceback.format_list(frames) + traceback.format_exception_only(type(error), error)[:-1]
	body = json.dumps({
		'errorMessage': text[:20000],
		'errorType': kind,
		'stackTrace': [line[:300] for line in trace[-50:]],
	}, ensure_ascii=False).encode(errors='replace')
	send(f'{head} {len(body)} {kind}', body)

# The attributes are those of the managed runtime.
class Context:
	def __init__(self, text):
		of = dict(line.split('=', 1) for line in text.split('\n')[:-1])
		env = os.environ.get
		self.aws_request_id = of.get('request-id')
		self.invoked_function_arn = of.get('function-arn')
		self.tenant_id = of.get('tenant-id')
		self.function_name = env('AWS_LAMBDA_FUNCTION_NAME')
		self.function_version = env('AWS_LAMBDA_FUNCTION_VERSION')
		self.memory_limit_in_mb = env('AWS_LAMBDA_FUNCTION_MEMORY_SIZE')
		self.log_group_name = env('AWS_LAMBDA_LOG_GROUP_NAME')
		self.log_stream_name = env('AWS_LAMBDA_LOG_STREAM_NAME')
		told = json.loads(of.get('client-context', 'null'))
		if told is not None:
			client = told.get('client')
			if client is not None:
				names = 'installation_id app_title app_version_name app_version_code app_package_name'
				client = Fields(**{name: client.get(name) for name in names.split()})
			told = Fields(client=client, custom=told.get('custom'), env=told.get('env'))
		self.client_context = told
		told = json.loads(of.get('cognito-identity', '{}'))
		self.identity = Fields(cognito_identity_id=told.get('cognitoIdentityId'), cognito_identity_pool_id=told.get('cognitoIdentityPoolId'))
		# Without a deadline, the longest that Lambda gives.
		self.deadline_ms = int(of.get('deadline-ms', time.time() * 1000 + 900000))
		trace = of.get('trace-id')
		if trace is None:
			os.environ.pop('_X_AMZN_TRACE_ID', None)
		else:
			os.environ['_X_AMZN_TRACE_ID'] = trace

	def get_remaining_time_in_millis(self):
		return max(0, self.deadline_ms - int(time.time() * 1000))

	def log(self, message):
		print(message)

def number(value):
	if type(value).__name__ == 'Decimal':
		return float(value)
	raise TypeError(f'Object of type {type(value).__name__} is not JSON serializable')

# The module has the name that `import` gives it from the root of the function.
def load(path, name):
	root = os.environ.get('LAMBDA_TASK_ROOT', '').rstrip('/')
	if not root or not path.startswith(root + '/'):
		root = os.path.dirname(path)
	sys.path[0] = root
	module = os.path.splitext(path[len(root) + 1:])[0].replace('/', '.')
	sys.modules.pop(module, None)
	handler = importlib.import_module(module)
	for part in name.split('.'):
		handler = getattr(handler, part, None)
	if not callable(handler):
		error = type('Runtime.HandlerNotFound', (Exception,), {})
		raise error(f"{path} defines no function '{name}'")
	# As the managed runtime, so that records of a level that is set are seen at all.
	logging = sys.modules.get('logging')
	if logging:
		logging.basicConfig(format='[%(levelname)s]\t%(asctime)s\t%(message)s')
	return handler

def serve(path, name):
	os.set_inheritable(3, False)
	# A write a line and not two, and what has no line end is not kept over an answer.
	sys.stdout.reconfigure(line_buffering=True, write_through=False)
	source = open(3, 'rb', closefd=False)
	encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(',', ':'), default=number).encode
	try:
		handler = load(path, name)
	except BaseException as error:
		fail('init-error', error)
		sys.exit(1)
	send('ready', b'')
	while line := source.readline():
		seq, context_bytes, event_bytes = map(int, line.split())
		text = source.read(context_bytes)
		event = source.read(event_bytes)
		if len(event) < event_bytes:
			break
		try:
			context = Context(text.decode())
			# An invoke without a payload is `{}` for Lambda.
			result = handler(json.loads(event.decode() or '{}'), context)
			kind = ''
			if isinstance(result, bytes):
				kind = ' application/octet-stream'
			else:
				result = encode(result).encode()
			sys.stdout.flush()
			send(f'ok {seq} {len(result)}{kind}', result)
		except Exception as error:
			sys.stdout.flush()
			fail(f'error {seq}', error)
		# sys.exit() and the like, which end the process.
		except BaseException as error:
			fail(f'fatal {seq}', error)
			raise
		event = result = context = None

serve(*sys.argv[1:3])
