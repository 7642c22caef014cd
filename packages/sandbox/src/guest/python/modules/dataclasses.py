"""Classes by their fields. The interpreter drops annotations, so that the names of fields are read from the class's source."""
import sys
from collections import OrderedDict


class _Missing:
    def __repr__(self):
        return 'MISSING'


MISSING = _Missing()
KW_ONLY = object()


class FrozenInstanceError(AttributeError):
    pass


class Field:
    def __init__(self, default=MISSING, default_factory=MISSING, init=True, repr=True, hash=None, compare=True, metadata=None, kw_only=False):
        if default is not MISSING and default_factory is not MISSING:
            raise ValueError('cannot specify both default and default_factory')
        self.name = None
        self.default = default
        self.default_factory = default_factory
        self.init = init
        self.repr = repr
        self.compare = compare
        self.metadata = metadata or {}
        self.kw_only = kw_only

    def value(self):
        return self.default if self.default_factory is MISSING else self.default_factory()


def field(**options):
    return Field(**options)


_TRIPLE = ('"""', "'''")


def _lines(cls):
    module = sys.modules.get(cls.__module__)
    name = getattr(module, '__file__', None)
    if name is None:
        raise TypeError('the fields of %s are read from its source, which is not known' % cls.__name__)
    with open(name) as source:
        return source.read().split('\n')


def _names(cls):
    """Of annotated names in the class's own body, in order."""
    found = []
    indent = inner = None
    text = None
    for line in _lines(cls):
        code = line.lstrip()
        depth = len(line) - len(code)
        if text is not None:
            if text in code:
                text = None
            continue
        if not code or code[0] == '#':
            continue
        if indent is None:
            if code.startswith('class ' + cls.__name__) and code[6 + len(cls.__name__):7 + len(cls.__name__)] in (':', '('):
                indent = depth
            continue
        if depth <= indent and code[0] != ')':
            break
        if inner is None and depth > indent:
            inner = depth
        for quote in _TRIPLE:
            if code.count(quote) % 2:
                text = quote
        if depth != inner or ':' not in code:
            continue
        name, _, kind = code.partition(':')
        name, kind = name.strip(), kind.strip()
        plain = name and not name[0].isdigit() and all(one == '_' or one.isalpha() or one.isdigit() or one > '~' for one in name)
        if plain and kind and name not in ('else', 'try', 'finally', 'lambda') and not kind.startswith(('ClassVar', 'typing.ClassVar')):
            found.append((name, kind.split('=')[0].strip() in ('KW_ONLY', 'dataclasses.KW_ONLY')))
    if indent is None:
        raise TypeError('the fields of %s are read from its source, where it was not found' % cls.__name__)
    return found


def _fields_of(cls, kw_only):
    every = []
    for base in cls.__bases__:
        every.extend(getattr(base, '__dataclass_fields__', ()))
    for name, marker in _names(cls):
        if marker:
            kw_only = True
            continue
        given = cls.__dict__.get(name, MISSING)
        one = given if isinstance(given, Field) else Field(given)
        if isinstance(one.default, (list, dict, set)):
            raise ValueError('mutable default %s for field %s is not allowed: use default_factory' % (type(one.default), name))
        one.name = name
        one.kw_only = one.kw_only or kw_only
        if one.default is not MISSING:
            setattr(cls, name, one.default)
        elif given is not MISSING:
            delattr(cls, name)
        places = [index for index, other in enumerate(every) if other.name == name]
        if places:
            every[places[0]] = one
        else:
            every.append(one)
    return every


def dataclass(cls=None, *, init=True, repr=True, eq=True, order=False, unsafe_hash=False, frozen=False, match_args=True, kw_only=False, slots=False):
    def made(cls):
        every = _fields_of(cls, kw_only)
        cls.__dataclass_fields__ = every
        if init and '__init__' not in cls.__dict__:
            cls.__init__ = _init_of(cls.__name__, every)
        if repr and '__repr__' not in cls.__dict__:
            cls.__repr__ = _repr
        if eq and '__eq__' not in cls.__dict__:
            cls.__eq__ = lambda self, other: type(self) is type(other) and _key(self) == _key(other)
        if frozen or unsafe_hash:
            cls.__hash__ = lambda self: hash(_key(self))
        if order:
            cls.__lt__ = lambda self, other: _key(self) < _key(other)
            cls.__le__ = lambda self, other: _key(self) <= _key(other)
            cls.__gt__ = lambda self, other: _key(self) > _key(other)
            cls.__ge__ = lambda self, other: _key(self) >= _key(other)
        if frozen:
            cls.__setattr__ = _refuse
            cls.__delattr__ = _refuse
        return cls

    return made if cls is None else made(cls)


def _init_of(cls_name, every):
    positional = [one for one in every if one.init and not one.kw_only]
    known = {one.name for one in every if one.init}

    def __init__(self, *args, **options):
        if len(args) > len(positional):
            raise TypeError('%s() takes %d positional arguments but %d were given' % (cls_name, len(positional), len(args)))
        for one, value in zip(positional, args):
            if one.name in options:
                raise TypeError("%s() got multiple values for argument '%s'" % (cls_name, one.name))
            options[one.name] = value
        for name in options:
            if name not in known:
                raise TypeError("%s() got an unexpected keyword argument '%s'" % (cls_name, name))
        missing = [one.name for one in every if one.init and one.name not in options and one.default is MISSING and one.default_factory is MISSING]
        if missing:
            raise TypeError('%s() missing required arguments: %s' % (cls_name, ', '.join("'%s'" % name for name in missing)))
        for one in every:
            value = options[one.name] if one.name in options else one.value()
            if value is not MISSING:
                object.__setattr__(self, one.name, value)
        if hasattr(self, '__post_init__'):
            self.__post_init__()

    return __init__


def _key(instance):
    return tuple(getattr(instance, one.name) for one in instance.__dataclass_fields__ if one.compare)


def _repr(self):
    shown = ', '.join('%s=%r' % (one.name, getattr(self, one.name)) for one in self.__dataclass_fields__ if one.repr)
    return '%s(%s)' % (type(self).__name__, shown)


def _refuse(self, name, *value):
    raise FrozenInstanceError("cannot assign to field '%s'" % name)


def fields(class_or_instance):
    if not is_dataclass(class_or_instance):
        raise TypeError('must be called with a dataclass type or instance')
    return tuple(class_or_instance.__dataclass_fields__)


def is_dataclass(obj):
    return hasattr(obj, '__dataclass_fields__')


def asdict(obj, *, dict_factory=OrderedDict):
    return dict_factory([(one.name, _inner(getattr(obj, one.name), dict_factory)) for one in fields(obj)])


def _inner(value, dict_factory):
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value, dict_factory=dict_factory)
    if isinstance(value, (list, tuple)):
        return type(value)(_inner(one, dict_factory) for one in value)
    if isinstance(value, dict):
        return {key: _inner(one, dict_factory) for key, one in value.items()}
    return value


def astuple(obj):
    return tuple(getattr(obj, one.name) for one in fields(obj))


def replace(obj, **changes):
    for one in fields(obj):
        if one.init and one.name not in changes:
            changes[one.name] = getattr(obj, one.name)
    return type(obj)(**changes)
