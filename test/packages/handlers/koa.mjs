import Koa from 'koa'
import serverless from 'serverless-http'
import { http } from './_http.mjs'

const app = new Koa()
app.silent = true
app.use(async (context, next) => {
  await next()
  context.set('x-after', 'yes')
})
app.use(async (context) => {
  if (context.path === '/json') context.body = { query: context.query, method: context.method, host: context.host }
  else if (context.path === '/text') context.body = 'text'
  else if (context.path === '/fail') context.throw(409, 'conflict')
  else if (context.path === '/stream') {
    const { Readable } = await import('node:stream')
    context.body = Readable.from(['a', 'b'])
  }
})
const run = serverless(app)
export const handler = async (event) => await run(event, {})
export const events = [http('GET', '/json', { rawQueryString: 'a=1' }), http('PUT', '/text'), http('GET', '/fail'), http('GET', '/stream'), http('GET', '/none')]
