import { attack } from '../_attack.ts'

/** A status that HTTP does not know. */
export default attack({
  family: 'output',
  http: true,
  code: `export const handler = async (event) => {
  if (event.rawPath !== '/attack') return 'harmless'
  return { statusCode: 99999999, headers: {}, body: 'x' }
}
`,
  expected: { statuses: [502] }
})
