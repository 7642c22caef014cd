import { attack } from '../_attack.ts'

/** Calls the glue's own globals with what they do not expect. */
export default attack({
  family: 'escape',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const results = []
  for (const name of Object.getOwnPropertyNames(globalThis).filter((one) => one.startsWith('__peerless'))) {
    const value = globalThis[name]
    for (const values of [[], [{}], [null, () => {}], [new Proxy({}, { get() { throw 1 } })]]) {
      try { const made = value?.(...values); if (typeof made === 'function') results.push(name) } catch { /* goes on */ }
    }
  }
  return results
}
`,
  expected: { results: [[]] }
})
