def dedent(text):
    lines = text.split('\n')
    margin = None
    for line in lines:
        if line.strip():
            indent = line[:len(line) - len(line.lstrip())]
            if margin is None or margin.startswith(indent):
                margin = indent
            else:
                while not indent.startswith(margin):
                    margin = margin[:-1]
    return '\n'.join(line[len(margin or ''):] if line.strip() else '' for line in lines)


def indent(text, prefix, predicate=None):
    return ''.join((prefix + line if (predicate(line) if predicate else line.strip()) else line) for line in text.splitlines(True))


def wrap(text, width=70, **options):
    lines, line = [], ''
    for word in text.split():
        while len(word) > width:
            if line:
                lines.append(line)
                line = ''
            lines.append(word[:width])
            word = word[width:]
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = line + ' ' + word if line else word
    return lines + [line] if line else lines


def fill(text, width=70, **options):
    return '\n'.join(wrap(text, width))


def shorten(text, width, placeholder=' [...]', **options):
    text = ' '.join(text.split())
    if len(text) <= width:
        return text
    while text and len(text) + len(placeholder) > width:
        text = text.rpartition(' ')[0]
    return (text + placeholder).strip()
