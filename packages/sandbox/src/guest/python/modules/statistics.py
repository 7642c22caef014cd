import math


class StatisticsError(ValueError):
    pass


def _all(data):
    data = sorted(data)
    if not data:
        raise StatisticsError('no data points')
    return data


def mean(data):
    data = _all(data)
    total = sum(data) / len(data)
    return int(total) if all(isinstance(one, int) for one in data) and total == int(total) else total


def fmean(data):
    data = _all(data)
    return sum(data) / len(data)


def median(data):
    data = _all(data)
    middle = len(data) // 2
    return data[middle] if len(data) % 2 else (data[middle - 1] + data[middle]) / 2


def mode(data):
    data = list(data)
    return max(_all(data) and data, key=data.count)


def _squares(data, center):
    return sum((one - center) ** 2 for one in data)


def pvariance(data, mu=None):
    data = _all(data)
    return _squares(data, fmean(data) if mu is None else mu) / len(data)


def variance(data, xbar=None):
    data = _all(data)
    if len(data) < 2:
        raise StatisticsError('variance requires at least two data points')
    return _squares(data, fmean(data) if xbar is None else xbar) / (len(data) - 1)


def stdev(data, xbar=None):
    return math.sqrt(variance(data, xbar))


def pstdev(data, mu=None):
    return math.sqrt(pvariance(data, mu))
