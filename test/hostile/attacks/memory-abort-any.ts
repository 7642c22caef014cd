import { attack, MEMORY, TIMEOUT } from '../_attack.ts'

/** Signals that depend on signals that depend on timers, without end. */
export default attack({
  family: 'memory',
  timeoutSeconds: 5,
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const kept = [], { signal } = new AbortController()
  for (;;) kept.push(AbortSignal.any([signal, AbortSignal.timeout(1e6)]))
}
`,
  expected: { errors: ['RangeError', MEMORY, TIMEOUT] }
})
