import express from 'express'
import serverless from 'serverless-http'
import { http } from './_http.mjs'

const app = express()
app.disable('x-powered-by')
app.use(express.json(), express.urlencoded({ extended: true }))
app.get('/users/:id', (request, response) => response.json({ id: request.params.id, query: request.query, ip: typeof request.ip, secure: request.secure }))
app.post('/json', (request, response) => response.status(201).set('X-Made', 'yes').send({ got: request.body }))
app.post('/form', (request, response) => response.type('text').send(JSON.stringify(request.body)))
app.get('/cookie', (_request, response) => response.cookie('a', 'b', { httpOnly: true }).redirect('/there'))
app.get('/binary', (_request, response) => response.type('application/octet-stream').send(Buffer.from([1, 2, 255])))
app.get('/fail', () => {
  throw new Error('planted')
})
app.use((error, _request, response, _next) => response.status(500).json({ error: error.message, type: error.type }))
const run = serverless(app, { binary: ['application/octet-stream'] })
export const handler = async (event) => await run(event, {})
export const events = [
  http('GET', '/users/7', { rawQueryString: 'a=1&a=2&b=%C3%B1', headers: { 'x-forwarded-proto': 'https' } }),
  http('POST', '/json', { body: '{"a":[1,{"b":"ñ"}]}', headers: { 'content-type': 'application/json', 'content-length': '20' } }),
  http('POST', '/json', { body: '{"a":', headers: { 'content-type': 'application/json', 'content-length': '5' } }),
  http('POST', '/form', { body: 'a=1&b[c]=2', headers: { 'content-type': 'application/x-www-form-urlencoded', 'content-length': '10' } }),
  http('GET', '/cookie'),
  http('GET', '/binary'),
  http('GET', '/fail'),
  http('GET', '/nowhere')
]
