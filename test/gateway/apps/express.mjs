import express from 'express'
import serverless from 'serverless-http'
import { BINARY, echo, HTML, LARGE } from './shared.mjs'

const app = express()
app.use(express.raw({ type: () => true, limit: '10mb' }))
app.get('/hello', (request, response) => response.type('text').send(`Hello, ${request.query.name ?? 'nobody'}`))
app.get('/json', (_, response) => response.json({ a: [1, 2, { b: null }], c: 'é' }))
app.get('/html', (_, response) => response.send(HTML))
app.get('/binary', (_, response) => response.type('application/octet-stream').send(Buffer.from(BINARY)))
app.get('/large', (_, response) => response.type('text').send(LARGE))
app.get('/none', (_, response) => response.status(204).end())
app.get('/status/:code', (request, response) => response.status(Number(request.params.code)).send(`status ${request.params.code}`))
app.get('/redirect', (_, response) => response.redirect('/hello?name=moved'))
app.get('/cookies', (_, response) => response.cookie('a', '1').cookie('b', '2', { httpOnly: true, sameSite: 'lax' }).send('cookies'))
app.get('/headers', (_, response) => response.set({ 'x-one': '1', 'X-Upper': 'Kept', 'cache-control': 'no-store' }).vary('accept').send('headers'))
app.get('/users/:id/books/:book', (request, response) => response.json(request.params))
app.all('/echo{/*rest}', (request, response) => {
  response.json(echo(request.method, request.originalUrl, request.headers, Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)))
})
app.get('/error', () => {
  throw new Error('it broke')
})
app.use((error, _request, response, _next) => response.status(500).type('text').send(`caught: ${error.message}`))

export { app }
export const handler = serverless(app, { binary: ['application/octet-stream'] })
