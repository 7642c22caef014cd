_LEVELS = {'CRITICAL': CRITICAL, 'FATAL': CRITICAL, 'ERROR': ERROR, 'WARNING': WARNING, 'WARN': WARNING, 'INFO': INFO, 'DEBUG': DEBUG, 'NOTSET': NOTSET}
_set_level = Logger.setLevel
_log = Logger.log


def _setLevel(self, level):
    if isinstance(level, str):
        if level not in _LEVELS:
            raise ValueError('Unknown level: %r' % level)
        level = _LEVELS[level]
    _set_level(self, level)


def _logged(self, level, msg, *args, exc_info=None, extra=None, stack_info=False, stacklevel=1):
    if isinstance(exc_info, BaseException) and self.isEnabledFor(level):
        text = io.StringIO()
        sys.print_exception(exc_info, text)
        msg = str(msg) % args if args else str(msg)
        msg, args = msg + '\n' + text.getvalue().rstrip(), ()
    _log(self, level, msg, *args)


Logger.setLevel = _setLevel
Logger.log = _logged
Logger.debug = lambda self, msg, *args, **options: self.log(DEBUG, msg, *args, **options)
Logger.info = lambda self, msg, *args, **options: self.log(INFO, msg, *args, **options)
Logger.warning = Logger.warn = lambda self, msg, *args, **options: self.log(WARNING, msg, *args, **options)
Logger.error = lambda self, msg, *args, **options: self.log(ERROR, msg, *args, **options)
Logger.critical = lambda self, msg, *args, **options: self.log(CRITICAL, msg, *args, **options)


def debug(msg, *args, **options):
    getLogger().debug(msg, *args, **options)


def info(msg, *args, **options):
    getLogger().info(msg, *args, **options)


def warning(msg, *args, **options):
    getLogger().warning(msg, *args, **options)


def error(msg, *args, **options):
    getLogger().error(msg, *args, **options)


def critical(msg, *args, **options):
    getLogger().critical(msg, *args, **options)


_basic = basicConfig


def basicConfig(*args, **options):
    level = options.pop('level', None)
    _basic(*args, force=True, **options)
    if level is not None:
        getLogger().setLevel(level)
    for one in getLogger().handlers:
        # Loggers alone have levels, as on Lambda: the interpreter's handler would hold back what its logger lets through.
        one.setLevel(NOTSET)


_before = getLogger()
for _one in _before.handlers:
    _one.setLevel(NOTSET)
