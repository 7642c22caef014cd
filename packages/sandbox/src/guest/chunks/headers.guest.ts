import { enumerable, inspectable, pairIterators } from '../idl.guest.ts'

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const BLANK = '\t\n\r '
const VALUE_CLOSED = /[\0\r\n]|[^\0-\xff]/

/** Makes headers that can no longer be changed, as those of a response from the network. */
let seal: (headers: Headers) => void

const walk = pairIterators('Headers')

export class Headers {
  /** By lower-case name. */
  readonly #values = new Map<string, string>()
  readonly #cookies: string[] = []
  #immutable = false
  /** As they are iterated, until one changes. */
  #sorted: [string, string][] | undefined

  constructor(init?: unknown) {
    if (init === undefined) return
    if (init === null || (typeof init !== 'object' && typeof init !== 'function')) {
      throw new TypeError(`Headers constructor: init must be a sequence or a record, not a '${typeof init}'`)
    }
    const iterator = (init as { [Symbol.iterator]?: unknown })[Symbol.iterator]
    if (iterator === undefined || iterator === null) {
      for (const name of Reflect.ownKeys(init)) {
        const descriptor = Reflect.getOwnPropertyDescriptor(init, name)
        if (descriptor?.enumerable === true) this.append(name, (init as Record<PropertyKey, unknown>)[name])
      }
      return
    }
    for (const alleged of init as Iterable<Iterable<unknown>>) {
      const pair = [...alleged]
      if (pair.length !== 2)
        throw new TypeError(`Headers constructor: expected name/value pair to be length 2, found ${pair.length}.`)
      this.append(pair[0], pair[1])
    }
  }

  static {
    seal = (headers) => {
      headers.#immutable = true
    }
  }

  append(...args: unknown[]): void {
    needs(args, 2, 'append')
    const name = checkName(args[0])
    const value = checkValue(args[1], name)
    this.#mayChange()
    if (name === 'set-cookie') {
      this.#cookies.push(value)
      return
    }
    const before = this.#values.get(name)
    this.#values.set(name, before === undefined ? value : `${before}${name === 'cookie' ? '; ' : ', '}${value}`)
  }

  set(...args: unknown[]): void {
    needs(args, 2, 'set')
    const name = checkName(args[0])
    const value = checkValue(args[1], name)
    this.#mayChange()
    if (name === 'set-cookie') this.#cookies.splice(0, this.#cookies.length, value)
    else this.#values.set(name, value)
  }

  get(...args: unknown[]): string | null {
    needs(args, 1, 'get')
    const name = checkName(args[0])
    if (name === 'set-cookie') return this.#cookies.length === 0 ? null : this.#cookies.join(', ')
    return this.#values.get(name) ?? null
  }

  getSetCookie(): string[] {
    return [...this.#cookies]
  }

  has(...args: unknown[]): boolean {
    needs(args, 1, 'has')
    const name = checkName(args[0])
    return name === 'set-cookie' ? this.#cookies.length > 0 : this.#values.has(name)
  }

  delete(...args: unknown[]): void {
    needs(args, 1, 'delete')
    const name = checkName(args[0])
    this.#mayChange()
    if (name === 'set-cookie') this.#cookies.length = 0
    else this.#values.delete(name)
  }

  forEach(...args: [run?: unknown, self?: unknown]): void {
    const [run, self] = args
    if (typeof run !== 'function') throw new TypeError('Headers.forEach: argument 1 must be a function')
    for (const [name, value] of this.entries()) run.call(self, value, name, this)
  }

  entries(): ArrayIterator<[string, string]> {
    return walk('entries', () => this.#pairs())
  }

  keys(): ArrayIterator<string> {
    return walk('keys', () => this.#pairs())
  }

  values(): ArrayIterator<string> {
    return walk('values', () => this.#pairs())
  }

  #pairs(): [string, string][] {
    this.#sorted ??= [...this.#values, ...this.#cookies.map((cookie): [string, string] => ['set-cookie', cookie])].sort((a, b) =>
      a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0
    )
    return this.#sorted
  }

  get [Symbol.toStringTag](): string {
    return 'Headers'
  }

  declare [Symbol.iterator]: () => ArrayIterator<[string, string]>

  #mayChange(): void {
    if (this.#immutable) throw new TypeError('immutable')
    this.#sorted = undefined
  }
}

enumerable(Headers)
inspectable(Headers, (headers) => Object.fromEntries([...headers.keys()].map((name) => [name, headers.get(name)])))
Object.defineProperty(Headers.prototype, Symbol.iterator, {
  value: Headers.prototype.entries,
  writable: true,
  configurable: true
})

function needs(args: unknown[], count: number, method: string): void {
  if (args.length < count) throw new TypeError(`Headers.${method}: ${count} arguments required, but only ${args.length} present.`)
}

function checkName(alleged: unknown): string {
  const name = `${alleged as string}`
  if (!TOKEN.test(name)) throw new TypeError(`Headers: ${name.slice(0, 100)} is an invalid header name.`)
  return name.toLowerCase()
}

function checkValue(alleged: unknown, name: string): string {
  const value = trimmed(`${alleged as string}`)
  if (VALUE_CLOSED.test(value)) throw new TypeError(`Headers: the value of ${name} is an invalid header value.`)
  return value
}

/** No expression for it: one that ends in `$` tries each run of blanks within the value from each of its blanks, for minutes. */
function trimmed(text: string): string {
  let from = 0
  let to = text.length
  while (from < to && BLANK.includes(text[from] as string)) from++
  while (to > from && BLANK.includes(text[to - 1] as string)) to--
  return text.slice(from, to)
}

export function sealHeaders(headers: Headers): Headers {
  seal(headers)
  return headers
}
