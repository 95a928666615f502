# The second file of the shim: the values, the context, and the loop of the events.

def refuse(value):
	raise TypeError

# The values of the event, as `json` reads them.
scan = _json.make_scanner(Namespace(strict=True, object_hook=None, object_pairs_hook=None, array_hook=None, parse_float=float, parse_int=int, parse_constant=refuse))

def decode(data):
	try:
		# Lambda treats an invocation without a payload as `{}`.
		text = (data or b'{}').decode().strip(' \t\r\n')
		value, end = scan(text, 0)
		if end == len(text):
			return value
	except Exception:
		pass
	need('decode')
	return explain(data)

# Up to Python 3.11 the managed runtime escapes what is not ASCII.
IS_ASCII = ENV.setdefault('AWS_EXECUTION_ENV', 'AWS_Lambda_' + VERSION).replace('AWS_Lambda_python3.', '') not in '12 13 14 15 16'.split()
QUOTE = _json.encode_basestring_ascii if IS_ASCII else _json.encode_basestring
write_plain = _json.make_encoder(None, refuse, QUOTE, None, ': ', ', ', False, False, True)
FLAT = {str, int, float, bool, type(None)}

# `marshal` refuses all but instances of the plain types themselves, and a cycle: it finds in C what
# the managed runtime writes in another way than `json` does.
def encode(value):
	try:
		rest = [item for item in value.values() if type(item) not in FLAT] if type(value) is dict else value
		if rest and type(rest) not in FLAT:
			marshal.dumps(rest, 2)
		return ''.join(write_plain(value, 0)).encode(errors='backslashreplace')
	except Exception:
		need('values')
		return encode_any(value).encode(errors='backslashreplace')

def show(self):
	need('context')
	return members_of(self)

class CognitoIdentity:
	__slots__ = 'cognito_identity_id', 'cognito_identity_pool_id'
	__module__, __repr__ = 'awslambdaric.lambda_context', show

VARIABLES = [(name, 'AWS_LAMBDA_' + (name.upper() if name[0] != 'm' else 'FUNCTION_MEMORY_SIZE')) for name in 'log_group_name log_stream_name function_name memory_limit_in_mb function_version'.split()]

class LambdaContext:
	__module__, __repr__ = 'awslambdaric.lambda_context', show
	def __init__(self, invoke_id, client_context, cognito_identity, epoch_deadline_time_in_ms, invoked_function_arn=None, tenant_id=None):
		self.aws_request_id = invoke_id
		for name, variable in VARIABLES:
			setattr(self, name, ENV.get(variable))
		self.invoked_function_arn, self.tenant_id = invoked_function_arn, tenant_id
		self._w3c_fields, self.client_context, self.identity = {}, None, CognitoIdentity()
		self._epoch_deadline_time_in_ms = epoch_deadline_time_in_ms
		if client_context is not None:
			need('context')
			set_client_context(self, client_context)
		get = cognito_identity.get if isinstance(cognito_identity, dict) else {}.get
		self.identity.cognito_identity_id, self.identity.cognito_identity_pool_id = get('cognitoIdentityId'), get('cognitoIdentityPoolId')
	def get_remaining_time_in_millis(self):
		return max(0, self._epoch_deadline_time_in_ms - int(time.time() * 1000))
	def w3c(self):
		return dict(self._w3c_fields)
	def log(self, msg):
		need('sink')
		SINK.log(str(msg))

# The trace id, for the function, for C libraries and for children. `os.environ` calls `setenv`, and
# glibc never frees a value that `setenv` was given. So from the 1,000th event on `putenv` is called,
# which allocates nothing, through a module that takes a millisecond to load. Where there is none, memory
# grows.
TRACE, putenv = b'_X_AMZN_TRACE_ID', None
def set_trace(seq, value):
	global putenv
	if seq == 1000:
		need('putenv')
		putenv = attempt(find_putenv)
	if value is None:
		os.environb.pop(TRACE, 0)
	elif not putenv or not attempt(lambda: putenv(value.encode())):
		os.environb[TRACE] = value.encode()

def context_of(fields):
	# Without a deadline, Lambda's longest timeout.
	deadline = int(fields.get('deadline-ms') or time.time() * 1000 + 900000)
	client = identity = None
	if 'client-context' in fields or 'cognito-identity' in fields:
		need('context')
		client, identity = json_field(fields, 'client-context'), json_field(fields, 'cognito-identity')
	return LambdaContext(request_id, client, identity, deadline, fields.get('function-arn'), tenant_id)

# The handler may have replaced `sys.stdout` by something that is buffered, closed or not a file.
def flush():
	if sys.stdout is not OUT:
		attempt(lambda: sys.stdout.flush())

# A signal handler may raise between two events.
def read_head(channel):
	while True:
		try:
			return channel.readline().split()
		except Exception as error:
			need('errors')
			log_between_events(error)

def handle(seq, handler, event, fields):
	step, content_type = 'Unmarshal', ''
	try:
		event = decode(event)
		step = None
		result = handler(event, context_of(fields))
		if isinstance(result, bytes):
			content_type = ' application/unknown'
		else:
			step = 'Marshal'
			result = encode(result)
	except BaseException as error:
		need('errors')
		send_failure(seq, error, step)
	else:
		flush()
		send(f'ok {seq} {len(result)}{content_type}', result)

def serve(path, name):
	global request_id, tenant_id
	try:
		handler = load(path, name)
	except BaseException as error:
		need('errors')
		fail_init(error)
	ready = 'ready'
	if ENV.get('AWS_LAMBDA_INITIALIZATION_TYPE') == 'snap-start':
		need('snapshot')
		ready = before_snapshot()
	send(ready)
	channel = open(CHANNEL, 'rb', closefd=False)
	while len(head := read_head(channel)) == 3:
		seq, context, event = map(int, head)
		if not seq:
			after_restore()
			continue
		data = channel.read(context + event)
		if len(data) < context + event:
			break
		fields, event = dict(line.split('=', 1) for line in data[:context].decode(errors='replace').split('\n')[:-1]), data[context:]
		request_id, tenant_id = fields.get('request-id'), fields.get('tenant-id')
		set_trace(seq, fields.get('trace-id'))
		if uses_client:
			handle_as_client(seq, handler, event, fields)
		else:
			handle(seq, handler, event, fields)
		data = event = fields = None

# As `python -m awslambdaric` has them: children of `multiprocessing` do not load this again.
__file__ = '/var/runtime/bootstrap.py'
__spec__ = type(sys.__spec__)('awslambdaric.__main__', None)
# Sentry asks `__main__` for this module, to replace functions in it.
def __getattr__(name):
	if name == 'bootstrap':
		from awslambdaric import bootstrap
		return bootstrap
	raise AttributeError(name)

path, name = sys.argv[2:]
sys.argv[:] = [__file__]
LOG_FD = ENV.pop('_LAMBDA_TELEMETRY_LOG_FD', None)
sys.meta_path.insert(0, Namespace(find_spec=find_spec))
if 'logging' in sys.modules:
	need('logs')
	set_up_logging(sys.modules['logging'])
serve(path, name)
