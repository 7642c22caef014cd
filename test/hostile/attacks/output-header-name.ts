import { attack } from '../_attack.ts'

/** A header name with a colon and a line break. */
export default attack({
  family: 'output',
  http: true,
  code: `export const handler = async (event) => {
  if (event.rawPath !== '/attack') return 'harmless'
  return { statusCode: 200, headers: { 'x-a: b\\r\\nx-c': 'd' }, body: 'x' }
}
`,
  expected: { statuses: [502] }
})
