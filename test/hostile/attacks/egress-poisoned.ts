import { attack } from '../_attack.ts'

/** Intrinsics that the web API inside uses, poisoned before it is first used: only this function may suffer. */
export default attack({
  family: 'egress',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  let failures
  for (const target of [Array.prototype, Map.prototype, String.prototype, Promise, JSON, Object, Uint8Array.prototype, Reflect, Function.prototype]) {
    for (const name of Object.getOwnPropertyNames(target)) {
      if (name === 'constructor' || name === 'then') continue
      try { target[name] = () => { throw globalThis.crypto } } catch (error) { failures = error }
    }
  }
  try { await fetch('http://127.0.0.1/', { body: new ReadableStream() }) } catch (error) { failures = error }
  try { await crypto.subtle.digest('SHA-256', new Uint8Array(1)) } catch (error) { failures = error }
  try { new Response(new Blob(['x'])).formData() } catch (error) { failures = error }
  return failures === undefined ? 'whole' : 'poisoned'
}
`,
  expected: {
    results: ['poisoned', 'whole', null],
    errors: [
      'Error',
      'TypeError',
      'RangeError',
      'Crypto',
      'object',
      'Runtime.UnhandledPromiseRejection',
      'Runtime.ExitError',
      'Sandbox.Timedout'
    ]
  }
})
