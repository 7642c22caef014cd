import { attack } from '../_attack.ts'

/** eval, Function and their async and generator cousins. */
export default attack({
  family: 'escape',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const makers = [Function, (async () => {}).constructor, (function* () {}).constructor, (async function* () {}).constructor, new Proxy(Function, {})]
  const types = []
  for (const maker of makers) {
    const made = maker('return [typeof process.dlopen, typeof process.mainModule, typeof __dirname, typeof ivm].join()')()
    types.push(typeof made === 'string' ? made : String((await made.next?.())?.value ?? made.next?.().value ?? (await made)))
  }
  types.push((0, eval)('[typeof process.dlopen, typeof ivm].join()'))
  return [...new Set(types.flatMap((text) => text.split(',')))]
}
`,
  expected: { results: [['undefined']] }
})
