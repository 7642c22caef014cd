from math import *
from math import pow


def gcd(*integers):
    found = 0
    for one in integers:
        while one:
            found, one = one, found % one
    return abs(found)


def lcm(*integers):
    found = 1
    for one in integers:
        if one == 0:
            return 0
        found = abs(found * one) // gcd(found, one)
    return found


def isqrt(n):
    if n < 0:
        raise ValueError('isqrt() argument must be nonnegative')
    found = 1 << (len(bin(n)) - 1) // 2
    while found * found > n:
        found = (found + n // found) // 2
    return found


def comb(n, k):
    found = 1
    for index in range(min(k, n - k)):
        found = found * (n - index) // (index + 1)
    return found if k <= n else 0


def perm(n, k=None):
    found = 1
    for index in range(n if k is None else k):
        found *= n - index
    return found


def prod(iterable, *, start=1):
    for one in iterable:
        start *= one
    return start


def hypot(*coordinates):
    return sqrt(sum(one * one for one in coordinates))


def dist(p, q):
    return sqrt(sum((a - b) ** 2 for a, b in zip(p, q)))


def cbrt(x):
    return copysign(fabs(x) ** (1 / 3), x)


fsum = sum
