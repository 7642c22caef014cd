import { attack, TIMEOUT } from '../_attack.ts'

/** 64 MB of zeros out of 64 KB: they unfold piece by piece, and what nobody keeps takes no memory. */
export default attack({
  family: 'memory',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  let left = 64
  const zeros = new ReadableStream({ pull(c) { if (left-- === 0) c.close(); else c.enqueue(new Uint8Array(1048576)) } })
  const packed = await new Response(zeros.pipeThrough(new CompressionStream('gzip'))).bytes()
  let bytes = 0
  for await (const part of new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'))) bytes += part.length
  return bytes
}
`,
  timeoutSeconds: 15,
  expected: { results: [67_108_864], errors: [TIMEOUT] }
})
