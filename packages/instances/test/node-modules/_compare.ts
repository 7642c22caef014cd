import { createRequire } from 'node:module'
import { isDeepStrictEqual } from 'node:util'
import type { ExecutionContext } from 'ava'
import { share } from '../_instances.ts'

/** An expression, perhaps with `await`, whose value is compared as JSON; `require` and the globals of Node are there. */
export type Expression = string

const require = createRequire(import.meta.url)

/** What makes one function of expressions that tells of each its value or error, the same source for both sides. */
function sourceOf(expressions: readonly Expression[]): string {
  const list = expressions.map((expression) => `async () => (${expression})`).join(',\n')
  return `const told = (error) => error && typeof error === 'object' ? { name: error.name, code: error.code, message: error.message } : { thrown: String(error) }
const plain = (value) => value === undefined ? 'undefined' : typeof value === 'bigint' ? value + 'n' : typeof value === 'number' && !Number.isFinite(value) ? String(value) : value
const list = [${list}]
const run = async () => { const out = []; for (const one of list) { try { out.push({ value: plain(await one()) }) } catch (error) { out.push({ error: told(error) }) } } return out }`
}

/** Evaluates each expression in an executor and in the Node that runs the test, and compares. Returns how many agreed: all. */
export async function compare(t: ExecutionContext, expressions: readonly Expression[], memoryMb = 128): Promise<number> {
  const source = sourceOf(expressions)
  const here = (await new Function('require', `${source}\nreturn run()`)(require)) as unknown[]
  const { define } = await share()
  const fn = define(`${source}\nexports.handler = run`, { timeoutSeconds: 30, memoryMb })
  const { json } = await fn.result({})
  const there = json as unknown[]
  if (!Array.isArray(there)) throw new Error(JSON.stringify(json))
  const differences = expressions.flatMap((expression, index) => {
    const expected = JSON.parse(JSON.stringify(here[index])) as unknown
    return isDeepStrictEqual(there[index], expected) ? [] : [{ expression, there: there[index], node: expected }]
  })
  t.deepEqual(differences, [])
  return expressions.length
}
