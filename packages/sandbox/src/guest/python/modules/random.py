import math
import os
import sys

_path = sys.path
sys.path = ()
try:
    from random import choice, getrandbits, randint, random, randrange, seed, uniform
finally:
    sys.path = _path


class Random:
    """All share the state of the module, except those of the system."""

    def __init__(self, x=None):
        if x is not None:
            self.seed(x)

    def seed(self, x=None):
        seed(x if x is None or isinstance(x, int) else hash(x))

    def random(self):
        return random()

    def getrandbits(self, k):
        bits = 0
        for at in range(0, k, 30):
            bits |= getrandbits(min(30, k - at)) << at
        return bits

    def _below(self, bound):
        bits = len(bin(bound)) - 2
        while True:
            found = self.getrandbits(bits)
            if found < bound:
                return found

    def randrange(self, start, stop=None, step=1):
        if stop is None:
            start, stop = 0, start
        count = len(range(start, stop, step)) if abs(stop - start) < 1 << 30 else (stop - start + step - 1) // step
        if count <= 0:
            raise ValueError('empty range for randrange()')
        return start + step * self._below(count)

    def randint(self, a, b):
        return self.randrange(a, b + 1)

    def uniform(self, a, b):
        return a + (b - a) * self.random()

    def choice(self, seq):
        if not len(seq):
            raise IndexError('Cannot choose from an empty sequence')
        return seq[self._below(len(seq))]

    def choices(self, population, weights=None, *, cum_weights=None, k=1):
        if weights is None and cum_weights is None:
            return [self.choice(population) for _ in range(k)]
        if cum_weights is None:
            cum_weights, total = [], 0
            for weight in weights:
                total += weight
                cum_weights.append(total)
        found = []
        for _ in range(k):
            at = self.random() * cum_weights[-1]
            found.append(next(one for one, sum in zip(population, cum_weights) if at < sum))
        return found

    def shuffle(self, x):
        for index in range(len(x) - 1, 0, -1):
            other = self._below(index + 1)
            x[index], x[other] = x[other], x[index]

    def sample(self, population, k):
        pool = list(population)
        if not 0 <= k <= len(pool):
            raise ValueError('Sample larger than population or is negative')
        for index in range(k):
            other = index + self._below(len(pool) - index)
            pool[index], pool[other] = pool[other], pool[index]
        return pool[:k]

    def gauss(self, mu=0.0, sigma=1.0):
        return mu + sigma * math.sqrt(-2 * math.log(1 - self.random())) * math.cos(2 * math.pi * self.random())

    normalvariate = gauss

    def expovariate(self, lambd=1.0):
        return -math.log(1 - self.random()) / lambd

    def triangular(self, low=0.0, high=1.0, mode=None):
        at = self.random()
        middle = 0.5 if mode is None else (mode - low) / (high - low)
        if at > middle:
            at, middle, low, high = 1 - at, 1 - middle, high, low
        return low + (high - low) * math.sqrt(at * middle)


class SystemRandom(Random):
    def seed(self, x=None):
        pass

    def getrandbits(self, k):
        return int.from_bytes(os.urandom((k + 7) // 8), 'big') >> -k % 8

    def random(self):
        return self.getrandbits(53) / (1 << 53)


_shared = Random()
choices, shuffle, sample = _shared.choices, _shared.shuffle, _shared.sample
gauss, normalvariate, expovariate, triangular = _shared.gauss, _shared.gauss, _shared.expovariate, _shared.triangular
