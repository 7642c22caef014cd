/**
 * Runs in the interpreter before the function's own code. Text crosses, nothing else: a call takes JSON and answers with a letter (`=` result,
 * `!` error, `x` exit) and JSON. A coroutine goes back as it is; JavaScript awaits it.
 */
export const BOOTSTRAP = `
import sys, json, io, os, time

sys.path[:] = ['/var/task'] + [one for one in sys.path if one]

class _Environment(dict):
    pass

def _prepare(environment):
    os.environ = _Environment(json.loads(environment))
    os.getenv = lambda name, default=None: os.environ.get(name, default)

class _Record:
    def __init__(self, names, values):
        for name in names:
            setattr(self, name, values.get(name) if values else None)

    def __repr__(self):
        return repr(self.__dict__)

class ClientContext(_Record):
    def __init__(self, values):
        _Record.__init__(self, ('custom', 'env', 'client'), values)
        if self.client is not None:
            names = ('installation_id', 'app_title', 'app_version_name', 'app_version_code', 'app_package_name')
            self.client = _Record(names, self.client)

class LambdaContext:
    def __init__(self, facts, left_ms):
        self.aws_request_id = facts['awsRequestId']
        self.function_name = facts['functionName']
        self.function_version = facts['functionVersion']
        self.invoked_function_arn = facts['invokedFunctionArn']
        self.memory_limit_in_mb = facts['memoryLimitInMB']
        self.log_group_name = facts['logGroupName']
        self.log_stream_name = facts['logStreamName']
        client = facts.get('clientContext')
        self.client_context = None if client is None else ClientContext(client)
        self.identity = _Record(('cognito_identity_id', 'cognito_identity_pool_id'), None)
        self.tenant_id = None
        self.peerless = facts['peerless']
        self._deadline = time.time() + left_ms / 1000

    def get_remaining_time_in_millis(self):
        return max(0, int((self._deadline - time.time()) * 1000))

    def log(self, text):
        print(text, end='')

def _failed(error, request_id):
    if isinstance(error, SystemExit):
        code = error.args[0] if error.args else 0
        if code is None:
            code = 0
        return 'x' + json.dumps(code if isinstance(code, int) else 1)
    text = io.StringIO()
    sys.print_exception(error, text)
    lines = [line for line in text.getvalue().split('\\n') if line and '"<stdin>"' not in line]
    return '!' + json.dumps({'type': type(error).__name__, 'message': str(error), 'lines': lines})

def _answer(result):
    return '=' + json.dumps(result)

def _load(path, name):
    global _handler
    try:
        module = __import__(path)
        for part in path.split('.')[1:]:
            module = getattr(module, part)
        _handler = getattr(module, name, None)
        if not callable(_handler):
            return '!' + json.dumps({'type': 'Runtime.HandlerNotFound', 'message': "Handler '%s' missing on module '%s'" % (name, path), 'lines': []})
        return '='
    except BaseException as error:
        return _failed(error, '')

async def _await(coroutine):
    try:
        return _answer(await coroutine)
    except BaseException as error:
        return _failed(error, '')

def _call(event, facts, left_ms):
    try:
        result = _handler(json.loads(event), LambdaContext(json.loads(facts), left_ms))
        return _await(result) if hasattr(result, 'send') else _answer(result)
    except BaseException as error:
        return _failed(error, '')
`
