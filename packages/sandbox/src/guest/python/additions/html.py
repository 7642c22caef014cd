def unescape(s):
    if '&' not in s:
        return s
    import re
    names = {'lt': '<', 'gt': '>', 'quot': '"', 'apos': "'", 'amp': '&', 'nbsp': '\xa0'}

    def one(match):
        name = match.group(1)
        if name[:1] != '#':
            return names.get(name, match.group(0))
        return chr(int(name[2:], 16) if name[1:2] in 'xX' else int(name[1:]))

    return re.sub('&(#[0-9]+|#[xX][0-9a-fA-F]+|[a-zA-Z]+);', one, s)
