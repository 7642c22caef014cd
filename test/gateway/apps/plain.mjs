import { BINARY, echo, HTML, LARGE } from './shared.mjs'

/** No framework: one function, used by node:http and by a handler of payload 2.0. */
export function answer(method, url, headers, body) {
  const [path, query = ''] = url.split('?')
  const text = (status, value, more = {}) => ({ status, headers: { 'content-type': 'text/plain; charset=utf-8', ...more }, body: value })
  if (path === '/hello') return text(200, `Hello, ${new URLSearchParams(query).get('name') ?? 'nobody'}`)
  if (path === '/json') return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ a: [1, 2, { b: null }], c: 'é' }) }
  if (path === '/html') return { status: 200, headers: { 'content-type': 'text/html; charset=utf-8' }, body: HTML }
  if (path === '/binary') return { status: 200, headers: { 'content-type': 'application/octet-stream' }, body: BINARY }
  if (path === '/large') return text(200, LARGE)
  if (path === '/none') return { status: 204, headers: {}, body: '' }
  if (path.startsWith('/status/')) return text(Number(path.slice(8)), `status ${path.slice(8)}`)
  if (path === '/redirect') return text(302, 'elsewhere', { location: '/hello?name=moved' })
  if (path === '/cookies') return text(200, 'cookies', { 'set-cookie': ['a=1; Path=/', 'b=2; HttpOnly; SameSite=Lax'] })
  if (path === '/headers') return text(200, 'headers', { 'x-one': '1', 'X-Upper': 'Kept', 'cache-control': 'no-store', vary: 'accept', 'x-latin': 'caf\u00e9' })
  if (path.startsWith('/echo')) {
    return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(echo(method, url, headers, body)) }
  }
  if (path === '/error') return text(500, 'it broke')
  return text(404, `nothing at ${url}`)
}

export const handler = async (event) => {
  const query = event.rawQueryString === '' ? '' : `?${event.rawQueryString}`
  const body = Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8')
  const { status, headers, body: answered } = answer(
    event.requestContext.http.method,
    event.rawPath + query,
    // Where payload 2.0 has them.
    event.cookies === undefined ? event.headers : { ...event.headers, cookie: event.cookies.join('; ') },
    body
  )
  const { 'set-cookie': cookies, ...others } = headers
  const binary = typeof answered !== 'string'
  return { statusCode: status, headers: others, cookies, isBase64Encoded: binary, body: binary ? Buffer.from(answered).toString('base64') : answered }
}
