import _peerless
import binascii as _binascii

name = 'posix'
linesep = '\n'
curdir = '.'
pardir = '..'
pathsep = ':'
devnull = '/dev/null'
_IS_FOLDER = 0x4000


def urandom(size):
    return _binascii.unhexlify(_peerless.random(size))


def getpid():
    return 1


def cpu_count():
    return 1


def makedirs(name, mode=0o777, exist_ok=False):
    above = ''
    parts = name.split('/')
    for index, part in enumerate(parts):
        above = part if index == 0 else above + '/' + part
        if above and not path.exists(above):
            mkdir(above)
        elif index == len(parts) - 1 and above and not (exist_ok and path.isdir(above)):
            raise FileExistsError(17, 'File exists: %r' % name)


def removedirs(name):
    rmdir(name)


def walk(top, topdown=True, onerror=None, followlinks=False):
    folders, files = [], []
    for entry in ilistdir(top):
        (folders if entry[1] == _IS_FOLDER else files).append(entry[0])
    if topdown:
        yield top, folders, files
    for one in folders:
        for found in walk(path.join(top, one), topdown):
            yield found
    if not topdown:
        yield top, folders, files


def fspath(path):
    return path if isinstance(path, str) else str(path)


def replace(src, dst):
    rename(src, dst)


def _splitext(name):
    folder, slash, last = name.rpartition('/')
    stem, dot, end = last.rpartition('.')
    return (folder + slash + stem, dot + end) if dot and stem.strip('.') else (name, '')


def _relpath(name, start='.'):
    here, to = [one for one in path.abspath(start).split('/') if one], [one for one in path.abspath(name).split('/') if one]
    shared = 0
    while shared < min(len(here), len(to)) and here[shared] == to[shared]:
        shared += 1
    return '/'.join(['..'] * (len(here) - shared) + to[shared:]) or '.'


path.splitext = _splitext
path.relpath = _relpath
path.realpath = path.abspath
path.isabs = lambda name: name.startswith('/')
path.islink = lambda name: False
path.getsize = lambda name: stat(name)[6]
path.getmtime = lambda name: stat(name)[8]
