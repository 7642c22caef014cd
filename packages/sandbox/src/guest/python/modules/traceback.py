import io
import sys


def format_exception(exc, value=None, tb=None, limit=None, chain=True):
    text = io.StringIO()
    sys.print_exception(exc if value is None else value, text)
    return [line + '\n' for line in text.getvalue().split('\n') if line and '"<stdin>"' not in line]


def format_exception_only(exc, value=None):
    error = exc if value is None else value
    return ['%s: %s\n' % (type(error).__name__, error)]


def print_exception(exc, value=None, tb=None, limit=None, file=None, chain=True):
    (file or sys.stderr).write(''.join(format_exception(exc, value)))


_UNKNOWN = 'Traceback unknown: the interpreter does not say which exception is handled; use traceback.format_exception(error)\n'


def format_exc(limit=None, chain=True):
    return _UNKNOWN


def print_exc(limit=None, file=None, chain=True):
    (file or sys.stderr).write(_UNKNOWN)
