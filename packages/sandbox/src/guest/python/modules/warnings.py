import sys


def warn(message, category=None, stacklevel=1, source=None):
    sys.stderr.write('%s: %s\n' % (getattr(category, '__name__', 'UserWarning'), message))


def filterwarnings(action, *more, **options):
    pass


simplefilter = resetwarnings = filterwarnings
