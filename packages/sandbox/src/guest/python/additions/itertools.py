def groupby(iterable, key=None):
    kind, group = None, None
    for one in iterable:
        found = one if key is None else key(one)
        if group is not None and found == kind:
            group.append(one)
        else:
            if group is not None:
                yield kind, iter(group)
            kind, group = found, [one]
    if group is not None:
        yield kind, iter(group)


def _picked(pool, r, start, again):
    if r == 0:
        yield ()
        return
    for index in range(start, len(pool)):
        for rest in _picked(pool, r - 1, index if again else index + 1, again):
            yield (pool[index],) + rest


def combinations(iterable, r):
    return _picked(tuple(iterable), r, 0, False)


def combinations_with_replacement(iterable, r):
    return _picked(tuple(iterable), r, 0, True)


def permutations(iterable, r=None):
    pool = tuple(iterable)
    r = len(pool) if r is None else r
    if r == 0:
        yield ()
        return
    for index in range(len(pool)):
        for rest in permutations(pool[:index] + pool[index + 1:], r - 1):
            yield (pool[index],) + rest


def product(*iterables, repeat=1):
    found = [()]
    for pool in [tuple(one) for one in iterables] * repeat:
        found = [before + (one,) for before in found for one in pool]
    return iter(found)


def zip_longest(*iterables, fillvalue=None):
    sources = [iter(one) for one in iterables]
    ended = object()
    while True:
        row = [next(one, ended) for one in sources]
        if all(one is ended for one in row):
            return
        yield tuple(fillvalue if one is ended else one for one in row)


def takewhile(predicate, iterable):
    for one in iterable:
        if not predicate(one):
            return
        yield one


def dropwhile(predicate, iterable):
    rest = iter(iterable)
    for one in rest:
        if not predicate(one):
            yield one
            break
    for one in rest:
        yield one


def filterfalse(predicate, iterable):
    return (one for one in iterable if not (predicate(one) if predicate else one))


def compress(data, selectors):
    return (one for one, kept in zip(data, selectors) if kept)


def pairwise(iterable):
    rest = iter(iterable)
    try:
        before = next(rest)
    except StopIteration:
        return
    for one in rest:
        yield before, one
        before = one


def batched(iterable, n):
    batch = []
    for one in iterable:
        batch.append(one)
        if len(batch) == n:
            yield tuple(batch)
            batch = []
    if batch:
        yield tuple(batch)


class _Chain:
    def __call__(self, *iterables):
        return self.from_iterable(iterables)

    def from_iterable(self, iterables):
        return (one for iterable in iterables for one in iterable)


chain = _Chain()
