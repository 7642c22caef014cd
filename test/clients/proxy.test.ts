import { spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:https'
import { join } from 'node:path'
import { connect } from 'node:tls'
import {
  CreateFunctionCommand,
  CreateFunctionUrlConfigCommand,
  GetFunctionCommand,
  InvokeWithResponseStreamCommand,
  LambdaClient,
  type Runtime
} from '@aws-sdk/client-lambda'
import test, { type ExecutionContext } from 'ava'
import { type Daemon, dataFolder, run, up } from '../_daemon.ts'
import { invoke, ROLE, zipOf } from '../_functions.ts'
import { freePort } from './_free-port.ts'

/** The examples as a person would take them over, but for the names of what is on this machine. */
const EXAMPLES = join(import.meta.dirname, '../../examples/service')
const MB = 1_048_576
/** Between two parts of a stream; a proxy that keeps the first brings both at once. */
const PAUSE_MS = 2_000
const SOURCE = `
  export const handler = async (event) =>
    event.headers === undefined ? { size: JSON.stringify(event).length, same: event } : event.headers
  export const streamed = awslambda.streamifyResponse(async (event, stream) => {
    stream.write('first')
    await new Promise((resolve) => setTimeout(resolve, event.ms))
    stream.end('last')
  })`

interface Certificate {
  readonly certificate: string
  readonly key: string
}

async function selfSigned(folder: string): Promise<Certificate> {
  const [certificate, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  const { code, stderr } = await run('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', certificate],
    ...subject
  ])
  if (code !== 0) throw new Error(stderr)
  return { certificate, key }
}

function replaced(text: string, ...changes: [from: string, to: string][]): string {
  for (const [from, to] of changes) {
    if (!text.includes(from)) throw new Error(`the example has no '${from}'`)
    text = text.replaceAll(from, to)
  }
  return text
}

/** What is run, with its arguments; undefined: it is not installed. */
type Proxy = (folder: string, node: string, port: number, tls: Certificate) => Promise<[command: string, ...args: string[]]>

const nginx: Proxy = async (folder, node, port, { certificate, key }) => {
  const site = replaced(
    await readFile(join(EXAMPLES, 'nginx.conf'), 'utf8'),
    ['127.0.0.1:8787', node],
    ['listen 443 ssl', `listen 127.0.0.1:${port} ssl`],
    ['functions.example.com;', 'localhost;'],
    ['/etc/ssl/functions.example.com.pem', certificate],
    ['/etc/ssl/functions.example.com.key', key]
  )
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`)
  const whole = `worker_processes 1; pid ${folder}/nginx.pid; events {} http { access_log off; ${temporary.join(' ')}\n${site}\n}`
  await writeFile(join(folder, 'nginx.conf'), whole)
  return ['nginx', '-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr', '-g', 'daemon off;']
}

const caddy: Proxy = async (folder, node, port, { certificate, key }) => {
  const site = replaced(
    await readFile(join(EXAMPLES, 'Caddyfile'), 'utf8'),
    ['127.0.0.1:8787', node],
    ['functions.example.com {', `https://localhost:${port} {\n\tbind 127.0.0.1\n\ttls ${certificate} ${key}`]
  )
  await writeFile(join(folder, 'Caddyfile'), `{\n\tadmin off\n\tauto_https disable_redirects\n}\n${site}`)
  return ['caddy', 'run', '--config', join(folder, 'Caddyfile'), '--adapter', 'caddyfile']
}

