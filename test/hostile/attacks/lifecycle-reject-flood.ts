import { attack, TIMEOUT } from '../_attack.ts'

/** A hundred thousand rejections that nobody handles. */
export default attack({
  family: 'lifecycle',
  timeoutSeconds: 3,
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  for (let i = 0; i < 100_000; i++) Promise.reject(new Error('r' + i))
  return new Promise(() => {})
}
`,
  expected: { errors: ['Runtime.UnhandledPromiseRejection', TIMEOUT] }
})
