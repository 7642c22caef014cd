/**
 * Runs in the interpreter before the function's own code. Text crosses, nothing else: a call takes JSON and answers with a letter (`=` result,
 * `!` error, `x` exit) and JSON. A coroutine goes back as it is; JavaScript awaits it.
 */
export const BOOTSTRAP = `
import sys, json, io, os, time, builtins, _peerless

sys.path[:] = ['/var/task', '/var/lang/lib'] + [one for one in sys.path if one]

# Modules of our own, by the files that they are laid down from, and what is added to the interpreter's.
_own = {name: [name + '.py'] for name in ('re', 'json', 'hashlib', 'hmac', 'random', 'uuid', '__future__', 'typing', 'contextlib', 'csv', 'dataclasses',
    'traceback', 'secrets', 'textwrap', 'statistics', 'bisect', 'warnings', 'importlib')}
_own['json'] = ['json.py', '_json_more.py']
_own['urllib'] = ['urllib/__init__.py', 'urllib/parse.py']
# The names are those that the interpreter's has otherwise.
_added = {'time': (), 'datetime': (), 'functools': (), 'itertools': ('chain',), 'operator': (), 'collections': ('deque',), 'os': (), 'logging': (),
    'html': (), 'types': ('SimpleNamespace',), 'pathlib': ()}
# What is added to them are methods and other behaviour of what is there: it cannot wait for a name to be missed.
_at_once = ('datetime', 'logging', 'pathlib')
_under = '/var/lang/lib/'
_find_module = __import__

def _lay(files):
    for file in files:
        if '/' in file:
            try:
                os.mkdir(_under + file.split('/')[0])
            except OSError:
                pass
        with open(_under + file, 'w') as target:
            target.write(_peerless.source('modules/' + file))

def _add(top, module, replaced):
    loaded = []

    def load():
        loaded.append(True)
        exec(_peerless.source('additions/' + top + '.py'), module.__dict__)

    if top in _at_once:
        return load()
    for name in replaced:
        del module.__dict__[name]

    def attribute_of(asked):
        def attribute(name):
            if not loaded:
                load()
                if name in asked.__dict__:
                    return asked.__dict__[name]
            raise AttributeError("module '%s' has no attribute '%s'" % (asked.__name__, name))
        return attribute

    module.__getattr__ = attribute_of(module)
    if top == 'os':
        module.path.__getattr__ = attribute_of(module.path)

def _import(name, globals=None, locals=None, fromlist=None, level=0):
    if level == 0:
        top = name.split('.')[0]
        if top in _own:
            sys.modules.pop(top, None)
            _lay(_own.pop(top))
        elif top in _added:
            replaced = _added.pop(top)
            module = _find_module(top)
            if top == 'datetime':
                _lay(['_datetime_more.py'])
            if not getattr(module, '__file__', '').startswith('/var/task'):
                _add(top, module, replaced)
        elif name == 'math':
            if 'math' not in _math:
                _lay(['_math.py'])
                _math['math'] = _find_module('math')
                _math['math'] = _find_module('_math')
            return _math['math']
        if name == 'collections.abc' and name not in sys.modules:
            _lay(['_collections_abc.py'])
            sys.modules['collections'].abc = sys.modules[name] = _find_module('_collections_abc')
    return _find_module(name, globals, locals, fromlist, level)

_math = {}

def _print(*values, flush=False, **options):
    _print_plain(*values, **options)

_print_plain = print

def _open(file, mode='r', *more, **options):
    return _open_named(file if isinstance(file, (str, int)) else str(file), mode, *more, **options)

def _named(call):
    def named(*args, **options):
        try:
            return call(*args, **options)
        except OSError as error:
            known = _errors.get(error.errno)
            if known is None:
                raise
            raise known[0](known[1], args[0] if args else '')
    return named

_open_named = _named(open)
for _name in ('listdir', 'mkdir', 'remove', 'rename', 'rmdir', 'stat', 'unlink'):
    setattr(os, _name, _named(getattr(os, _name)))

class FileNotFoundError(OSError):
    pass

class FileExistsError(OSError):
    pass

class IsADirectoryError(OSError):
    pass

class NotADirectoryError(OSError):
    pass

class PermissionError(OSError):
    pass

class UserWarning(Exception):
    pass

class DeprecationWarning(Exception):
    pass

# By the numbers of Emscripten, with those of Linux, which programs compare with.
_errors = {44: (FileNotFoundError, 2), 20: (FileExistsError, 17), 31: (IsADirectoryError, 21), 54: (NotADirectoryError, 20), 63: (PermissionError, 1)}

for _name in ('FileNotFoundError', 'FileExistsError', 'IsADirectoryError', 'NotADirectoryError', 'PermissionError', 'UserWarning',
        'DeprecationWarning'):
    setattr(builtins, _name, globals()[_name])
builtins.ModuleNotFoundError = ImportError
builtins.RecursionError = RuntimeError
builtins.IOError = builtins.EnvironmentError = OSError
builtins.vars = lambda obj: obj.__dict__
builtins.ascii = lambda obj: repr(obj)
builtins.print = _print
builtins.open = _open
builtins.__import__ = _import

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
