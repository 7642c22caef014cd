def cmp_to_key(mycmp):
    class Key:
        def __init__(self, obj):
            self.obj = obj

        def __lt__(self, other):
            return mycmp(self.obj, other.obj) < 0

        def __gt__(self, other):
            return mycmp(self.obj, other.obj) > 0

        def __eq__(self, other):
            return mycmp(self.obj, other.obj) == 0

    return Key


class _Cached:
    def __init__(self, func, maxsize):
        self.__wrapped__ = func
        self.__name__ = getattr(func, '__name__', None)
        self._max = maxsize
        self.cache_clear()

    def cache_clear(self):
        self._kept, self._order, self._hits, self._misses = {}, [], 0, 0

    def cache_info(self):
        return (self._hits, self._misses, self._max, len(self._kept))

    def __call__(self, *args, **options):
        key = (args, tuple(sorted(options.items()))) if options else args
        if key in self._kept:
            self._hits += 1
            if self._max is not None:
                self._order.remove(key)
                self._order.append(key)
            return self._kept[key]
        self._misses += 1
        value = self.__wrapped__(*args, **options)
        if self._max != 0:
            self._kept[key] = value
            if self._max is not None:
                self._order.append(key)
                if len(self._order) > self._max:
                    del self._kept[self._order.pop(0)]
        return value


def lru_cache(maxsize=128, typed=False):
    if callable(maxsize):
        return _Cached(maxsize, 128)
    return lambda func: _Cached(func, maxsize)


def cache(func):
    return _Cached(func, None)


class cached_property:
    def __init__(self, func):
        self.func = func

    def __get__(self, instance, owner=None):
        if instance is None:
            return self
        name = '_cached_' + self.func.__name__
        if not hasattr(instance, name):
            setattr(instance, name, self.func(instance))
        return getattr(instance, name)


def total_ordering(cls):
    less = cls.__lt__
    cls.__gt__ = lambda self, other: not less(self, other) and not self == other
    cls.__le__ = lambda self, other: less(self, other) or self == other
    cls.__ge__ = lambda self, other: not less(self, other)
    return cls


def singledispatch(func):
    known = []

    def wrapper(*args, **options):
        for kind, one in reversed(known):
            if isinstance(args[0], kind):
                return one(*args, **options)
        return func(*args, **options)

    class Dispatch:
        def __call__(self, *args, **options):
            return wrapper(*args, **options)

        def register(self, cls, one=None):
            if one is None:
                return lambda one: self.register(cls, one)
            known.append((cls, one))
            return one

    return Dispatch()
