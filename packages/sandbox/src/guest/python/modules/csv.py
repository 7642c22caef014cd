QUOTE_MINIMAL, QUOTE_ALL, QUOTE_NONNUMERIC, QUOTE_NONE = 0, 1, 2, 3


class Error(Exception):
    pass


def reader(csvfile, dialect='excel', delimiter=',', quotechar='"', skipinitialspace=False, **options):
    row, field, quoted, began = [], '', False, False
    for line in csvfile:
        at = 0
        while at < len(line):
            one = line[at]
            at += 1
            if quoted:
                if one != quotechar:
                    field += one
                elif line[at:at + 1] == quotechar:
                    field += quotechar
                    at += 1
                else:
                    quoted = False
            elif one == quotechar and field == '':
                quoted = began = True
            elif one == delimiter:
                row.append(field)
                field, began = '', True
            elif one not in '\r\n' and not (skipinitialspace and one == ' ' and field == ''):
                field += one
                began = True
        if not quoted:
            if began:
                row.append(field)
            yield row
            row, field, began = [], '', False
    if quoted:
        row.append(field)
        yield row


class writer:
    def __init__(self, csvfile, dialect='excel', delimiter=',', quotechar='"', quoting=QUOTE_MINIMAL, lineterminator='\r\n', **options):
        self._file = csvfile
        self._how = delimiter, quotechar, quoting, lineterminator

    def writerow(self, row):
        delimiter, quote, quoting, end = self._how
        row = list(row)
        fields = []
        for value in row:
            text = '' if value is None else str(value)
            special = delimiter in text or quote in text or '\n' in text or '\r' in text or (text == '' and len(row) == 1)
            if quoting == QUOTE_ALL or (quoting == QUOTE_MINIMAL and special) or (quoting == QUOTE_NONNUMERIC and not isinstance(value, (int, float))):
                text = quote + text.replace(quote, quote * 2) + quote
            fields.append(text)
        return self._file.write(delimiter.join(fields) + end)

    def writerows(self, rows):
        for row in rows:
            self.writerow(row)


class DictReader:
    def __init__(self, f, fieldnames=None, restkey=None, restval=None, dialect='excel', **options):
        self._rows = reader(f, dialect, **options)
        self._names = fieldnames
        self._rest = restkey, restval

    @property
    def fieldnames(self):
        if self._names is None:
            try:
                self._names = next(self._rows)
            except StopIteration:
                pass
        return self._names

    def __iter__(self):
        return self

    def __next__(self):
        names = self.fieldnames
        row = next(self._rows)
        while not row:
            row = next(self._rows)
        restkey, restval = self._rest
        from collections import OrderedDict
        found = OrderedDict(zip(names, row))
        if len(row) > len(names):
            found[restkey] = row[len(names):]
        for name in names[len(row):]:
            found[name] = restval
        return found


class DictWriter:
    def __init__(self, f, fieldnames, restval='', extrasaction='raise', dialect='excel', **options):
        self.fieldnames = fieldnames
        self._rest = restval, extrasaction
        self.writer = writer(f, dialect, **options)

    def writeheader(self):
        return self.writer.writerow(self.fieldnames)

    def writerow(self, row):
        restval, extras = self._rest
        unknown = [name for name in row if name not in self.fieldnames]
        if unknown and extras == 'raise':
            raise ValueError('dict contains fields not in fieldnames: %s' % ', '.join(repr(name) for name in unknown))
        return self.writer.writerow(row.get(name, restval) for name in self.fieldnames)

    def writerows(self, rows):
        for row in rows:
            self.writerow(row)
