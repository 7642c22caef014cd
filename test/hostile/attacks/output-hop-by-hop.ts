import { attack } from '../_attack.ts'

/** Headers that would frame the response anew. */
export default attack({
  family: 'output',
  http: true,
  code: `export const handler = async (event) => {
  if (event.rawPath !== '/attack') return 'harmless'
  return { statusCode: 200, headers: { 'transfer-encoding': 'chunked', 'content-length': '99999', connection: 'keep-alive, x', 'x-peerless-node': 'forged' }, body: 'short' }
}
`,
  expected: { statuses: [200, 502] }
})
