"""Keyed digests of hashlib."""
import hashlib as _hashlib


def compare_digest(a, b):
    if isinstance(a, str):
        a = a.encode()
    if isinstance(b, str):
        b = b.encode()
    different = len(a) ^ len(b)
    for x, y in zip(a, b):
        different |= x ^ y
    return different == 0


class HMAC:
    def __init__(self, key, msg=None, digestmod=''):
        if not digestmod:
            raise TypeError("Missing required argument 'digestmod'.")
        make = digestmod if callable(digestmod) else lambda data=b'': _hashlib.new(digestmod if isinstance(digestmod, str) else digestmod.name, data)
        self._make = make
        size = make().block_size
        if len(key) > size:
            key = make(key).digest()
        key = bytes(key) + bytes(size - len(key))
        self._outer = bytes(x ^ 0x5c for x in key)
        self._inner = make(bytes(x ^ 0x36 for x in key))
        self.digest_size = self._inner.digest_size
        self.block_size = size
        self.name = 'hmac-' + self._inner.name
        if msg is not None:
            self.update(msg)

    def update(self, msg):
        self._inner.update(msg)

    def _done(self):
        return self._make(self._outer + self._inner.digest())

    def digest(self):
        return self._done().digest()

    def hexdigest(self):
        return self._done().hexdigest()


def new(key, msg=None, digestmod=''):
    return HMAC(key, msg, digestmod)


def digest(key, msg, digest):
    return HMAC(key, msg, digest).digest()
