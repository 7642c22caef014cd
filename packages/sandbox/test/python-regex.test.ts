import test from 'ava'
import { find, regex } from '../src/guest/python/regex.guest.ts'

const IGNORECASE = 2
const MULTILINE = 8
const VERBOSE = 64

/** The text of the groups of each match. */
function texts(pattern: string, text: string, flags = 0, how: 'search' | 'match' | 'full' = 'search'): (string | null)[][] {
  const { matches } = JSON.parse(find(pattern, flags, text, how, 0, 0)) as { matches: [unknown, (string | null)[]][] }
  return matches.map(([, parts]) => parts)
}

test('patterns in the syntax of Python match as there', (t) => {
  t.deepEqual(texts('(?P<a>x)(?P=a)', 'xxx'), [['xx', 'x']])
  t.deepEqual(texts(String.raw`\w+`, 'Käse 12_ß'), [['Käse'], ['12_ß']])
  t.deepEqual(texts(String.raw`\bä\b`, 'ä bä'), [['ä']], 'words of all alphabets')
  t.deepEqual(texts(String.raw`\d`, '1٣'), [['1'], ['٣']])
  t.deepEqual(texts('a$', 'a\n'), [['a']], 'before the last newline too')
  t.deepEqual(texts(String.raw`a\Z`, 'a\n'), [])
  t.deepEqual(texts('^a$', 'a\na', MULTILINE), [['a'], ['a']])
  t.deepEqual(texts('(?i)ab', 'AB'), [['AB']])
  t.deepEqual(texts('STRASSE', 'strasse', IGNORECASE), [['strasse']])
  t.deepEqual(texts('a  b  # a comment', 'ab', VERBOSE), [['ab']])
  t.deepEqual(texts('[]a-]+', ']-a'), [[']-a']], 'a bracket first in a class')
  t.deepEqual(texts('[^]]', ']x'), [['x']])
  t.deepEqual(texts('{(\\w+)}', '{name}'), [['{name}', 'name']], 'braces that count nothing')
  t.deepEqual(texts('a{,2}', 'aaa')[0], ['aa'])
  t.deepEqual(texts(String.raw`\"\'\-\@\ \#`, `"'-@ #`), [[`"'-@ #`]], 'needless escapes')
  t.deepEqual(texts('(a)|(b)', 'b'), [['b', null, 'b']])
  t.deepEqual(texts('(?<=x)y(?#never mind)', 'xy'), [['y']])
  t.deepEqual(texts('a+', 'aab', 0, 'full'), [])
  t.deepEqual(texts('a|ab', 'ab', 0, 'full'), [['ab']])
  t.deepEqual(texts('b', 'ab', 0, 'match'), [])
})

test('places are counted in characters, and empty matches come to an end', (t) => {
  const found = (...args: Parameters<typeof find>) =>
    JSON.parse(find(...args)) as { matches: [[number, number][], string[]][]; between?: string[] }
  const places = (...args: Parameters<typeof find>) => found(...args).matches.map(([spans]) => spans[0])
  t.deepEqual(places('x', 0, '😀x😀x', 'search', 2, 0), [[3, 4]])
  t.deepEqual(places('x*', 0, '😀x', 'search', 0, 0), [
    [0, 0],
    [1, 2],
    [2, 2]
  ])
  t.is(places('x', 0, 'xxx', 'search', 0, 2).length, 2)
  t.deepEqual(places('x', 0, '😀', 'search', 9, 0), [])
  t.deepEqual(found('-', 0, 'a-😀-c', 'search', 0, 0, true).between, ['a', '😀', 'c'])
  t.deepEqual(found('-', 0, 'abc', 'search', 0, 0, true).between, ['abc'])
})

test('a pattern that is none says why', (t) => {
  t.deepEqual(JSON.parse(regex('(?P<year>a)(b)', 0)), { groups: 2, names: { year: 1 } })
  t.regex((JSON.parse(regex('(a', 0)) as { error: string }).error, /^Unterminated group/)
})
