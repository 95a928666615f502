# The Python function with the commands that the tests send to every kind.
import os
import subprocess
import sys
import time

if os.environ.get('INIT'):
    print('at init', file=sys.stderr)
    if os.environ['INIT'] == 'exit':
        os._exit(5)
    raise ArithmeticError('broken at init')


def flood(amount):
    left = int(amount)
    while left > 0:
        left -= os.write(2, b'l' * min(left, 10000))
    return 'flooded'


def killed(_):
    print('before the end', file=sys.stderr)
    os.kill(os.getpid(), 9)


def orphan(_):
    background('exec sleep 30')
    killed(_)


def background(command):
    subprocess.Popen(['sh', '-c', command])
    return 'left'


def fail(reason):
    raise LookupError(reason)


def sleep(seconds):
    print('sleeps', file=sys.stderr)
    time.sleep(float(seconds))
    return 'slept'


def later(amount):
    background(f"sleep 0.2; head -c {amount} /dev/zero | tr '\\0' l >&2; echo over >&2")
    return 'later'


def log(text):
    print(text, file=sys.stderr)
    print(text + ', again')
    return 'logged'


def of_context(context):
    remaining = context.get_remaining_time_in_millis()
    trace = os.environ.get('_X_AMZN_TRACE_ID')
    fields = [context.aws_request_id, context.invoked_function_arn, trace, context.tenant_id]
    return '|'.join([field or '-' for field in fields] + ['yes' if remaining > 0 else 'no'])


def of_client(context):
    client, identity = context.client_context, context.identity
    return [client and {'custom': client.custom}, {'cognitoIdentityId': identity.cognito_identity_id}]


DO = {
    'fail': fail,
    'exit': lambda status: sys.exit(int(status)),
    'killed': killed,
    'orphan': orphan,
    'sleep': sleep,
    'big': lambda size: 'x' * int(size),
    'flood': flood,
    'later': later,
    'background': lambda _: background('exec sleep 30'),
    'log': log,
    'pid': lambda _: str(os.getpid()),
    'trace': lambda _: os.environ.get('_X_AMZN_TRACE_ID', 'unset'),
}


def handler(event, context):
    if not isinstance(event, str) or not event.startswith('do:'):
        return event
    what, _, argument = event[3:].partition(' ')
    if what == 'context':
        return of_context(context)
    if what == 'client':
        return of_client(context)
    return DO[what](argument)
