# Values that are rare: what the encoder of `events.py` refuses, and parts of the context.

PART = 'values'

# `simplejson` as AWS's client uses it: what has `_asdict`, such as a named tuple, is an object, bytes
# are text, and a Decimal is its own text. Its errors have the words of `json`.
def encode_any(value, quote=QUOTE, separators=(', ', ': '), sort_keys=False, default=None):
	comma, colon = separators
	decimal = sys.modules.get('decimal')
	Decimal = decimal.Decimal if decimal else ()
	parents = {}

	def write(value):
		if isinstance(value, str):
			return quote(value)
		if isinstance(value, bytes):
			return quote(value.decode())
		if value is None or value is True or value is False:
			return CONSTANTS[value]
		if isinstance(value, int):
			return int.__repr__(value)
		if isinstance(value, float):
			return write_float(value)
		if id(value) in parents:
			raise ValueError('Circular reference detected')
		parents[id(value)] = value
		text = write_container(value)
		del parents[id(value)]
		return text

	def write_container(value):
		fields = dict_of(value)
		if fields is None and isinstance(value, (list, tuple)):
			return f'[{comma.join([write(item) for item in value])}]'
		if fields is None and isinstance(value, dict):
			fields = value
		if fields is not None:
			items = sorted(fields.items()) if sort_keys else fields.items()
			return f'{{{comma.join([quote(key_of(key)) + colon + write(item) for key, item in items])}}}'
		if Decimal and isinstance(value, Decimal):
			return 'NaN' if value.is_nan() else str(value)
		if default:
			return write(default(value))
		raise TypeError(f'Object of type {type(value).__name__} is not JSON serializable')

	try:
		return write(value)
	except RecursionError:
		raise RecursionError('maximum recursion depth exceeded while encoding a JSON object') from None

def dict_of(value):
	as_dict = getattr(value, '_asdict', None)
	try:
		fields = as_dict() if callable(as_dict) else None
	# That of a class asks for an instance.
	except TypeError:
		return None
	if fields is None or isinstance(fields, dict):
		return fields
	raise TypeError(f'_asdict() must return a dict, not {type(fields).__name__}')

CONSTANTS = {None: 'null', True: 'true', False: 'false'}

def write_float(value):
	text = float.__repr__(value)
	return {'nan': 'NaN', 'inf': 'Infinity', '-inf': '-Infinity'}.get(text, text)

def key_of(key):
	if isinstance(key, str):
		return key
	if isinstance(key, bytes):
		return key.decode()
	if isinstance(key, float):
		return write_float(key)
	if key is None or key is True or key is False:
		return CONSTANTS[key]
	if isinstance(key, int):
		return int.__repr__(key)
	raise TypeError(f'keys must be str, int, float, bool or None, not {type(key).__name__}')

PART = 'decode'

# The error in what is no JSON, in the words of `json`. Like AWS's client it refuses NaN and Infinity.
def explain(data):
	import json
	text = data.decode()
	def refuse(name):
		raise json.JSONDecodeError('Expecting value', text, text.index(name))
	return json.loads(text, parse_constant=refuse)

PART = 'context'

SHOWN = 'aws_request_id log_group_name log_stream_name function_name memory_limit_in_mb function_version invoked_function_arn client_context identity tenant_id'.split()

def members_of(value):
	names = SHOWN if type(value) is LambdaContext else value.__slots__
	return f"{type(value).__name__}([{','.join([f'{name}={getattr(value, name)}' for name in names])}])"

# A caller chooses these values: one that is not JSON does not fail the event.
def json_field(fields, name):
	value = fields.get(name)
	try:
		return decode(value.encode()) if value else None
	except Exception:
		attempt(lambda: print(f'{name} is not JSON: ignored', file=sys.stderr))

class Client:
	__slots__ = 'installation_id', 'app_title', 'app_version_name', 'app_version_code', 'app_package_name'

class ClientContext:
	__slots__ = 'custom', 'env', 'client'

for kind in Client, ClientContext:
	kind.__module__, kind.__repr__ = 'awslambdaric.lambda_context', show

# What is not an object has none of these attributes, and stays as it is.
def fill(kind, value):
	if not isinstance(value, dict):
		return value
	made = kind()
	for name in kind.__slots__:
		setattr(made, name, value.get(name))
	return made

def set_client_context(context, value):
	if isinstance(value, dict):
		w3c = value.pop('w3c', None)
		names = 'traceparent', 'tracestate', 'baggage'
		context._w3c_fields = {name: w3c[name] for name in names if isinstance(w3c.get(name), str)} if isinstance(w3c, dict) else {}
	context.client_context = value = fill(ClientContext, value)
	if isinstance(value, ClientContext):
		value.client = fill(Client, value.client)

PART = 'putenv'

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