/** Starts it; resolves when it takes connections. */
async function behind(t: ExecutionContext, proxy: Proxy, node: Daemon): Promise<{ root: string; ca: Buffer }> {
  const folder = await dataFolder(t)
  const tls = await selfSigned(folder)
  const port = await freePort()
  const [command, ...args] = await proxy(folder, new URL(node.http).host, port, tls)
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, HOME: folder } })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  t.teardown(async () => {
    child.kill('SIGTERM')
    await ended
  })
  const ca = await readFile(tls.certificate)
  const open = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port, ca, servername: 'localhost' }, () => resolve(true))
      socket.once('error', () => resolve(false)).once('close', () => resolve(false))
      socket.once('secureConnect', () => socket.destroy())
    })
  while (!(await open())) if (child.exitCode !== null) throw new Error(`${command} ended: ${said}`)
  return { root: `https://localhost:${port}`, ca }
}

function got(url: string, agent: Agent): Promise<{ status: number; body: Buffer }> {
  return new Promise((resolve, reject) => {
    request(url, { agent }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.once('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }))
    })
      .once('error', reject)
      .end()
  })
}

for (const [name, proxy, version] of [
  ['nginx', nginx, '-v'],
  ['caddy', caddy, 'version']
] as const) {
  test(`the example for ${name}: signed calls, large bodies, streams and URLs come through with TLS`, async (t) => {
    t.timeout(120_000)
    const installed = await run(name, [version]).catch(() => undefined)
    if (installed === undefined) {
      t.pass()
      t.log(`skipped: ${name} is not installed`)
      return
    }
    const node = await up(t)
    const { root, ca } = await behind(t, proxy, node)
    const agent = new Agent({ ca, keepAlive: true })
    t.teardown(() => agent.destroy())
    const client = new LambdaClient({
      endpoint: root,
      region: 'eu-somewhere-1',
      credentials: await node.keys(),
      maxAttempts: 1,
      requestHandler: { httpsAgent: agent }
    })
    const create = (FunctionName: string, Handler: string) =>
      client.send(
        new CreateFunctionCommand({
          FunctionName,
          Role: ROLE,
          Runtime: 'nodejs22.x' as Runtime,
          Handler,
          Code: { ZipFile: zipOf(SOURCE) }
        })
      )
    await create('whole', 'index.handler')
    await create('parts', 'index.streamed')
    // A qualifier comes as %3A in the path, which is signed as it stands there.
    t.deepEqual((await invoke(client, 'whole:$LATEST', { a: 'käse' })).result, { size: 12, same: { a: 'käse' } })
    const large = { text: 'x'.repeat(2.5 * MB) }
    t.deepEqual((await invoke(client, 'whole', large)).result, { size: JSON.stringify(large).length, same: large })

    const { EventStream } = await client.send(
      new InvokeWithResponseStreamCommand({ FunctionName: 'parts', Payload: Buffer.from(`{"ms":${PAUSE_MS}}`) })
    )
    let firstAt = 0
    let lastAt = 0
    let text = ''
    for await (const { PayloadChunk } of EventStream ?? []) {
      if (PayloadChunk?.Payload === undefined) continue
      text += Buffer.from(PayloadChunk.Payload).toString()
      if (firstAt === 0) firstAt = performance.now()
      lastAt = performance.now()
    }
    t.is(text, 'firstlast')
    t.true(lastAt - firstAt > PAUSE_MS / 4, 'the first part does not wait for the last')

    const { FunctionUrl = '' } = await client.send(
      new CreateFunctionUrlConfigCommand({ FunctionName: 'whole', AuthType: 'NONE' })
    )
    t.is(FunctionUrl, `${root}/fn/whole/`)
    const { status, body } = await got(`${FunctionUrl}a%2Fb?c=%20d`, agent)
    t.is(status, 200)
    t.like(JSON.parse(body.toString()), {
      host: new URL(root).host,
      'x-forwarded-proto': 'https',
      'x-forwarded-for': '127.0.0.1, 127.0.0.1'
    })

    const { Code } = await client.send(new GetFunctionCommand({ FunctionName: 'whole' }))
    t.true(Code?.Location?.startsWith(`${root}/v1/code/`), Code?.Location)
    t.deepEqual((await got(Code?.Location ?? '', agent)).body, Buffer.from(zipOf(SOURCE)))
  })
}
