import { attack } from '../_attack.ts'

/** Properties on Object.prototype that options and descriptors would inherit. */
export default attack({
  family: 'escape',
  code: `for (const [name, value] of Object.entries({ get: undefined, set: undefined, value: 'evil', shared: true, maxByteLength: 2 ** 32, maximum: 65536, then: undefined, timeout: 1e9, reference: true, copy: true, promise: true })) {
  Object.defineProperty(Object.prototype, name, { value, writable: true, configurable: true })
}
export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  let large = 0
  try { large = new ArrayBuffer(8, {}).maxByteLength } catch { /* goes on */ }
  return large <= 128 * 1_048_576
}
`,
  expected: { errors: ['TypeError', 'RangeError'], results: [true] }
})
