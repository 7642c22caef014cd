"""Of the abstract classes the built-in ones that programs ask for."""
Mapping = MutableMapping = dict
Sequence = MutableSequence = list
Set = MutableSet = set


class _Asking:
    pass


class Callable(_Asking):
    pass


class Iterable(_Asking):
    pass


class Iterator(_Asking):
    pass


class Generator(_Asking):
    pass


class Hashable(_Asking):
    pass


class Sized(_Asking):
    pass


class Awaitable(_Asking):
    pass


class Coroutine(_Asking):
    pass
