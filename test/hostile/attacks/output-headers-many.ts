import { attack } from '../_attack.ts'

/** A hundred thousand headers. */
export default attack({
  family: 'output',
  http: true,
  timeoutSeconds: 3,
  code: `export const handler = async (event) => {
  if (event.rawPath !== '/attack') return 'harmless'
  return { statusCode: 200, headers: Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => ['x-' + i, 'v'])), body: 'x' }
}
`,
  expected: { statuses: [502] }
})
