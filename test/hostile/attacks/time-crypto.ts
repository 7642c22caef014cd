import { attack, TIMEOUT } from '../_attack.ts'

/** Work for other threads, as heavy as it is allowed and as much as is taken. */
export default attack({
  family: 'time',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const key = await crypto.subtle.importKey('raw', new Uint8Array(8), 'PBKDF2', false, ['deriveBits'])
  const params = { name: 'PBKDF2', salt: new Uint8Array(8), iterations: 1000000, hash: 'SHA-512' }
  await Promise.allSettled(Array.from({ length: 2000 }, () => crypto.subtle.deriveBits(params, key, 512)))
  return 'done'
}
`,
  timeoutSeconds: 2,
  expected: { errors: [TIMEOUT] }
})
