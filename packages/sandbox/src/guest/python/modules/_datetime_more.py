"""Times as text and text as times."""
from datetime import date, datetime, timedelta, timezone

_DAYS = ('Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday')
_MONTHS = ('January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December')


def _offset(one, colon=''):
    away = one.utcoffset() if hasattr(one, 'utcoffset') else None
    if away is None:
        return ''
    minutes = int(away.total_seconds()) // 60
    return '%s%02d%s%02d' % ('-' if minutes < 0 else '+', abs(minutes) // 60, colon, abs(minutes) % 60)


def formatted(one, form):
    hour, minute, second = getattr(one, 'hour', 0), getattr(one, 'minute', 0), getattr(one, 'second', 0)
    out = ''
    at = 0
    while at < len(form):
        letter = form[at]
        at += 1
        if letter != '%' or at == len(form):
            out += letter
            continue
        letter = form[at]
        at += 1
        if letter == 'Y':
            out += '%04d' % one.year
        elif letter == 'm':
            out += '%02d' % one.month
        elif letter == 'd':
            out += '%02d' % one.day
        elif letter == 'H':
            out += '%02d' % hour
        elif letter == 'M':
            out += '%02d' % minute
        elif letter == 'S':
            out += '%02d' % second
        elif letter == 'f':
            out += '%06d' % getattr(one, 'microsecond', 0)
        elif letter == 'y':
            out += '%02d' % (one.year % 100)
        elif letter == 'I':
            out += '%02d' % (hour % 12 or 12)
        elif letter == 'p':
            out += 'AM' if hour < 12 else 'PM'
        elif letter in 'aA':
            out += _DAYS[one.weekday()][:3 if letter == 'a' else None]
        elif letter in 'bBh':
            out += _MONTHS[one.month - 1][:None if letter == 'B' else 3]
        elif letter == 'j':
            out += '%03d' % (one.toordinal() - date(one.year, 1, 1).toordinal() + 1)
        elif letter == 'w':
            out += str((one.weekday() + 1) % 7)
        elif letter == 'u':
            out += str(one.weekday() + 1)
        elif letter == 's':
            out += str(int(one.timestamp()))
        elif letter == 'z':
            out += _offset(one)
        elif letter == 'Z':
            out += (one.tzname() or '') if getattr(one, 'tzinfo', None) is not None else ''
        elif letter == '%':
            out += '%'
        elif letter in _WHOLE:
            out += formatted(one, _WHOLE[letter])
        else:
            out += '%' + letter
    return out


_WHOLE = {'F': '%Y-%m-%d', 'T': '%H:%M:%S', 'X': '%H:%M:%S', 'x': '%m/%d/%y', 'D': '%m/%d/%y', 'c': '%a %b %d %H:%M:%S %Y', 'R': '%H:%M'}
# What each directive takes at most, in digits.
_DIGITS = {'Y': 4, 'm': 2, 'd': 2, 'H': 2, 'I': 2, 'M': 2, 'S': 2, 'y': 2, 'f': 6, 'j': 3}


def strptime(text, form):
    for letter in _WHOLE:
        form = form.replace('%' + letter, _WHOLE[letter])
    found = {'Y': 1900, 'm': 1, 'd': 1, 'H': 0, 'M': 0, 'S': 0, 'f': 0}
    zone = None
    at = place = 0

    def bad():
        return ValueError("time data %r does not match format %r" % (text, form))

    while place < len(form):
        letter = form[place]
        place += 1
        if letter != '%':
            if letter == ' ':
                while text[at:at + 1] == ' ':
                    at += 1
            elif text[at:at + 1] != letter:
                raise bad()
            else:
                at += 1
            continue
        letter = form[place]
        place += 1
        if letter in _DIGITS:
            end = at
            while end < len(text) and end - at < _DIGITS[letter] and text[end].isdigit():
                end += 1
            if end == at:
                raise bad()
            digits = text[at:end]
            found[letter] = int(digits + '0' * (6 - len(digits)) if letter == 'f' else digits)
            at = end
        elif letter in 'aAbBhp':
            names = ('AM', 'PM') if letter == 'p' else _DAYS if letter in 'aA' else _MONTHS
            names = [name if letter in 'ABp' else name[:3] for name in names]
            for index, name in enumerate(names):
                if text[at:at + len(name)].lower() == name.lower():
                    found['m' if names[0][0] == 'J' else letter] = index + 1 if names[0][0] == 'J' else index
                    at += len(name)
                    break
            else:
                raise bad()
        elif letter == 'z':
            if text[at:at + 1] == 'Z':
                zone = timezone.utc
                at += 1
            else:
                sign = text[at:at + 1]
                digits = text[at + 1:at + 6].replace(':', '')[:4]
                if sign not in ('+', '-') or len(digits) != 4 or not digits.isdigit():
                    raise bad()
                at += 6 if text[at + 3:at + 4] == ':' else 5
                minutes = int(digits[:2]) * 60 + int(digits[2:])
                zone = timezone(timedelta(minutes=-minutes if sign == '-' else minutes))
        elif letter == 'Z':
            if text[at:at + 3] not in ('UTC', 'GMT'):
                raise bad()
            at += 3
        elif letter == '%' and text[at:at + 1] == '%':
            at += 1
        else:
            raise ValueError("'%s' is a bad directive in format %r" % (letter, form))
    if at != len(text):
        raise ValueError('unconverted data remains: ' + text[at:])
    year = found['Y']
    if 'y' in found:
        year = found['y'] + (2000 if found['y'] < 69 else 1900)
    hour = found['H']
    if 'I' in found:
        hour = found['I'] % 12 + (12 if found.get('p') == 1 else 0)
    made = datetime(year, found['m'], found['d'], hour, found['M'], found['S'], found['f'], zone)
    return made + timedelta(days=found['j'] - 1) if 'j' in found else made
