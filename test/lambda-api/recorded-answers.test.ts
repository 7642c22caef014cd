import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { eventually, up } from '../_daemon.ts'
import { zipFiles } from '../_functions.ts'
import { type Answer, apiOf } from './_api.ts'

interface Row {
  operation: string
  input: object
  /** undefined: only set up. */
  status: number | undefined
  answer: unknown
  source: string
}

const CODE: Record<string, Uint8Array> = {
  '@code': zipFiles({
    'handler.py': 'def handler(event, context):\n    return event\n',
    'index.py': 'def handler(event, context):\n    return event\n'
  }),
  '@other': zipFiles({ 'handler.py': 'def handler(event, context):\n    return 1\n' }),
  '@index': zipFiles({ 'index.py': 'def handler(event, context):\n    return 2\n' }),
  '@layer': zipFiles({ 'python/one.py': 'ONE = 1\n' })
}

const ROWS: Row[] = readFileSync(join(import.meta.dirname, 'recorded-answers.tsv'), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => {
    const [operation = '', input = '', status = '', answer = '', source = ''] = line.split('\t')
    return {
      operation,
      input: JSON.parse(input) as object,
      status: status === '-' ? undefined : Number(status),
      answer: answer === '-' ? undefined : JSON.parse(answer),
      source
    }
  })

/** Members that differ by design, each with its reason: `operation path`. */
const APART: readonly [place: RegExp, reason: string][] = [
  [
    /^CreateEventSourceMapping\.EventSourceMappingArn: undefined/,
    'recorded in September 2024, before the service had that member'
  ]
]

/** Texts of the recording that stand for any of their kind. */
const KINDS: Record<string, (actual: unknown) => boolean> = {
  '<code-size>': (actual) => Number.isInteger(actual),
  '<number>': (actual) => Number.isInteger(actual),
  date: (actual) => typeof actual === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3,9})?(\+0000|Z)$/.test(actual),
  '<seconds>': (actual) => typeof actual === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000$/.test(actual),
  datetime: (actual) => typeof actual === 'number' && actual > 1_600_000_000 && actual < 10_000_000_000
}

/** Where the two differ, as `path: recorded / here`; members that only one has differ too. */
function differences(recorded: unknown, actual: unknown, path: string): string[] {
  if (typeof recorded === 'object' && recorded !== null) {
    // Policies are documents in a text; the recording shows them opened.
    const opened = typeof actual === 'string' && /^[{[]/.test(actual) ? (JSON.parse(actual) as unknown) : actual
    if (typeof opened !== 'object' || opened === null || Array.isArray(recorded) !== Array.isArray(opened))
      return [`${path}: ${JSON.stringify(recorded)} / ${JSON.stringify(actual)}`]
    const [left, right] = [recorded as Record<string, unknown>, opened as Record<string, unknown>]
    return [...new Set([...Object.keys(left), ...Object.keys(right)])].flatMap((name) =>
      differences(left[name], right[name], `${path}.${name}`)
    )
  }
  const kind = typeof recorded === 'string' ? KINDS[recorded] : undefined
  const same = kind?.(actual) ?? (typeof recorded === 'string' ? isLike(recorded, actual) : recorded === actual)
  return same ? [] : [`${path}: ${JSON.stringify(recorded)} / ${JSON.stringify(actual)}`]
}

function isLike(recorded: string, actual: unknown): boolean {
  const parts = recorded.split(/<[a-z_:.\-0-9]+>|lambda-url/i)
  return typeof actual === 'string' && new RegExp(`^${parts.map((part) => RegExp.escape(part)).join('.+?')}$`, 's').test(actual)
}

/** Inputs may name what an earlier answer gave. */
function filledIn(value: unknown, known: Map<string, unknown>): unknown {
  if (typeof value === 'string') return value.startsWith('@') ? (CODE[value] ?? known.get(value.slice(1))) : value
  if (Array.isArray(value)) return value.map((one) => filledIn(one, known))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, filledIn(one, known)]))
}

function remember(answer: Answer, known: Map<string, unknown>): void {
  const { UUID, CodeSigningConfig } = answer.json ?? {}
  if (UUID !== undefined) known.set('UUID', UUID)
  if (CodeSigningConfig !== undefined) known.set('CodeSigningConfigArn', CodeSigningConfig.CodeSigningConfigArn)
}

test('whole answers have the members and values that AWS was recorded to give, and no others', async (t) => {
  const daemon = await up(t)
  const api = await apiOf(daemon)
  const known = new Map<string, unknown>()
  const wrong: string[] = []
  const apart = new Set<string>()
  const operations = new Set<string>()
  let members = 0
  for (const { operation, input, status, answer: recorded, source } of ROWS) {
    const ask = () => api.call(operation, filledIn(input, known) as object)
    // It was recorded when what had been ordered was there, as told by the answer itself.
    const answer = JSON.stringify(recorded)?.includes('"READY"')
      ? await eventually(ask, ({ text }) => text.includes('"READY"'))
      : await ask()
    remember(answer, known)
    if (status === undefined) {
      t.true(answer.status < 300, `${operation} ${JSON.stringify(input)}: ${answer.status} ${answer.text}`)
      continue
    }
    operations.add(operation)
    members += leaves(recorded)
    const found = differences(recorded, answer.text === '' || answer.text === '{}' ? undefined : answer.json, operation)
    if (answer.status !== status) found.push(`${operation}: status ${status} / ${answer.status} ${answer.text.slice(0, 300)}`)
    for (const one of found) {
      const reason = APART.find(([place]) => place.test(one))
      if (reason === undefined) wrong.push(`${one} (${source})`)
      else apart.add(reason[1])
    }
  }
  const compared = ROWS.filter(({ status }) => status !== undefined).length
  t.log(`${compared} recorded answers of ${operations.size} operations, ${members} members compared`)
  for (const reason of apart) t.log(`apart: ${reason}`)
  t.deepEqual(wrong, [])
})

function leaves(value: unknown): number {
  if (typeof value !== 'object' || value === null) return value === undefined ? 0 : 1
  return Object.values(value).reduce<number>((sum, one) => sum + leaves(one), 0)
}
