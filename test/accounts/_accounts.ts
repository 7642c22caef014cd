import { LambdaClient } from '@aws-sdk/client-lambda'
import { signRequest } from '../../cli/src/sign.ts'
import type { Daemon } from '../_daemon.ts'

interface Reply {
  readonly status: number
  readonly text: string
  json<Value>(): Value
}

/** Somebody with an access key of an account. */
export interface Person {
  readonly lambda: LambdaClient
  /** The mesh's own API. */
  ask(method: string, path: string, body?: unknown): Promise<Reply>
  /** The same at another node. */
  at(daemon: Daemon): Person
}

export async function personOf(daemon: Daemon, account: string, role: 'deployer' | 'invoker' = 'deployer'): Promise<Person> {
  const made = await daemon.cli('keys', 'create', '--role', role, '--account', account, '--json')
  if (made.code !== 0) throw new Error(made.stderr)
  return personAt(daemon, JSON.parse(made.stdout))
}

function personAt(daemon: Daemon, credentials: { accessKeyId: string; secretAccessKey: string }): Person {
  const region = 'eu-somewhere-1'
  return {
    lambda: new LambdaClient({ endpoint: daemon.http, region, credentials, maxAttempts: 1 }),
    at: (other) => personAt(other, credentials),
    async ask(method, pathAndQuery, value) {
      const { host, pathname: path, searchParams, href } = new URL(pathAndQuery, daemon.http)
      const query = [...searchParams]
      const body = value === undefined ? '' : JSON.stringify(value)
      const bytes = Buffer.from(body)
      const signed = { method, host, path, query, headers: {}, body: bytes, ...credentials, region, service: 'lambda' }
      const headers = signRequest({ ...signed, now: Date.now() })
      const answer = await fetch(href, { method, headers, ...(body === '' ? {} : { body }) })
      const text = await answer.text()
      return { status: answer.status, text, json: () => JSON.parse(text) }
    }
  }
}
