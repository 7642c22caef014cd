import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { eventually, up } from '../_daemon.ts'
import { invoke, lambdaOf } from '../_functions.ts'
import { deploy } from './_deployed.ts'

const FETCH = {
  'index.mjs': `export const handler = async ({ url }) => {
  try {
    const response = await fetch(url, { method: 'POST', body: JSON.stringify({ from: 'inside' }) })
    return { status: response.status, ...(await response.json()) }
  } catch (error) {
    return { error: error.message, cause: error.cause?.message }
  }
}`
}

async function outside(t: ExecutionContext): Promise<string> {
  const server = createServer((request, response) => {
    request.resume().once('end', () => response.writeHead(202).end(JSON.stringify({ got: request.method })))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

test('what is closed by default is open where the operator says so, and only for functions that may', async (t) => {
  const url = await outside(t)
  const node = await up(t, { args: ['--allow-egress', '127.0.0.0/8'] })
  const lambda = await lambdaOf(node)
  await deploy({ node, lambda }, 'caller', FETCH)
  t.deepEqual((await invoke(lambda, 'caller', { url })).result, { status: 202, got: 'POST' })
  const closed = (await invoke(lambda, 'caller', { url: 'http://10.0.0.1/' })).result as { error: string; cause: string }
  t.is(closed.error, 'fetch failed')
  t.regex(closed.cause, /10\.0\.0\.1: private is closed to functions on this node/)
})

test('without leave a function reaches nothing of this machine, and its log says what it tried', async (t) => {
  const url = await outside(t)
  const node = await up(t)
  const lambda = await lambdaOf(node)
  await deploy({ node, lambda }, 'caller', FETCH)
  for (const target of [url, `${node.http}/v1/node`, 'http://localhost/', 'http://[::ffff:127.0.0.1]/']) {
    const { error, cause } = (await invoke(lambda, 'caller', { url: target })).result as { error: string; cause: string }
    t.is(error, 'fetch failed', target)
    t.regex(cause, /loopback is closed/, target)
  }
  const logs = await eventually(
    () => node.cli('logs', 'caller'),
    ({ stdout }) => stdout.includes('egress denied')
  )
  t.regex(logs.stdout, /egress denied: http:\/\/127\.0\.0\.1:\d+ is 127\.0\.0\.1: loopback/)
})
