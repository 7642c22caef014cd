import { Hono } from 'hono'
import { handle } from 'hono/aws-lambda'
import { cors } from 'hono/cors'
import { HTTPException } from 'hono/http-exception'

const app = new Hono()
app.use('*', cors())
app.get('/users/:id', (c) => c.json({ id: c.req.param('id'), q: c.req.query('q') ?? null }))
app.post('/echo', async (c) => c.text((await c.req.text()).toUpperCase(), 201, { 'x-made': 'yes' }))
app.get('/cookie', (c) => {
  c.header('set-cookie', 'a=1; Path=/')
  return c.html('<p>hi</p>')
})
app.get('/fail', () => {
  throw new HTTPException(418, { message: 'teapot' })
})
const handle2 = handle(app)
export const handler = async (event) => await handle2(event, {})

const http = (method, rawPath, extra = {}) => ({
  version: '2.0',
  routeKey: '$default',
  rawPath,
  rawQueryString: '',
  headers: { host: 'h.example' },
  requestContext: { http: { method, path: rawPath }, domainName: 'h.example' },
  isBase64Encoded: false,
  ...extra
})
export const events = [
  http('GET', '/users/7', { rawQueryString: 'q=x%20y' }),
  http('POST', '/echo', { body: 'hello ñ' }),
  http('GET', '/cookie'),
  http('GET', '/fail'),
  http('GET', '/nowhere')
]
