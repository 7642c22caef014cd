import { attack } from '../_attack.ts'

/** Results that are no data. */
export default attack({
  family: 'output',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  return { f() {}, s: Symbol('s'), u: undefined, n: NaN, d: new Date(NaN), m: new Map([[1, 2]]), r: /x/, nested: [undefined, () => {}] }
}
`,
  expected: { results: [{ n: null, d: null, m: {}, r: {}, nested: [null, null] }] }
})
