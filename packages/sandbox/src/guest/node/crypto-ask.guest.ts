import { ASK } from '../../bridge-operations.ts'
import { core } from './core.guest.ts'
import { bytesOf } from './encodings.guest.ts'

export type Bytes = ArrayBuffer | ArrayBufferView
export type Input = string | Bytes

/** Asks the executor's node:crypto. @throws its error */
export function askCrypto(name: string, fields: object, a?: Uint8Array, b?: Uint8Array): unknown {
  const answer = core.ask(ASK.CRYPTO_SYNC, name, JSON.stringify(fields), a, b)
  if (typeof answer !== 'string' || answer[0] !== '\0') return answer
  const { name: kind, message, ...more } = JSON.parse(answer.slice(1)) as { name: string; message: string }
  const makers: Record<string, ErrorConstructor> = { TypeError, RangeError } as never
  const error = new (makers[kind] ?? Error)(message)
  throw Object.assign(error, more)
}

export function askBytes(name: string, fields: object, a?: Uint8Array, b?: Uint8Array): Buffer {
  return bufferOf(askCrypto(name, fields, a, b) as Uint8Array)
}

export function askJson<Value>(name: string, fields: object, a?: Uint8Array, b?: Uint8Array): Value {
  return JSON.parse(String(askCrypto(name, fields, a, b))) as Value
}

/** A copy in a buffer of its own, since what crosses is the whole buffer beneath a view. */
export function inputOf(data: unknown, encoding?: unknown): Uint8Array {
  if (typeof data === 'string') {
    const named = typeof encoding === 'string' && encoding !== 'buffer' ? (encoding as BufferEncoding) : 'utf8'
    return new Uint8Array(Buffer.from(data, named))
  }
  return bytesOf(data as ArrayBufferView).slice()
}

export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

export function encoded(bytes: Buffer, encoding: unknown): Buffer | string {
  return encoding === undefined || encoding === null || encoding === 'buffer' ? bytes : bytes.toString(encoding as BufferEncoding)
}

export function to64(data: Uint8Array): string {
  return Buffer.from(data).toString('base64')
}
