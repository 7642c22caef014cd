import { Hono } from 'hono'
import { handle, streamHandle } from 'hono/aws-lambda'
import { stream } from 'hono/streaming'
import { BINARY, echo, HTML, LARGE } from './shared.mjs'

const app = new Hono()
app.get('/hello', (c) => c.text(`Hello, ${c.req.query('name') ?? 'nobody'}`))
app.get('/json', (c) => c.json({ a: [1, 2, { b: null }], c: 'é' }))
app.get('/html', (c) => c.html(HTML))
app.get('/binary', (c) => c.body(BINARY, 200, { 'content-type': 'application/octet-stream' }))
app.get('/large', (c) => c.text(LARGE))
app.get('/none', (c) => c.body(null, 204))
app.get('/status/:code', (c) => c.text(`status ${c.req.param('code')}`, Number(c.req.param('code'))))
app.get('/redirect', (c) => c.redirect('/hello?name=moved'))
app.get('/cookies', (c) => {
  c.header('set-cookie', 'a=1; Path=/', { append: true })
  c.header('set-cookie', 'b=2; HttpOnly; SameSite=Lax', { append: true })
  return c.text('cookies')
})
app.get('/headers', (c) => c.text('headers', 200, { 'x-one': '1', 'X-Upper': 'Kept', 'cache-control': 'no-store', vary: 'accept' }))
app.get('/stream', (c) =>
  stream(c, async (out) => {
    for (const word of ['one ', 'two ', 'three']) await out.write(word)
  })
)
app.get('/users/:id/books/:book', (c) => c.json(c.req.param()))
app.all('/echo/*', async (c) => {
  const url = new URL(c.req.url)
  const body = new Uint8Array(await c.req.arrayBuffer())
  return c.json(echo(c.req.method, url.pathname + url.search, Object.fromEntries(c.req.raw.headers), body))
})
app.get('/error', () => {
  throw new Error('it broke')
})
app.onError((error, c) => c.text(`caught: ${error.message}`, 500))

export const handler = handle(app)
// The comparison loads this file outside of functions too, where that global is not.
export const streaming = globalThis.awslambda === undefined ? undefined : streamHandle(app)
export const web = { fetch: (request) => app.fetch(request) }
