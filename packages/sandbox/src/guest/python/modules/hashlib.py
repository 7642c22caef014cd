"""Digests, made by the isolate's host."""
import binascii
import _peerless

_SIZES = {'md5': (16, 64), 'sha1': (20, 64), 'sha224': (28, 64), 'sha256': (32, 64), 'sha384': (48, 128), 'sha512': (64, 128)}
algorithms_available = algorithms_guaranteed = set(_SIZES)


class _Hash:
    def __init__(self, name, data=b''):
        self.name = name
        self.digest_size, self.block_size = _SIZES[name]
        self._data = bytearray(data)

    def update(self, data):
        self._data.extend(data)

    def hexdigest(self):
        return _peerless.digest(self.name, binascii.hexlify(self._data).decode())

    def digest(self):
        return binascii.unhexlify(self.hexdigest())

    def copy(self):
        return _Hash(self.name, self._data)


def new(name, data=b'', **options):
    name = name.lower().replace('-', '')
    if name not in _SIZES:
        raise ValueError('unsupported hash type ' + name)
    return _Hash(name, data)


def md5(data=b'', **options):
    return _Hash('md5', data)


def sha1(data=b'', **options):
    return _Hash('sha1', data)


def sha224(data=b'', **options):
    return _Hash('sha224', data)


def sha256(data=b'', **options):
    return _Hash('sha256', data)


def sha384(data=b'', **options):
    return _Hash('sha384', data)


def sha512(data=b'', **options):
    return _Hash('sha512', data)
