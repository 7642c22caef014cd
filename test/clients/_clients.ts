import { spawn } from 'node:child_process'
import { realpath, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import * as sdk from '@aws-sdk/client-lambda'
import { OPERATIONS } from '../../packages/gateway/src/lambda-model.ts'
import { type Daemon, dataFolder, type Ending, run } from '../_daemon.ts'
import type { Input } from './_script.ts'

/** What a client made of an operation; `unknown`: its model is older than the operation. */
type Outcome =
  | { readonly kind: 'ok'; readonly output: Record<string, unknown> }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'failed'; readonly why: string }

export interface Client {
  readonly name: string
  call(operation: string, input: Input): Promise<Outcome>
}

const UNKNOWN = { kind: 'unknown' } as const
const failed = (why: string): Outcome => ({ kind: 'failed', why: why.trim().slice(0, 500) })

/** Every client that is installed here, each as many times as there are generations of it. */
export async function clientsOf(t: Ending, node: Daemon): Promise<Client[]> {
  const { accessKeyId, secretAccessKey } = await node.keys()
  const env = {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_DEFAULT_REGION: 'us-east-1',
    // The name that the Go SDKs read.
    AWS_REGION: 'us-east-1',
    AWS_PAGER: '',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_MAX_ATTEMPTS: '1'
  }
  const folder = await dataFolder(t)
  const clients: Client[] = [await sdkClient(node)]
  for (const python of await programs('python3')) {
    const version = await run(python, ['-c', 'import boto3; print(boto3.__version__)'], { env })
    const args = [join(import.meta.dirname, 'operations-client.py'), node.http]
    if (version.code === 0) clients.push(lineClient(t, `boto3 ${version.stdout.trim()}`, python, args, env))
  }
  const go = await builtGo(folder)
  if (go !== undefined)
    for (const version of ['v1', 'v2']) clients.push(lineClient(t, `Go SDK ${version}`, go, [version, node.http], env))
  for (const aws of await programs('aws')) {
    const { stdout, stderr } = await run(aws, ['--version'], { env })
    const version = /aws-cli\/(\S+)/.exec(stdout + stderr)?.[1]
    if (version !== undefined) clients.push(cliClient(`AWS CLI ${version}`, aws, node, env, folder))
  }
  const curl = /^curl (\S+)/.exec((await run('curl', ['--version'])).stdout)?.[1]
  if (curl !== undefined) clients.push(curlClient(curl, node, `${accessKeyId}:${secretAccessKey}`, folder))
  // The same program under two names is one.
  return clients.filter(({ name }, index) => clients.findIndex((other) => other.name === name) === index)
}

async function programs(name: string): Promise<string[]> {
  const found = (await run('bash', ['-c', `type -ap ${name}`])).stdout.split('\n').filter((path) => path !== '')
  const real = new Map<string, string>()
  for (const path of found) real.set(await realpath(path), path)
  return [...real.values()]
}

async function sdkClient(node: Daemon): Promise<Client> {
  const client = new sdk.LambdaClient({
    endpoint: node.http,
    region: 'us-east-1',
    credentials: await node.keys(),
    maxAttempts: 1
  })
  return {
    name: 'SDK v3',
    async call(operation, input) {
      const Command = (sdk as unknown as Record<string, new (input: Input) => never>)[`${operation}Command`]
      if (Command === undefined) return UNKNOWN
      try {
        return { kind: 'ok', output: (await client.send(new Command(input))) as unknown as Record<string, unknown> }
      } catch (error) {
        return failed(String(error))
      }
    }
  }
}

/** Where Debian has the sources of Go libraries. */
const GO_PATH = '/usr/share/gocode'

/** Builds the client of Debian's Go SDKs; undefined where Go or one of them is missing. */
async function builtGo(folder: string): Promise<string | undefined> {
  const built = join(folder, 'go-client')
  const env = { GOPATH: GO_PATH, GO111MODULE: 'off', GOFLAGS: '' }
  for (const go of await programs('go')) {
    const listed = ['github.com/aws/aws-sdk-go/service/lambda', 'github.com/aws/aws-sdk-go-v2/service/lambda']
    if ((await run(go, ['list', ...listed], { env })).code !== 0) continue
    const { code, stderr } = await run(go, ['build', '-o', built, join(import.meta.dirname, 'operations-client.go')], { env })
    if (code !== 0) throw new Error(stderr)
    return built
  }
  return undefined
}

