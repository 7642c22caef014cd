import { attack } from '../_attack.ts'

/** A header value with a line break and a second response. */
export default attack({
  family: 'output',
  http: true,
  code: `export const handler = async (event) => {
  if (event.rawPath !== '/attack') return 'harmless'
  return { statusCode: 200, headers: { 'x-a': 'b\\r\\nset-cookie: stolen=1\\r\\n\\r\\n<html>' }, body: 'x' }
}
`,
  expected: { statuses: [502] }
})
