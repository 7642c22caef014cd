import { attack } from '../_attack.ts'

/** Rejects after it has answered. */
export default attack({
  family: 'lifecycle',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  Promise.resolve().then(() => { throw new Error('late') })
  return 'answered'
}
`,
  expected: { errors: ['Runtime.UnhandledPromiseRejection'], results: ['answered'] }
})
