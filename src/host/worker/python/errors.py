# What is wrong: the types and the words of AWS's client, its log record, and our report.

PART = 'errors'

# An error of the runtime. The stack trace is that of the function, if there is one.
class FaultException(Exception):
	MARSHAL_ERROR, UNMARSHAL_ERROR = 'Runtime.MarshalError', 'Runtime.UnmarshalError'
	def __init__(self, exception_type, msg, trace=None):
		self.exception_type, self.msg, self.trace = exception_type, msg, trace

def is_fault(error):
	# Not by `isinstance`: the class of the function's exception may answer anything.
	return issubclass(type(error), FaultException)

# What has failed while the function was loaded, as AWS's client says it.
def load_fault(error):
	if isinstance(error, SyntaxError):
		trace = [f'  File "{error.filename}" Line {error.lineno}\n    {error.text}']
		return FaultException('Runtime.UserCodeSyntaxError', f"Syntax error in module '{module}': {error}", trace)
	if isinstance(error, ImportError):
		return FaultException('Runtime.ImportModuleError', f"Unable to import module '{module}': {error}", frames(error))
	if not module:
		return FaultException('Runtime.MalformedHandlerName', f"Bad handler '{path}': not enough values to unpack (expected 2, got 1)")
	return error

# `a.b.f` is the member `b.f` of the module `a`, or else `f` of the module `a.b`.
def find_inner(dotted, name):
	inner, _, last = name.rpartition('.')
	found = sys.modules[dotted]
	if inner and hasattr(found, '__path__'):
		__import__(f'{dotted}.{inner}')
		found = getattr(sys.modules[f'{dotted}.{inner}'], last, None)
		if callable(found):
			return found
	if dotted.split('.')[0] in sys.builtin_module_names:
		raise FaultException('Runtime.BuiltInModuleConflict', f'Cannot use built-in module {module} as a handler module')
	problem = 'is not callable' if hasattr(found, name) else 'missing'
	raise FaultException('Runtime.HandlerNotFound', f"Handler '{name}' {problem} on module '{module}'")

def step_fault(step, error):
	what = 'marshal response' if step == 'Marshal' else 'unmarshal input'
	return FaultException(f'Runtime.{step}Error', f'Unable to {what}: {attempt(lambda: str(error))}')

# The frames of the function, without the first ones, which are ours, and those of the import system.
def frames(error):
	import traceback
	found = [(f.filename, f.lineno, f.name, f.line) for f in traceback.extract_tb(error.__traceback__) if f.filename[:15] != '<frozen importl']
	while found and found[0][0] == '<string>':
		del found[0]
	return traceback.format_list(found)

# The exceptions that led to this one, each with its frames: AWS's client drops them.
def causes(error):
	lines = []
	for _ in range(5):
		error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
		if error is None or is_fault(error):
			break
		lines += [f'Caused by {type_of(error)}: {error}\n', *frames(error)]
	return lines

def type_of(error):
	if is_fault(error):
		return error.exception_type
	name = attempt(lambda: printable(type(error).__name__), 'Error')
	return 'Runtime.ExitError' if name == 'SystemExit' else name

# A type as it fits into a line of the channel.
def printable(name):
	return ''.join(c if '!' <= c <= '~' else '_' for c in name)[:128] or 'Error'

def text_of(error):
	if is_fault(error):
		return error.msg
	text = str(error)
	return f'sys.exit({text}) was called' if type(error) is SystemExit else text

# UTF-8 has no lone surrogates: each becomes a question mark. The truncations keep a report below its
# limit.
def clean(text, limit):
	return ''.join(text[:limit]).encode(errors='replace').decode()

def report_of(error, invoke_id):
	trace = error.trace if is_fault(error) else attempt(lambda: frames(error), []) + attempt(lambda: causes(error), [])
	return {
		'errorMessage': attempt(lambda: clean(text_of(error), 20000), '<exception str() failed>'),
		'errorType': type_of(error),
		'requestId': invoke_id or '',
		'stackTrace': attempt(lambda: [clean(line, 300) for line in trace[-50:]], []) if trace else [],
	}

# A record in the log, as text or as JSON. The handler may have closed or replaced `sys.stdout`.
def log_report(report):
	# A child that the handler forked has ended as it should.
	if os.getpid() != PID and report['errorType'] == 'Runtime.ExitError':
		return
	need('sink')
	flush()
	if IS_JSON:
		now = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())
		lines = [encode({'timestamp': now, 'level': 'ERROR', **report}).decode()]
	else:
		trace = [line for entry in report['stackTrace'] for line in entry.splitlines() or ['']]
		indents = [len(line) - len(line.lstrip(' ')) for line in trace]
		trace = ['\xa0' * indent + line[indent:] for indent, line in zip(indents, trace)]
		message = report['errorMessage'] and ': ' + report['errorMessage']
		lines = [f"[ERROR] {report['errorType']}{message}", 'Traceback (most recent call last):', *trace]
	SINK.log_error(lines)

def send_report(verb, report, error_type=None):
	body = encode(report)
	send(f"{verb} {len(body)} {printable(str(error_type or report.get('errorType')))}", body)

def fail_init(error, error_type=None, status=1):
	report = report_of(error if error_type else attempt(lambda: load_fault(error), error), None)
	attempt(lambda: log_report(report))
	if uses_client:
		attempt(lambda: CLIENT.post_init_error(report, error_type))
	if answered != 'init-error':
		send_report('init-error', report, error_type)
	sys.exit(status)

def send_failure(seq, error, step):
	# Other than SystemExit and its like, an exception does not end the process.
	is_fatal = not issubclass(type(error), Exception)
	if step and not is_fatal:
		error = step_fault(step, error)
	report = report_of(error, request_id)
	attempt(lambda: log_report(report))
	send_report(f'{"fatal" if is_fatal else "error"} {seq}', report)
	if is_fatal:
		sys.exit(error.code if type(error) is SystemExit else 1)

def log_between_events(error):
	# An error of the channel itself.
	if isinstance(error, OSError) and error.errno:
		raise error
	attempt(lambda: sys.excepthook(type(error), error, error.__traceback__))
