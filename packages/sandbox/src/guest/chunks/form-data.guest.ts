import { TextDecoder, TextEncoder } from '../encoding.guest.ts'
import { enumerable, inspectable, pairIterators } from '../idl.guest.ts'
import { bytesOfBlob, File, isBlob } from './blob.guest.ts'

type Value = string | File

/** Entries of a form that is sent in: a body of many tiny parts costs more than its bytes. */
const PARTS_MAX = 10_000

const walk = pairIterators('FormData')

export class FormData {
  #entries: [string, Value][] = []

  constructor(form?: unknown) {
    if (form !== undefined) throw new TypeError('FormData constructor: there are no form elements here')
  }

  append(...args: unknown[]): void {
    needs(args, 2, 'append')
    this.#entries.push(entryOf(args))
  }

  set(...args: unknown[]): void {
    needs(args, 2, 'set')
    const entry = entryOf(args)
    const at = this.#entries.findIndex(([name]) => name === entry[0])
    if (at < 0) this.#entries.push(entry)
    else {
      this.#entries = this.#entries.filter(([name], index) => name !== entry[0] || index === at)
      this.#entries[at] = entry
    }
  }

  get(...args: unknown[]): Value | null {
    needs(args, 1, 'get')
    return this.#entries.find(([name]) => name === String(args[0]))?.[1] ?? null
  }

  getAll(...args: unknown[]): Value[] {
    needs(args, 1, 'getAll')
    return this.#entries.filter(([name]) => name === String(args[0])).map(([, value]) => value)
  }

  has(...args: unknown[]): boolean {
    needs(args, 1, 'has')
    return this.#entries.some(([name]) => name === String(args[0]))
  }

  delete(...args: unknown[]): void {
    needs(args, 1, 'delete')
    this.#entries = this.#entries.filter(([name]) => name !== String(args[0]))
  }

  forEach(...args: [run?: unknown, self?: unknown]): void {
    const [run, self] = args
    if (typeof run !== 'function') throw new TypeError('FormData.forEach: argument 1 must be a function')
    for (const [name, value] of this.entries()) run.call(self, value, name, this)
  }

