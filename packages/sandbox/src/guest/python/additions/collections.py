class Counter(dict):
    def __init__(self, iterable=None, **counts):
        super().__init__()
        self.update(iterable, **counts)

    def __missing__(self, key):
        return 0

    def __getitem__(self, key):
        return self.get(key, 0)

    def _change(self, sign, iterable, counts):
        if isinstance(iterable, dict):
            for key, count in iterable.items():
                self[key] = self.get(key, 0) + sign * count
        elif iterable is not None:
            for key in iterable:
                self[key] = self.get(key, 0) + sign
        for key, count in counts.items():
            self[key] = self.get(key, 0) + sign * count

    def update(self, iterable=None, **counts):
        self._change(1, iterable, counts)

    def subtract(self, iterable=None, **counts):
        self._change(-1, iterable, counts)

    def most_common(self, n=None):
        return sorted(self.items(), key=lambda one: one[1], reverse=True)[:n]

    def elements(self):
        return (key for key, count in self.items() for _ in range(count))

    def total(self):
        return sum(self.values())

    def __add__(self, other):
        both = Counter(self)
        both.update(other)
        return both

    def __sub__(self, other):
        both = Counter(self)
        both.subtract(other)
        return Counter({key: count for key, count in both.items() if count > 0})


class ChainMap:
    def __init__(self, *maps):
        self.maps = list(maps) or [{}]

    def __getitem__(self, key):
        for one in self.maps:
            if key in one:
                return one[key]
        raise KeyError(key)

    def __setitem__(self, key, value):
        self.maps[0][key] = value

    def __contains__(self, key):
        return any(key in one for one in self.maps)

    def get(self, key, default=None):
        return self[key] if key in self else default

    def _all(self):
        found = {}
        for one in reversed(self.maps):
            found.update(one)
        return found

    def __iter__(self):
        return iter(self._all())

    def __len__(self):
        return len(self._all())

    def keys(self):
        return self._all().keys()

    def values(self):
        return self._all().values()

    def items(self):
        return self._all().items()

    def new_child(self, m=None):
        return ChainMap({} if m is None else m, *self.maps)


class deque:
    def __init__(self, iterable=(), maxlen=None):
        self.maxlen = maxlen
        self._all = []
        self.extend(iterable)

    def append(self, x):
        self._all.append(x)
        if self.maxlen is not None and len(self._all) > self.maxlen:
            self._all.pop(0)

    def appendleft(self, x):
        self._all.insert(0, x)
        if self.maxlen is not None and len(self._all) > self.maxlen:
            self._all.pop()

    def extend(self, iterable):
        for one in iterable:
            self.append(one)

    def extendleft(self, iterable):
        for one in iterable:
            self.appendleft(one)

    def pop(self):
        return self._all.pop()

    def popleft(self):
        return self._all.pop(0)

    def rotate(self, n=1):
        if self._all:
            n %= len(self._all)
            self._all = self._all[len(self._all) - n:] + self._all[:len(self._all) - n]

    def clear(self):
        self._all = []

    def remove(self, value):
        self._all.remove(value)

    def index(self, x):
        return self._all.index(x)

    def count(self, x):
        return self._all.count(x)

    def reverse(self):
        self._all.reverse()

    def __len__(self):
        return len(self._all)

    def __iter__(self):
        return iter(self._all)

    def __reversed__(self):
        return reversed(self._all)

    def __contains__(self, x):
        return x in self._all

    def __getitem__(self, index):
        return self._all[index]

    def __setitem__(self, index, value):
        self._all[index] = value

    def __eq__(self, other):
        return isinstance(other, deque) and self._all == other._all

    def __repr__(self):
        return 'deque(%r)' % self._all
