import os
import hashlib


class UUID:
    def __init__(self, hex=None, bytes=None, int=None, version=None):
        if hex is not None:
            text = hex.replace('urn:', '').replace('uuid:', '').strip('{}').replace('-', '')
            if len(text) != 32:
                raise ValueError('badly formed hexadecimal UUID string')
            try:
                bytes = _bytes.fromhex(text)
            except ValueError:
                raise ValueError('badly formed hexadecimal UUID string')
        elif int is not None:
            bytes = int.to_bytes(16, 'big')
        if len(bytes) != 16:
            raise ValueError('bytes is not a 16-char string')
        if version is not None:
            bytes = bytearray(bytes)
            bytes[6] = bytes[6] & 0x0f | version << 4
            bytes[8] = bytes[8] & 0x3f | 0x80
        self.bytes = _bytes(bytes)

    @property
    def hex(self):
        return self.bytes.hex()

    @property
    def int(self):
        return _int.from_bytes(self.bytes, 'big')

    @property
    def version(self):
        return self.bytes[6] >> 4

    @property
    def urn(self):
        return 'urn:uuid:' + str(self)

    def __str__(self):
        text = self.hex
        return '-'.join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))

    def __repr__(self):
        return "UUID('%s')" % self

    def __eq__(self, other):
        return isinstance(other, UUID) and self.bytes == other.bytes

    def __lt__(self, other):
        return self.bytes < other.bytes

    def __hash__(self):
        return hash(self.bytes)


_bytes = bytes
_int = int


def uuid4():
    return UUID(bytes=os.urandom(16), version=4)


def uuid1(node=None, clock_seq=None):
    import time
    ticks = time.time_ns() // 100 + 0x01b21dd213814000
    time_bytes = ticks.to_bytes(8, 'big')
    return UUID(bytes=time_bytes[4:] + time_bytes[2:4] + time_bytes[:2] + os.urandom(8), version=1)


def uuid3(namespace, name):
    return UUID(bytes=hashlib.md5(namespace.bytes + name.encode()).digest(), version=3)


def uuid5(namespace, name):
    return UUID(bytes=hashlib.sha1(namespace.bytes + name.encode()).digest()[:16], version=5)


NAMESPACE_DNS = UUID('6ba7b810-9dad-11d1-80b4-00c04fd430c8')
NAMESPACE_URL = UUID('6ba7b811-9dad-11d1-80b4-00c04fd430c8')
NAMESPACE_OID = UUID('6ba7b812-9dad-11d1-80b4-00c04fd430c8')