/** A program that takes an operation a line. */
function lineClient(t: Ending, name: string, program: string, args: string[], env: Record<string, string>): Client {
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'inherit'] })
  t.teardown(() => child.kill())
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const bytesNamed = (_key: string, value: unknown) => {
    if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('base64') }
    const { type, data } = (value ?? {}) as { type?: unknown; data?: number[] }
    return type === 'Buffer' && data !== undefined ? { $bytes: Buffer.from(data).toString('base64') } : value
  }
  return {
    name,
    async call(operation, input) {
      child.stdin.write(`${JSON.stringify([operation, input], bytesNamed)}\n`)
      const line = await lines.next()
      if (line.done === true) return failed(`${name} has gone`)
      const [kind, answer] = JSON.parse(line.value) as ['ok' | 'unknown' | 'error', unknown]
      if (kind === 'unknown') return UNKNOWN
      return kind === 'ok' ? { kind, output: (answer ?? {}) as Record<string, unknown> } : failed(String(answer))
    }
  }
}

/** As the command line writes the names of operations and members. */
const flagOf = (name: string) => name.replace(/(?!^)([A-Z])/g, '-$1').toLowerCase()

function cliClient(name: string, aws: string, node: Daemon, env: Record<string, string>, folder: string): Client {
  return {
    name,
    async call(operation, input) {
      const command = flagOf(operation)
      const { Code, Content, ...rest } = input as { Code?: Input; Content?: Input } & Input
      const flags: string[] = []
      const members: Input = {}
      for (const [key, value] of Object.entries({ ...rest, ...Code, ...Content })) {
        if (value instanceof Uint8Array) {
          const file = join(folder, `${command}.bytes`)
          await writeFile(file, value)
          flags.push(`--${flagOf(key)}`, key === 'InvokeArgs' ? file : `fileb://${file}`)
        } else members[key] = value
      }
      // The two that write or read files of their own take their members by flags only.
      if (operation.startsWith('Invoke')) {
        for (const [key, value] of Object.entries(members)) flags.push(`--${flagOf(key)}`, String(value))
      } else flags.push('--cli-input-json', JSON.stringify(members))
      if (operation === 'Invoke') flags.push(join(folder, 'answer'))
      const args = ['--endpoint-url', node.http, '--output', 'json', 'lambda', command, ...flags]
      const { code, stdout, stderr } = await run(aws, args, { env: { ...env, HOME: folder } })
      if (/Invalid choice|argument operation: /.test(stderr)) return UNKNOWN
      return code === 0 ? { kind: 'ok', output: stdout.trim() === '' ? {} : JSON.parse(stdout) } : failed(stderr)
    }
  }
}

function curlClient(version: string, node: Daemon, user: string, folder: string): Client {
  return {
    name: `curl ${version} --aws-sigv4`,
    async call(operation, input) {
      const model = OPERATIONS.get(operation)
      if (model === undefined) return UNKNOWN
      const path = model.segments.map((part) =>
        part.startsWith('{') ? encodeURIComponent(String(input[part.slice(1, -1)])) : part
      )
      const query: string[] = model.query === undefined ? [] : [model.query.join('=')]
      const args = ['-sS', '--aws-sigv4', 'aws:amz:us-east-1:lambda', '--user', user, '-X', model.method, '-w', '\n%{http_code}']
      const body: Input = {}
      for (const { name: member, in: place, wireName } of model.members) {
        const value = input[member]
        if (value === undefined) continue
        if (place === 'query') {
          for (const one of Array.isArray(value) ? value : [value]) query.push(`${wireName}=${encodeURIComponent(String(one))}`)
        } else if (place === 'header') args.push('-H', `${wireName}: ${String(value)}`)
        else if (place === 'payload') {
          const file = join(folder, 'curl.bytes')
          await writeFile(file, value as Uint8Array)
          args.push('--data-binary', `@${file}`)
        } else if (place === 'body') body[member] = value
      }
      if (model.hasBody) {
        const base64 = JSON.stringify(body, (_key, value) => {
          const { type, data } = (value ?? {}) as { type?: unknown; data?: number[] }
          if (type === 'Buffer' && data !== undefined) return Buffer.from(data).toString('base64')
          return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value
        })
        args.push('-H', 'content-type: application/json', '--data-binary', base64)
      }
      const { stdout, stderr } = await run('curl', [
        ...args,
        `${node.http}/${path.join('/')}${query.length > 0 ? `?${query.sort().join('&')}` : ''}`
      ])
      const end = stdout.lastIndexOf('\n')
      const text = stdout.slice(0, end)
      // Before version 8 it signs escapes in a path as they are; AWS, and we, want them escaped once more.
      if (Number.parseInt(version, 10) < 8 && path.some((part) => part.includes('%')) && text.includes('signature'))
        return UNKNOWN
      if (!/^2\d\d$/.test(stdout.slice(end + 1))) return failed(`${stdout.slice(end + 1)} ${text} ${stderr}`)
      return { kind: 'ok', output: text.startsWith('{') ? JSON.parse(text) : {} }
    }
  }
}