  entries(): ArrayIterator<[string, Value]> {
    return walk('entries', () => this.#entries)
  }

  keys(): ArrayIterator<string> {
    return walk('keys', () => this.#entries)
  }

  values(): ArrayIterator<Value> {
    return walk('values', () => this.#entries)
  }

  declare [Symbol.iterator]: () => ArrayIterator<[string, Value]>

  get [Symbol.toStringTag](): string {
    return 'FormData'
  }
}

enumerable(FormData)
inspectable(FormData, (form) =>
  Object.fromEntries(
    [...form.keys()].map((name) => {
      const values = form.getAll(name)
      return [name, values.length === 1 ? values[0] : values]
    })
  )
)
Object.defineProperty(FormData.prototype, Symbol.iterator, {
  value: FormData.prototype.entries,
  writable: true,
  configurable: true
})

function needs(args: unknown[], count: number, method: string): void {
  if (args.length < count)
    throw new TypeError(`FormData.${method}: ${count} arguments required, but only ${args.length} present.`)
}

function entryOf([name, value, filename]: unknown[]): [string, Value] {
  const key = String(name).toWellFormed()
  if (!isBlob(value)) {
    if (filename !== undefined) throw new TypeError('FormData.append: argument 2 must be a Blob where a file name is given')
    return [key, String(value).toWellFormed()]
  }
  if (value instanceof File && filename === undefined) return [key, value]
  const named = filename === undefined ? 'blob' : String(filename)
  const at = value instanceof File ? { lastModified: value.lastModified } : {}
  return [key, new File([value], named, { type: value.type, ...at })]
}

const escapeName = (name: string): string => name.replace(/\r\n?|\n/g, '%0D%0A').replaceAll('"', '%22')

/** multipart/form-data as the standard has it. */
export function encodeForm(form: FormData, boundary: string): Uint8Array {
  const encoder = new TextEncoder()
  const pieces: Uint8Array[] = []
  for (const [name, value] of form.entries()) {
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${escapeName(name)}"`
    if (typeof value === 'string') {
      pieces.push(encoder.encode(`${head}\r\n\r\n${value.replace(/\r\n?|\n/g, '\r\n')}\r\n`))
      continue
    }
    const type = value.type === '' ? 'application/octet-stream' : value.type
    const file = value.name
      .replace(/\r\n?|\n/g, (line) => (line === '\r' ? '%0D' : line === '\n' ? '%0A' : '%0D%0A'))
      .replaceAll('"', '%22')
    pieces.push(
      encoder.encode(`${head}; filename="${file}"\r\nContent-Type: ${type}\r\n\r\n`),
      bytesOfBlob(value),
      encoder.encode('\r\n')
    )
  }
  pieces.push(encoder.encode(`--${boundary}--\r\n`))
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}

/** @throws TypeError for a body that is no form of this type */
export function decodeForm(bytes: Uint8Array, contentType: string): FormData {
  const form = new FormData()
  if (/^\s*application\/x-www-form-urlencoded\s*(;|$)/i.test(contentType)) {
    const params = new (globalThis as { URLSearchParams: typeof URLSearchParams }).URLSearchParams(
      new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
    )
    for (const [name, value] of params) form.append(name, value)
    return form
  }
  const boundary = /^\s*multipart\/form-data\s*;.*\bboundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType)
  const mark = boundary?.[1] ?? boundary?.[2]
  if (mark === undefined) {
    throw new TypeError('Content-Type was not one of "multipart/form-data" or "application/x-www-form-urlencoded".')
  }
  readParts(form, bytes, mark)
  return form
}

function readParts(form: FormData, bytes: Uint8Array, boundary: string): void {
  const encoder = new TextEncoder()
  const delimiter = encoder.encode(`\r\n--${boundary}`)
  const first = encoder.encode(`--${boundary}`)
  let at = startsWith(bytes, first, 0) ? first.length : indexOf(bytes, delimiter, 0) + delimiter.length
  if (at < delimiter.length - 2) throw malformed()
  for (let parts = 0; ; parts++) {
    // After a delimiter: `--` ends the form, a line break begins a part.
    if (bytes[at] === 0x2d && bytes[at + 1] === 0x2d) return
    if (bytes[at] !== 0x0d || bytes[at + 1] !== 0x0a || parts >= PARTS_MAX) throw malformed()
    const end = indexOf(bytes, delimiter, at)
    const blank = indexOf(bytes, encoder.encode('\r\n\r\n'), at)
    if (end < 0 || blank < 0 || blank > end) throw malformed()
    addPart(form, new TextDecoder().decode(bytes.subarray(at + 2, blank)), bytes.slice(blank + 4, end))
    at = end + delimiter.length
  }
}

function addPart(form: FormData, head: string, body: Uint8Array): void {
  const lines = head.split('\r\n')
  if (lines.some((line) => /[\r\n]/.test(line))) throw malformed()
  const disposition = lines.find((line) => /^content-disposition:\s*form-data/i.test(line))
  const name = /[;\s]name="([^"]*)"/i.exec(disposition ?? '')?.[1]
  if (disposition === undefined || name === undefined) throw malformed()
  const filename = /[;\s]filename="([^"]*)"/i.exec(disposition)?.[1]
  const key = unescapeName(name)
  if (filename === undefined) {
    form.append(key, new TextDecoder('utf-8', { ignoreBOM: true }).decode(body))
    return
  }
  const type = /^content-type:\s*(.+)$/i.exec(lines.find((line) => /^content-type:/i.test(line)) ?? '')?.[1] ?? 'text/plain'
  form.append(key, new File([body], unescapeName(filename), { type }))
}

function unescapeName(text: string): string {
  return text.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%22', '"')
}

function malformed(): TypeError {
  return new TypeError('Failed to parse body as FormData.')
}

function startsWith(bytes: Uint8Array, wanted: Uint8Array, at: number): boolean {
  return wanted.every((byte, index) => bytes[at + index] === byte)
}

function indexOf(bytes: Uint8Array, wanted: Uint8Array, from: number): number {
  const head = wanted[0] as number
  for (let at = bytes.indexOf(head, from); at >= 0; at = bytes.indexOf(head, at + 1)) if (startsWith(bytes, wanted, at)) return at
  return -1
}
