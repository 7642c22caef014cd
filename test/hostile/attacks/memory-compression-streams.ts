import { attack } from '../_attack.ts'

/** Compression streams hold memory outside the isolate's heap: their number is bounded. */
export default attack({
  family: 'memory',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  let opened = 0
  const kept = []
  for (let index = 0; index < 500; index++) {
    const stream = new CompressionStream('gzip')
    kept.push(stream)
    stream.readable.getReader().read().catch(() => {})
    await stream.writable.getWriter().write(new Uint8Array(10)).then(() => { opened++ }, () => {})
  }
  return opened
}
`,
  timeoutSeconds: 10,
  expected: { results: [32] }
})
