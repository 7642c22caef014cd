import { attack } from '../_attack.ts'

/** One resizable buffer that grows to a gigabyte: isolated-vm does not count it. */
export default attack({
  family: 'memory',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const buffer = new ArrayBuffer(8, { maxByteLength: 2 ** 30 })
  buffer.resize(2 ** 30)
  new Uint8Array(buffer).fill(1)
  return buffer.byteLength
}
`,
  expected: { errors: ['RangeError'] }
})
