"""Regular expressions of the isolate's JavaScript, with the syntax and the interface of Python."""
import json
import _peerless

ASCII = A = 256
IGNORECASE = I = 2
MULTILINE = M = 8
DOTALL = S = 16
VERBOSE = X = 64
UNICODE = U = 32
NOFLAG = 0


class error(Exception):
    pass


PatternError = error


class Match:
    def __init__(self, pattern, string, found):
        self.re = pattern
        self.string = string
        self._spans, self._texts = found

    def _index(self, group):
        if isinstance(group, str):
            if group not in self.re.groupindex:
                raise IndexError('no such group')
            return self.re.groupindex[group]
        if not 0 <= group < len(self._spans):
            raise IndexError('no such group')
        return group

    def _text(self, index, default=None):
        text = self._texts[index]
        return default if text is None else text

    def group(self, *groups):
        if not groups:
            return self._text(0)
        found = tuple(self._text(self._index(one)) for one in groups)
        return found[0] if len(found) == 1 else found

    def __getitem__(self, group):
        return self._text(self._index(group))

    def groups(self, default=None):
        return tuple(self._text(index, default) for index in range(1, len(self._spans)))

    def groupdict(self, default=None):
        return {name: self._text(index, default) for name, index in self.re.groupindex.items()}

    def span(self, group=0):
        span = self._spans[self._index(group)]
        return (-1, -1) if span is None else tuple(span)

    def start(self, group=0):
        return self.span(group)[0]

    def end(self, group=0):
        return self.span(group)[1]

    @property
    def lastindex(self):
        found = [index for index in range(1, len(self._spans)) if self._spans[index] is not None]
        return found[-1] if found else None

    def expand(self, template):
        return _expand(template, self)

    def __repr__(self):
        return '<re.Match object; span=%r, match=%r>' % (self.span(), self.group())


_ESCAPES = {'n': '\n', 't': '\t', 'r': '\r', '\\': '\\'}


def _expand(template, match):
    if '\\' not in template:
        return template
    out = ''
    at = 0
    while at < len(template):
        character = template[at]
        at += 1
        if character != '\\' or at == len(template):
            out += character
            continue
        character = template[at]
        at += 1
        if character == 'g' and template[at:at + 1] == '<':
            end = template.find('>', at)
            name = template[at + 1:end]
            at = end + 1
            out += match.group(int(name) if name.isdigit() else name) or ''
        elif character.isdigit():
            if template[at:at + 1].isdigit():
                character += template[at]
                at += 1
            out += match.group(int(character)) or ''
        else:
            out += _ESCAPES.get(character, '\\' + character)
    return out


class Pattern:
    def __init__(self, pattern, flags):
        if not isinstance(pattern, str):
            raise TypeError('patterns of bytes are not supported')
        about = json.loads(_peerless.regex(pattern, int(flags)))
        if 'error' in about:
            raise error('%s in the pattern %r' % (about['error'], pattern))
        self.pattern = pattern
        self.flags = flags
        self.groups = about['groups']
        self.groupindex = about['names']

    def _ask(self, string, how, pos=0, endpos=None, limit=0, pieces=False):
        if not isinstance(string, str):
            raise TypeError('expected string')
        if endpos is not None:
            string = string[:endpos]
        return json.loads(_peerless.find(self.pattern, int(self.flags), string, how, pos, limit, pieces))

    def _find(self, string, *how):
        return [Match(self, string, one) for one in self._ask(string, *how)['matches']]

    def _one(self, *how):
        found = self._find(*how)
        return found[0] if found else None

    def match(self, string, pos=0, endpos=None):
        return self._one(string, 'match', pos, endpos, 1)

    def fullmatch(self, string, pos=0, endpos=None):
        return self._one(string, 'full', pos, endpos, 1)

    def search(self, string, pos=0, endpos=None):
        return self._one(string, 'search', pos, endpos, 1)

    def finditer(self, string, pos=0, endpos=None):
        return iter(self._find(string, 'search', pos, endpos))

    def findall(self, string, pos=0, endpos=None):
        found = self._ask(string, 'search', pos, endpos)['matches']
        if self.groups > 1:
            return [tuple(text or '' for text in texts[1:]) for _, texts in found]
        return [texts[self.groups] or '' for _, texts in found]

    def split(self, string, maxsplit=0):
        found = self._ask(string, 'search', 0, None, maxsplit, True)
        out = []
        for before, (_, texts) in zip(found['between'], found['matches']):
            out.append(before)
            out.extend(texts[1:])
        out.append(found['between'][-1])
        return out

    def subn(self, repl, string, count=0):
        found = self._ask(string, 'search', 0, None, count, True)
        plain = not callable(repl) and '\\' not in repl
        out = []
        for before, one in zip(found['between'], found['matches']):
            out.append(before)
            if not plain:
                one = Match(self, string, one)
            out.append(repl if plain else repl(one) if callable(repl) else _expand(repl, one))
        out.append(found['between'][-1])
        return ''.join(out), len(found['matches'])

    def sub(self, repl, string, count=0):
        return self.subn(repl, string, count)[0]

    def __repr__(self):
        return 're.compile(%r)' % self.pattern


_KEPT_MAX = 128
_kept = {}


def compile(pattern, flags=0):
    if isinstance(pattern, Pattern):
        return pattern
    found = _kept.get((pattern, flags))
    if found is None:
        if len(_kept) >= _KEPT_MAX:
            _kept.clear()
        found = _kept[(pattern, flags)] = Pattern(pattern, flags)
    return found


def purge():
    _kept.clear()


def match(pattern, string, flags=0):
    return compile(pattern, flags).match(string)


def fullmatch(pattern, string, flags=0):
    return compile(pattern, flags).fullmatch(string)


def search(pattern, string, flags=0):
    return compile(pattern, flags).search(string)


def findall(pattern, string, flags=0):
    return compile(pattern, flags).findall(string)


def finditer(pattern, string, flags=0):
    return compile(pattern, flags).finditer(string)


def split(pattern, string, maxsplit=0, flags=0):
    return compile(pattern, flags).split(string, maxsplit)


def sub(pattern, repl, string, count=0, flags=0):
    return compile(pattern, flags).sub(repl, string, count)


def subn(pattern, repl, string, count=0, flags=0):
    return compile(pattern, flags).subn(repl, string, count)


def escape(pattern):
    return ''.join('\\' + one if one in '()[]{}?*+-|^$\\.&~# \t\n\r\v\f' else one for one in pattern)
