"""Names for annotations, which the interpreter reads and drops."""


class _Special:
    def __init__(self, name):
        self._name = name

    def __getitem__(self, parameters):
        return self

    def __call__(self, *args, **options):
        return self

    def __or__(self, other):
        return self

    def __ror__(self, other):
        return self

    def __repr__(self):
        return 'typing.' + self._name


class _Base:
    pass


class _Subscripted(_Special):
    def __getitem__(self, parameters):
        return _Base


Generic = _Subscripted('Generic')


class Protocol:
    pass


TYPE_CHECKING = False
_NAMES = (
    'Any AnyStr Annotated AsyncGenerator AsyncIterable AsyncIterator Awaitable Callable ClassVar Collection Concatenate Container Coroutine Counter '
    'DefaultDict Deque Dict Final FrozenSet Generator Hashable Iterable Iterator List Literal LiteralString Mapping MutableMapping '
    'MutableSequence MutableSet Never NoReturn NotRequired Optional OrderedDict ParamSpec Required Self Sequence Set Sized Text Tuple Type '
    'TypeAlias TypeGuard TypeVar TypeVarTuple Union Unpack'
)
for _name in _NAMES.split():
    globals()[_name] = _Special(_name)


class TypedDict(dict):
    pass


def NewType(name, tp):
    return tp


def cast(typ, val):
    return val


def overload(func):
    return func


def final(func):
    return func


def override(func):
    return func


def runtime_checkable(cls):
    return cls


def get_type_hints(obj, *more):
    return {}


def no_type_check(arg):
    return arg
