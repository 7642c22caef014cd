"""Of json what most programs do not use."""
import _peerless
from json import _dumps


class JSONEncoder:
    def __init__(self, *, skipkeys=False, ensure_ascii=True, check_circular=True, allow_nan=True, sort_keys=False, indent=None, separators=None, default=None):
        self.ensure_ascii = ensure_ascii
        self.sort_keys = sort_keys
        self.indent = ' ' * indent if isinstance(indent, int) else indent
        self.item_separator, self.key_separator = separators or (',' if indent is not None else ', ', ': ')
        if default is not None:
            self.default = default

    def default(self, o):
        raise TypeError('Object of type %s is not JSON serializable' % type(o).__name__)

    def encode(self, o):
        out = []
        self._write(o, out, '\n')
        text = ''.join(out)
        return _peerless.ascii(text) if self.ensure_ascii else text

    def _write(self, o, out, line):
        if isinstance(o, str):
            out.append(_dumps(o))
        elif o is None or o is True or o is False:
            out.append(_dumps(o))
        elif isinstance(o, int):
            out.append(str(int(o)))
        elif isinstance(o, float):
            out.append('NaN' if o != o else ('-' if o < 0 else '') + 'Infinity' if o in (float('inf'), -float('inf')) else repr(float(o)))
        elif isinstance(o, dict):
            self._all(sorted(o.items()) if self.sort_keys else o.items(), '{}', out, line, self._entry)
        elif isinstance(o, (list, tuple)):
            self._all(o, '[]', out, line, self._write)
        else:
            self._write(self.default(o), out, line)

    def _entry(self, entry, out, line):
        key, value = entry
        if key is None or isinstance(key, (bool, int, float)):
            key = _dumps(key)
        elif not isinstance(key, str):
            raise TypeError('keys must be str, int, float, bool or None, not %s' % type(key).__name__)
        self._write(key, out, line)
        out.append(self.key_separator)
        self._write(value, out, line)

    def _all(self, items, brackets, out, line, write):
        out.append(brackets[0])
        inner = line + self.indent if self.indent is not None else ''
        first = True
        for item in items:
            if not first:
                out.append(self.item_separator)
            first = False
            out.append(inner)
            write(item, out, inner)
        if self.indent is not None and not first:
            out.append(line)
        out.append(brackets[1])


def hooked(value, hook, pairs):
    if isinstance(value, dict):
        value = {key: hooked(one, hook, pairs) for key, one in value.items()}
        return pairs(list(value.items())) if pairs else hook(value)
    if isinstance(value, list):
        return [hooked(one, hook, pairs) for one in value]
    return value
