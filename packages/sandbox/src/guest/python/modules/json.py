"""The interpreter's own JSON, which is fast, with the options and the errors of CPython's."""
import sys
import _peerless

_path = sys.path
sys.path = ()
try:
    from json import dumps as _dumps, load as _load, loads as _loads
finally:
    sys.path = _path


class JSONDecodeError(ValueError):
    def __init__(self, msg, doc='', pos=0):
        super().__init__(msg)
        self.msg = msg
        self.doc = doc
        self.pos = pos


def loads(s, *, cls=None, object_hook=None, parse_float=None, parse_int=None, parse_constant=None, object_pairs_hook=None, **more):
    if parse_float or parse_int or parse_constant or cls:
        raise NotImplementedError('of the options of json.loads there are object_hook and object_pairs_hook')
    try:
        value = _loads(s)
    except ValueError:
        text = s if isinstance(s, str) else bytes(s).decode()
        raise JSONDecodeError('%s: %r' % ('Expecting value' if text.strip() == '' else 'not valid JSON', text[:100]), s)
    if object_hook or object_pairs_hook:
        return __getattr__('hooked')(value, object_hook, object_pairs_hook)
    return value


def load(fp, **options):
    return loads(fp.read(), **options)


def dumps(obj, *, cls=None, **options):
    if cls is None and not options:
        text = _peerless.checked(_dumps(obj))
        if text:
            return text
    return (cls or __getattr__('JSONEncoder'))(**options).encode(obj)


def dump(obj, fp, **options):
    fp.write(dumps(obj, **options))


def __getattr__(name):
    import _json_more
    if name in ('JSONEncoder', 'hooked'):
        return getattr(_json_more, name)
    raise AttributeError("module 'json' has no attribute '%s'" % name)
