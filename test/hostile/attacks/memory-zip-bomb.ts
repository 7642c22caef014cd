import { attack, MEMORY } from '../_attack.ts'

/** A quarter of a gigabyte of zeros out of 256 KB, kept. */
export default attack({
  family: 'memory',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const packed = await new Response(new ReadableStream({ pull(c) { this.n = (this.n ?? 0) + 1; if (this.n > 256) c.close(); else c.enqueue(new Uint8Array(1048576)) } }).pipeThrough(new CompressionStream('gzip'))).bytes()
  const kept = []
  for await (const part of new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'))) kept.push(part)
  return kept.length
}
`,
  timeoutSeconds: 15,
  expected: { errors: [MEMORY, 'Sandbox.Timedout', 'RangeError', 'Error'] }
})
