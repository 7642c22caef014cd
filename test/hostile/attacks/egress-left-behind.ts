import { attack } from '../_attack.ts'

/** Requests that are begun and left, call after call: each ends with its invocation. */
export default attack({
  family: 'egress',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  for (let index = 0; index < 200; index++) fetch('http://10.0.0.1/' + index, { method: 'POST', body: 'x'.repeat(20000) }).catch(() => {})
  return 'left'
}
`,
  timeoutSeconds: 5,
  expected: { results: ['left'] }
})
