from collections import namedtuple

_SAFE = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~'


def quote(string, safe='/', encoding=None, errors=None):
    kept = _SAFE + safe
    data = string.encode() if isinstance(string, str) else string
    return ''.join(chr(one) if one < 128 and chr(one) in kept else '%%%02X' % one for one in data)


def quote_plus(string, safe='', encoding=None, errors=None):
    return quote(string, safe + ' ').replace(' ', '+')


def unquote(string, encoding='utf-8', errors='replace'):
    if '%' not in string:
        return string
    parts = string.split('%')
    out = bytearray(parts[0].encode())
    for part in parts[1:]:
        try:
            out.append(int(part[:2], 16) if len(part) >= 2 else int('none'))
            out.extend(part[2:].encode())
        except ValueError:
            out.extend(b'%' + part.encode())
    return out.decode('utf-8', 'replace')


def unquote_plus(string, encoding='utf-8', errors='replace'):
    return unquote(string.replace('+', ' '))


def urlencode(query, doseq=False, safe='', encoding=None, errors=None, quote_via=quote_plus):
    pairs = []
    for key, value in query.items() if hasattr(query, 'items') else query:
        for one in value if doseq and isinstance(value, (list, tuple)) else (value,):
            pairs.append(_quoted(key, safe, quote_via) + '=' + _quoted(one, safe, quote_via))
    return '&'.join(pairs)


def _quoted(value, safe, quote_via):
    return quote_via(value if isinstance(value, (str, bytes)) else str(value), safe)


def parse_qsl(qs, keep_blank_values=False, **options):
    found = []
    for part in qs.split('&'):
        key, equals, value = part.partition('=')
        if part and (value or keep_blank_values):
            found.append((unquote_plus(key), unquote_plus(value)))
    return found


def parse_qs(qs, keep_blank_values=False, **options):
    found = {}
    for key, value in parse_qsl(qs, keep_blank_values):
        found.setdefault(key, []).append(value)
    return found


class _Parts:
    def geturl(self):
        return urlunsplit(self) if len(self) == 5 else urlunparse(self)

    def _host(self):
        return self.netloc.rpartition('@')[2]

    @property
    def username(self):
        user, at, host = self.netloc.rpartition('@')
        return user.partition(':')[0] if at else None

    @property
    def password(self):
        user, at, host = self.netloc.rpartition('@')
        name, colon, password = user.partition(':')
        return password if colon else None

    @property
    def hostname(self):
        host = self._host()
        host = host[1:].partition(']')[0] if host.startswith('[') else host.partition(':')[0]
        return host.lower() or None

    @property
    def port(self):
        port = self._host().rpartition(']')[2].partition(':')[2]
        return int(port) if port else None


class SplitResult(_Parts, namedtuple('SplitResult', 'scheme netloc path query fragment')):
    pass


class ParseResult(_Parts, namedtuple('ParseResult', 'scheme netloc path params query fragment')):
    pass


def urlsplit(url, scheme='', allow_fragments=True):
    head, colon, rest = url.partition(':')
    if colon and head[:1].isalpha() and all(one.isalpha() or one.isdigit() or one in '+-.' for one in head):
        scheme, url = head.lower(), rest
    netloc = ''
    if url.startswith('//'):
        end = min([at for at in (url.find(one, 2) for one in '/?#') if at >= 0] + [len(url)])
        netloc, url = url[2:end], url[end:]
    url, _, fragment = url.partition('#') if allow_fragments else (url, '', '')
    path, _, query = url.partition('?')
    return SplitResult(scheme, netloc, path, query, fragment)


def urlparse(url, scheme='', allow_fragments=True):
    scheme, netloc, path, query, fragment = urlsplit(url, scheme, allow_fragments)
    last = path.rfind('/') + 1
    name, _, params = path[last:].partition(';')
    return ParseResult(scheme, netloc, path[:last] + name, params, query, fragment)


def urlunsplit(parts):
    scheme, netloc, path, query, fragment = parts
    url = path
    if netloc:
        url = '//' + netloc + ('/' if path and not path.startswith('/') else '') + path
    if scheme:
        url = scheme + ':' + url
    return url + ('?' + query if query else '') + ('#' + fragment if fragment else '')


def urlunparse(parts):
    scheme, netloc, path, params, query, fragment = parts
    return urlunsplit((scheme, netloc, path + (';' + params if params else ''), query, fragment))


def urljoin(base, url, allow_fragments=True):
    if not base or not url:
        return url or base
    from_base, to = urlsplit(base), urlsplit(url)
    if to.scheme:
        return url
    if to.netloc:
        return urlunsplit((from_base.scheme, to.netloc, to.path, to.query, to.fragment))
    path, query = to.path, to.query
    if not path:
        path, query = from_base.path, query or from_base.query
    else:
        if not path.startswith('/'):
            path = from_base.path[:from_base.path.rfind('/') + 1] + path
            path = path if path.startswith('/') or not from_base.netloc else '/' + path
        path = _without_dots(path)
    return urlunsplit((from_base.scheme, from_base.netloc, path, query, to.fragment))


def _without_dots(path):
    out = []
    segments = path.split('/')
    for segment in segments:
        if segment == '..':
            if len(out) > 1:
                out.pop()
        elif segment != '.':
            out.append(segment)
    if segments[-1] in ('.', '..'):
        out.append('')
    return '/'.join(out)


def urldefrag(url):
    head, _, fragment = url.partition('#')
    return head, fragment
