import { attack } from '../_attack.ts'

/** URLs that are no requests to a web server. */
export default attack({
  family: 'egress',
  code: `const urls = ['file:///etc/passwd', 'ftp://example.com', 'gopher://127.0.0.1:6379/_x', 'unix:/tmp/x', 'http+unix://x', 'ws://127.0.0.1', 'node:fs', 'blob:x',
  'http://user:pass@127.0.0.1', 'http://127.0.0.1:6379', 'http://127.0.0.1:22', 'http://127.0.0.1:25', 'about:blank', 'javascript:1']
export const handler = async (event) => {
  if (!event.attack) return 'harmless'
  const results = await Promise.allSettled(urls.map((url) => fetch(url)))
  return urls.filter((_, index) => results[index].status === 'fulfilled')
}
`,
  timeoutSeconds: 10,
  expected: { results: [[]] }
})
