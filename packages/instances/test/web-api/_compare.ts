import { runInThisContext } from 'node:vm'
import type { ExecutionContext } from 'ava'
import { share } from '../_instances.ts'

/** A result in text, by the same code inside an isolate and in Node. */
const SHOW = `
const show = (value, depth = 0) => {
  if (value === undefined) return 'undefined'
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value)
  if (typeof value === 'bigint') return value + 'n'
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'symbol') return value.toString()
  if (typeof value === 'function') return 'function ' + value.name
  if (depth > 6) return '...'
  if (value instanceof Date) return 'Date ' + value.getTime()
  if (value instanceof RegExp) return 'RegExp ' + value
  if (value instanceof ArrayBuffer) return 'ArrayBuffer ' + new Uint8Array(value).toHex()
  if (ArrayBuffer.isView(value)) return value.constructor.name + ' ' + new Uint8Array(value.buffer, value.byteOffset, value.byteLength).toHex()
  if (value instanceof Error) return value.name + ' (' + value.constructor.name + ')'
  if (Array.isArray(value)) return '[' + value.map((item) => show(item, depth + 1)).join(', ') + ']'
  if (value instanceof Map) return 'Map ' + show([...value], depth + 1)
  if (value instanceof Set) return 'Set ' + show([...value], depth + 1)
  const tag = Object.prototype.toString.call(value).slice(8, -1)
  const members = Object.keys(value).sort().map((key) => key + ': ' + show(value[key], depth + 1))
  return (tag === 'Object' ? '' : tag + ' ') + '{' + members.join(', ') + '}'
}
const collect = async (stream) => { const parts = []; for await (const part of stream) parts.push(part); return parts }
const bytes = (...list) => Uint8Array.from(list)
const utf8 = (text) => new TextEncoder().encode(text)
const thrown = (run) => { try { return run() } catch (error) { return error } }
const piped = async (text, ...transforms) => {
  let stream = new Blob([text]).stream()
  for (const transform of transforms) stream = stream.pipeThrough(transform)
  return await new Response(stream).text()
}
const turn = () => new Promise((resolve) => setTimeout(resolve, 2))
`

function script(cases: readonly string[]): string {
  return `${SHOW}
const cases = [${cases.map((expression) => `async () => (${expression})`).join(',\n')}]
const run = async () => {
  const results = []
  for (const one of cases) {
    const late = new Promise((resolve) => setTimeout(resolve, 3000, 'no answer'))
    results.push(await Promise.race([Promise.try(one).then(show, (error) => 'throws ' + show(error)), late]))
  }
  return results
}`
}

/** Each expression inside a real executor and in Node itself; both must say the same. */
export async function compare(t: ExecutionContext, cases: readonly string[]): Promise<void> {
  const { define } = await share()
  const source = script(cases)
  const fn = define(`${source}\nexports.handler = run`, { timeoutSeconds: 30 })
  const { json } = await fn.result()
  if (!Array.isArray(json)) throw new Error(JSON.stringify(json))
  const here = (await runInThisContext(`(() => {${source}\nreturn run()})()`)) as string[]
  const different = cases.flatMap((expression, index) =>
    json[index] === here[index] ? [] : [{ expression, inside: json[index], node: here[index] }]
  )
  const same = cases.length - different.length
  t.log(`${same} of ${cases.length} expressions say the same as in Node ${process.versions.node}`)
  t.deepEqual(different, [])
}
