# The log: records of `logging` as AWS's client writes them, as text or as JSON, to standard output or
# in frames to the descriptor that the platform names.

PART = 'sink'

IS_JSON = ENV.get('AWS_LAMBDA_LOG_FORMAT', '').upper() == 'JSON'

# The type of a frame: the level, if there is one, and the format.
def frame_type_of(level, is_json=IS_JSON):
	step = min(5, max(0, level // 10))
	return (0xa55a0003 - is_json + (step and step * 4 + 4)).to_bytes(4, 'big')

class LogSink:
	def log(self, msg, frame_type=None):
		if LOG_FD and write_frame(msg, frame_type or frame_type_of(0, False)):
			return
		# A line feed within a record would make two of it, and the end of one is not to be missed.
		msg = msg.removesuffix('\n').replace('\n', '\r') + '\n'
		try:
			sys.stdout.write(msg)
		# The handler may have closed or replaced it.
		except Exception:
			write_all(1, msg.encode(errors='replace'))
	def log_error(self, lines):
		if not LOG_FD or not write_frame('\n'.join(lines), frame_type_of(40)):
			write_all(1, ('\r'.join(lines) + '\n').encode(errors='replace'))

def write_all(fd, data):
	while data:
		data = data[os.write(fd, data):]

# Type and length in 4 bytes each, the time in microseconds in 8, the message. The function may have
# closed the descriptor.
def write_frame(msg, frame_type):
	data = msg.encode(errors='replace')
	try:
		write_all(int(LOG_FD), frame_type + len(data).to_bytes(4, 'big') + (time.time_ns() // 1000).to_bytes(8, 'big') + data)
	except OSError:
		return False
	return True

SINK = LogSink()

PART = 'logs'

# The loader of `logging` calls us when the module is there, before the module that imports it goes on.
def hook(loader):
	exec_module = loader.exec_module
	def exec_and_set_up(module):
		del loader.exec_module
		exec_module(module)
		set_up_logging(module)
	loader.exec_module = exec_and_set_up

def set_up_logging(logging):
	need('sink')
	level = ENV.get('AWS_LAMBDA_LOG_LEVEL', '').upper().replace('TRACE', 'DEBUG')
	has_levels = IS_JSON or level
	def emit(self, record):
		text = self.format(record)
		self.log_sink.log(text, has_levels and (getattr(record, '_frame_type', None) or frame_type_of(record.levelno, False)))
	name = 'LambdaLoggerHandlerWithFrameType' if has_levels else 'LambdaLoggerHandler'
	handler = type(name, (logging.Handler,), {'emit': emit, 'log_sink': SINK})()
	logging.Formatter.converter = time.gmtime
	if IS_JSON:
		need('json logs')
		handler.setFormatter(json_formatter(logging))
	else:
		handler.setFormatter(logging.Formatter('[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n', '%Y-%m-%dT%H:%M:%S'))
	handler.addFilter(add_ids)
	root = logging.getLogger()
	if level in logging._nameToLevel:
		root.setLevel(level)
	root.addHandler(handler)

def add_ids(record):
	record.aws_request_id, record.tenant_id = request_id or '', tenant_id
	return True

PART = 'json logs'

def json_formatter(logging):
	reserved = {*vars(logging.makeLogRecord({})), 'aws_request_id', '_frame_type', 'tenant_id'} - {'taskName'}

	class JsonFormatter(logging.Formatter):
		def format(self, record):
			import json
			level = record.levelno = min(50, max(0, record.levelno)) // 10 * 10
			record.levelname = logging.getLevelName(level)
			record._frame_type = frame_type_of(level)
			get = record.__dict__.get
			fields = {
				'timestamp': self.formatTime(record, self.datefmt),
				'level': record.levelname,
				'message': record.msg if isinstance(record.msg, dict) and not record.args else record.getMessage(),
				'logger': record.name,
				**(of_error(record) if record.exc_info else {}),
				'requestId': get('aws_request_id'),
				'location': record.exc_info and f'{record.pathname}:{record.funcName}:{record.lineno}',
				'tenantId': get('tenant_id'),
			}
			extra = {name: value for name, value in record.__dict__.items() if name not in reserved and name not in fields}
			fields = {name: value for name, value in {**fields, **extra}.items() if value is not None}
			return json.dumps(fields, ensure_ascii=False, default=str) + '\n'

	return JsonFormatter(datefmt='%Y-%m-%dT%H:%M:%SZ')

def of_error(record):
	import traceback
	kind, error, trace = record.exc_info
	return {'stackTrace': traceback.format_tb(trace), 'errorType': kind and kind.__name__, 'errorMessage': str(error)}
