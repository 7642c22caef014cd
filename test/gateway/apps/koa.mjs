import Koa from 'koa'
import serverless from 'serverless-http'
import { BINARY, echo, HTML, LARGE } from './shared.mjs'

const app = new Koa()
app.silent = true
app.use(async (context) => {
  const { path } = context
  const pieces = []
  for await (const piece of context.req) pieces.push(piece)
  const body = Buffer.concat(pieces)
  if (path === '/hello') context.body = `Hello, ${context.query.name ?? 'nobody'}`
  else if (path === '/json') context.body = { a: [1, 2, { b: null }], c: 'é' }
  else if (path === '/html') context.body = HTML
  else if (path === '/binary') {
    context.type = 'application/octet-stream'
    context.body = Buffer.from(BINARY)
  } else if (path === '/large') context.body = LARGE
  else if (path === '/none') context.status = 204
  else if (path.startsWith('/status/')) {
    context.status = Number(path.slice(8))
    context.body = `status ${path.slice(8)}`
  } else if (path === '/redirect') context.redirect('/hello?name=moved')
  else if (path === '/cookies') {
    // serverless-http calls every request encrypted; without saying so koa would mark its cookies by that.
    context.cookies.set('a', '1', { httpOnly: false, secure: false })
    context.cookies.set('b', '2', { sameSite: 'lax', secure: false })
    context.body = 'cookies'
  } else if (path === '/headers') {
    context.set({ 'x-one': '1', 'X-Upper': 'Kept', 'cache-control': 'no-store' })
    context.vary('accept')
    context.body = 'headers'
  } else if (path.startsWith('/echo')) context.body = echo(context.method, context.url, context.headers, body)
  else if (path === '/error') throw new Error('it broke')
})

export const listener = app.callback()
export const handler = serverless(app, { binary: ['application/octet-stream'] })
