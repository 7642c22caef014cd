def itemgetter(*items):
    if len(items) == 1:
        return lambda obj: obj[items[0]]
    return lambda obj: tuple(obj[one] for one in items)


def methodcaller(name, *args, **options):
    return lambda obj: getattr(obj, name)(*args, **options)


def add(a, b):
    return a + b


def sub(a, b):
    return a - b


def mul(a, b):
    return a * b


def neg(a):
    return -a


def not_(a):
    return not a


def contains(a, b):
    return b in a


def getitem(a, b):
    return a[b]


def and_(a, b):
    return a & b


def or_(a, b):
    return a | b
