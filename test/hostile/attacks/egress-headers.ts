import { attack } from '../_attack.ts'

/** Bytes in methods, headers and URLs that would be another request on the wire. */
export default attack({
  family: 'egress',
  code: `export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const tries = [
    () => fetch('http://127.0.0.1/', { headers: { 'x\\r\\nHost': 'evil' } }),
    () => fetch('http://127.0.0.1/', { headers: { x: 'y\\r\\nHost: evil' } }),
    () => fetch('http://127.0.0.1/', { method: 'GET / HTTP/1.1\\r\\nHost: evil\\r\\n\\r\\nGET' }),
    () => fetch('http://127.0.0.1/\\r\\nHost: evil'),
    () => fetch('http://127.0.0.1/', { headers: new Headers([['a', 'x'.repeat(1e6)]]) }),
    () => fetch('http://127.0.0.1/', { method: 'CONNECT' })
  ]
  const results = await Promise.allSettled(tries.map((run) => run()))
  return results.filter(({ status, reason }) => status === 'fulfilled' || !(reason instanceof TypeError)).length
}
`,
  expected: { results: [0] }
})
