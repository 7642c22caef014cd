import { attack, MEMORY, TIMEOUT } from '../_attack.ts'

/** Buffers that grow by being handed on, resizable to fixed and twice as large each time. */
export default attack({
  family: 'memory',
  timeoutSeconds: 5,
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const kept = []
  for (;;) {
    let buffer = new ArrayBuffer(0, { maxByteLength: 1 << 26 })
    for (let bytes = 1 << 20; bytes <= 1 << 26; bytes *= 2) buffer = buffer.transfer(bytes)
    new Uint8Array(buffer).fill(1)
    kept.push(buffer.transferToFixedLength())
  }
}
`,
  expected: { errors: [MEMORY, 'RangeError', TIMEOUT] }
})
