class AbstractContextManager:
    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None


class ContextDecorator:
    def __call__(self, func):
        def inner(*args, **options):
            with self:
                return func(*args, **options)

        return inner


class _Generated(ContextDecorator):
    def __init__(self, func, args, options):
        self._made = func, args, options

    def __call__(self, func):
        make, args, options = self._made

        def inner(*called, **more):
            with _Generated(make, args, options):
                return func(*called, **more)

        return inner

    def __enter__(self):
        func, args, options = self._made
        self._steps = func(*args, **options)
        try:
            return next(self._steps)
        except StopIteration:
            raise RuntimeError("generator didn't yield")

    def __exit__(self, kind, value, trace):
        if kind is None:
            try:
                next(self._steps)
            except StopIteration:
                return False
            raise RuntimeError("generator didn't stop")
        try:
            self._steps.throw(value if value is not None else kind())
        except StopIteration:
            return True
        except BaseException as error:
            if error is value:
                return False
            raise
        raise RuntimeError("generator didn't stop after throw()")


def contextmanager(func):
    def helper(*args, **options):
        return _Generated(func, args, options)

    return helper


class closing:
    def __init__(self, thing):
        self.thing = thing

    def __enter__(self):
        return self.thing

    def __exit__(self, *error):
        self.thing.close()


class nullcontext:
    def __init__(self, enter_result=None):
        self.enter_result = enter_result

    def __enter__(self):
        return self.enter_result

    def __exit__(self, *error):
        return None


class suppress:
    def __init__(self, *exceptions):
        self._exceptions = exceptions

    def __enter__(self):
        return None

    def __exit__(self, kind, value, trace):
        return kind is not None and issubclass(kind, self._exceptions)


class ExitStack:
    def __init__(self):
        self._exits = []

    def enter_context(self, manager):
        entered = manager.__enter__()
        self._exits.append(manager.__exit__)
        return entered

    def push(self, exit):
        self._exits.append(exit.__exit__ if hasattr(exit, '__exit__') else exit)
        return exit

    def callback(self, func, *args, **options):
        self._exits.append(lambda *error: func(*args, **options) and None)
        return func

    def close(self):
        self.__exit__(None, None, None)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        given = value
        while self._exits:
            try:
                if self._exits.pop()(kind, value, trace):
                    kind = value = trace = None
            except BaseException as error:
                kind, value = type(error), error
        if value is not None and value is not given:
            raise value
        return given is not None and value is None
