UTC = timezone.utc


def _formatted(self, form):
    import _datetime_more
    return _datetime_more.formatted(self, form)


def _parsed(text, form):
    import _datetime_more
    return _datetime_more.strptime(text, form)


date.strftime = datetime.strftime = time.strftime = _formatted
date.ctime = datetime.ctime = lambda self: _formatted(self, '%c')
datetime.strptime = staticmethod(_parsed)
datetime.utcnow = staticmethod(lambda: datetime.now(timezone.utc).replace(tzinfo=None))
datetime.utcfromtimestamp = staticmethod(lambda timestamp: datetime.fromtimestamp(timestamp, timezone.utc).replace(tzinfo=None))
