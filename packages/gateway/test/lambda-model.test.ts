import { readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import test from 'ava'
import fc from 'fast-check'
import { matchOperation, OPERATIONS, readMembers } from '../src/lambda-model.ts'
import { STRUCTURE_SHAPES } from '../src/lambda-structure-shapes.ts'
import { brokenRule } from '../src/lambda-validator.ts'
import { VALUE_SHAPES } from '../src/lambda-value-shapes.ts'

const SEED = 20_261_125

test('the reference page names every operation of the model, and no other', (t) => {
  const page = readFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', 'lambda-api.md'), 'utf8')
  const table = page.slice(page.indexOf('## Operations'), page.indexOf('## Members'))
  const named = [...table.matchAll(/^\| ([A-Z][^|]*) \|/gm)].flatMap(([, cell = '']) => cell.split(', '))
  t.deepEqual(named.toSorted(), [...OPERATIONS.keys()].toSorted())
})

test('every shape that a member has is in the model', (t) => {
  const known = (shape: string) => VALUE_SHAPES[shape] !== undefined || STRUCTURE_SHAPES[shape] !== undefined
  for (const { name, members } of OPERATIONS.values())
    for (const member of members) t.true(known(member.shape), `${name}.${member.name}`)
  for (const [name, shape] of Object.entries({ ...STRUCTURE_SHAPES, ...VALUE_SHAPES })) {
    if (shape.type === 'structure') for (const member of shape.members) t.true(known(member.shape), `${name}.${member.name}`)
    if (shape.type === 'list') t.true(known(shape.of), name)
    if (shape.type === 'map') t.true(known(shape.key) && known(shape.value), name)
  }
})

test('a value that is nested thousands of times over is refused by name, not with an error of the node', (t) => {
  const nest = JSON.parse(`${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`)
  t.regex(
    brokenRule(nest, 'environment.variables', 'it must not'),
    /^Value '\{a=\{a=.*a=…\}+' at 'environment\.variables' failed/
  )
  t.regex(brokenRule({ a: [1, { b: 2 }] }, 'x', 'y'), /'\{a=\[1, \{b=2\.0\}\]\}'/)
})

test('each operation is found by its own path, whatever its members are', (t) => {
  const segment = fc.string({ minLength: 1, maxLength: 40 }).map(encodeURIComponent)
  for (const operation of OPERATIONS.values()) {
    fc.assert(
      fc.property(fc.array(segment, { minLength: 3, maxLength: 3 }), (values) => {
        const given = [...values]
        const path = `/${operation.segments.map((part) => (part.startsWith('{') ? given.shift() : part)).join('/')}`
        const query = operation.query === undefined ? '' : operation.query.join('=')
        const match = matchOperation(operation.method, path, query)
        const members = operation.segments.filter((part) => part.startsWith('{')).map((part) => part.slice(1, -1))
        const expected = members.map((_, index) => decodeURIComponent(values[index] as string))
        return (
          match?.operation === operation && JSON.stringify(members.map((name) => match.path[name])) === JSON.stringify(expected)
        )
      }),
      { seed: SEED, numRuns: 20 }
    )
  }
  t.pass()
})

test('whatever a body holds, reading it gives checked members or an error of the caller', (t) => {
  const operations = [...OPERATIONS.values()].filter((operation) => operation.hasBody)
  const request = { headers: {} } as IncomingMessage
  fc.assert(
    fc.property(fc.constantFrom(...operations), fc.infiniteStream(fc.jsonValue()), fc.jsonValue(), (operation, values, other) => {
      const members = operation.members.map(({ name }) => [name, values.next().value])
      for (const value of [Object.fromEntries(members), other]) {
        const path = Object.fromEntries(operation.members.filter((one) => one.in === 'path').map(({ name }) => [name, 'a']))
        try {
          readMembers(operation, request, { path, rawQuery: '', body: Buffer.from(JSON.stringify(value)) })
        } catch (error) {
          if ((error as { code?: string }).code !== 'INVALID_ARGUMENT') throw error
        }
      }
    }),
    { seed: SEED, numRuns: 1_000 }
  )
  t.pass()
})
