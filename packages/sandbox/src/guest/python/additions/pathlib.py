_resolve, _absolute = Path.resolve, Path.absolute


def _parts(self):
    text = str(self)
    return (('/',) if text.startswith('/') else ()) + tuple(one for one in text.split('/') if one)


def _parents(self):
    found = []
    while str(self.parent) != str(self):
        self = self.parent
        found.append(self)
    return found


def _joined(self, *others):
    for one in others:
        self = self / str(one)
    return self


def _matching(folder, parts):
    from fnmatch import fnmatch
    for name in sorted(os.listdir(str(folder))):
        one = folder / name
        if parts[0] == '**':
            if one.is_dir():
                for found in _matching(one, parts):
                    yield found
        elif fnmatch(name, parts[0]):
            if len(parts) == 1:
                yield one
            elif one.is_dir():
                for found in _matching(one, parts[1:]):
                    yield found
    if parts[0] == '**' and len(parts) > 1:
        for found in _matching(folder, parts[1:]):
            yield found


def _relative_to(self, other):
    here, start = _parts(self), _parts(Path(str(other)))
    if here[:len(start)] != start:
        raise ValueError('%r is not in the subpath of %r' % (str(self), str(other)))
    return Path('/'.join(here[len(start):]) or '.')


Path.resolve = lambda self, strict=False: Path(_resolve(self))
Path.absolute = lambda self: Path(_absolute(self))
Path.glob = lambda self, pattern: _matching(self, pattern.split('/'))
Path.rglob = lambda self, pattern: _matching(self, ['**'] + pattern.split('/'))
Path.parts = property(_parts)
Path.parents = property(_parents)
Path.joinpath = _joined
Path.relative_to = _relative_to
Path.iterdir = lambda self: (self / name for name in os.listdir(str(self)))
Path.with_name = lambda self, name: self.parent / name
Path.as_posix = lambda self: str(self)
Path.is_absolute = lambda self: str(self).startswith('/')
Path.__hash__ = lambda self: hash(str(self))
Path.__lt__ = lambda self, other: str(self) < str(other)
Path.cwd = staticmethod(lambda: Path(os.getcwd()))
PurePath = PosixPath = PurePosixPath = Path
