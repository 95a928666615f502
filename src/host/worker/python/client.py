# `awslambdaric`, the client of the managed runtime: what libraries import of it or replace in it.

PART = 'awslambdaric'

need('errors')
need('context')
need('sink')

def to_json(obj):
	return encode(obj).decode()

class LambdaMarshaller:
	def unmarshal_request(self, request, content_type='application/json'):
		try:
			return decode(request)
		except Exception as error:
			raise step_fault('Unmarshal', error)
	def marshal_response(self, response):
		if isinstance(response, bytes):
			return response, 'application/unknown'
		try:
			return to_json(response), 'application/json'
		except Exception as error:
			raise step_fault('Marshal', error)

# It posts by way of our channel, each answer once.
class LambdaRuntimeClient:
	marshaller = LambdaMarshaller()
	def post_init_error(self, report, error_type=None):
		if is_first('init-error'):
			send_report('init-error', report, error_type)
	def post_invocation_result(self, invoke_id, data, content_type='application/json', *rest):
		body = data if isinstance(data, bytes) else data.encode(errors='backslashreplace')
		if is_first(current):
			flush()
			send(' '.join(f'ok {current} {len(body)} {content_type}'.removesuffix(' application/json').split()), body)
	def post_invocation_error(self, invoke_id, data, *rest):
		report = decode(data.encode(errors='replace'))
		if is_first(current):
			send_report(f'error {current}', report)

def is_first(answer):
	global answered
	previous, answered = answered, answer
	return previous != answer

def handle_event_request(client, handler, invoke_id, event, content_type, client_context, identity, arn, deadline, *rest):
	try:
		event = client.marshaller.unmarshal_request(event, content_type)
		fields = {'client-context': client_context, 'cognito-identity': identity, 'function-arn': arn, 'deadline-ms': deadline}
		result = client.marshaller.marshal_response(handler(event, context_of(fields)))
	except Exception as error:
		report = report_of(error, invoke_id)
		attempt(lambda: log_report(report))
		client.post_invocation_error(invoke_id, to_json(report), '{}')
	else:
		client.post_invocation_result(invoke_id, *result)

# An event, by the functions of the module as they are now.
def handle_as_client(seq, handler, event, fields):
	global current
	current = seq
	try:
		names = 'client-context', 'cognito-identity', 'function-arn', 'deadline-ms'
		call = sys.modules['awslambdaric.bootstrap'].handle_event_request
		call(CLIENT, handler, request_id, event, 'application/json', *map(fields.get, names), tenant_id, SINK)
		if answered != seq:
			raise RuntimeError('the handle_event_request that replaces that of awslambdaric.bootstrap answers nothing')
	except BaseException as error:
		if not is_first(seq):
			raise
		send_failure(seq, error, None)

CLIENT = LambdaRuntimeClient()

def make_awslambdaric():
	global uses_client
	uses_client, package = True, {'__path__': []}
	for name, members in {
		'bootstrap': [handle_event_request, LambdaContext, LambdaRuntimeClient, FaultException, to_json],
		'lambda_context': [LambdaContext, ClientContext, Client, CognitoIdentity],
		'lambda_runtime_client': [LambdaRuntimeClient, LambdaMarshaller, FaultException],
		'lambda_runtime_exception': [FaultException],
		'lambda_runtime_marshaller': [LambdaMarshaller, FaultException, to_json],
	}.items():
		module = package[name] = sys.modules['awslambdaric.' + name] = type(sys)('awslambdaric.' + name)
		module.__dict__.update((member.__name__, member) for member in members)
	return package

make_module['awslambdaric'] = make_awslambdaric
