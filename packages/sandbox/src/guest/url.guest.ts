import { ASK, URL_COMPONENTS } from '../bridge-operations.ts'
import { ask } from './bridge.guest.ts'
import { enumerable, inspectable, membersOf, needs, pairIterators, refused } from './idl.guest.ts'
import { customInspect } from './inspect.guest.ts'
import { reflectApply } from './intrinsics.guest.ts'
import { utf8Slice } from './node/utf8.guest.ts'
import { plainUrl } from './plain-url.guest.ts'

type Pairs = [string, string][]
type Component = (typeof URL_COMPONENTS)[number]

const baseOf = (base: unknown): string | undefined => (base === undefined ? undefined : String(base))

let componentOf: (url: URL, index: number) => string
let assign: (url: URL, name: Component, value: unknown) => void

/** Parsed by the executor's URL (ada), so that functions see exactly what Node sees, without its tables in every isolate; plain ones here, see `plainUrl`. */
export class URL {
  declare readonly origin: string
  declare href: string
  declare protocol: string
  declare username: string
  declare password: string
  declare host: string
  declare hostname: string
  declare port: string
  declare pathname: string
  declare search: string
  declare hash: string
  #parts: string[]
  #query: URLSearchParams | undefined

  constructor(...args: [url?: unknown, base?: unknown]) {
    needs(args, 'url')
    const input = String(args[0])
    const base = baseOf(args[1])
    const parts = parse(input, base)
    if (parts === undefined) {
      throw Object.assign(refused('Invalid URL', 'ERR_INVALID_URL'), { input, ...(base === undefined ? {} : { base }) })
    }
    this.#parts = parts
  }

  static canParse(...args: [url?: unknown, base?: unknown]): boolean {
    needs(args, 'url')
    return parse(String(args[0]), baseOf(args[1])) !== undefined
  }

  static parse(...args: [url?: unknown, base?: unknown]): URL | null {
    needs(args, 'url')
    const [url, base] = [String(args[0]), baseOf(args[1])]
    return URL.canParse(url, base) ? new URL(url, base) : null
  }

  static {
    componentOf = (url, index) => url.#parts[index] as string
    assign = (url, name, value) => {
      url.#set(name, String(value))
      if (name === 'href' || name === 'search') url.#readQuery()
    }
  }

  get searchParams(): URLSearchParams {
    if (this.#query === undefined) {
      this.#query = new URLSearchParams()
      this.#readQuery()
    }
    return this.#query
  }

  toString(): string {
    return componentOf(this, 0)
  }

  toJSON(): string {
    return componentOf(this, 0)
  }

  get [Symbol.toStringTag](): string {
    return 'URL'
  }

  #readQuery(): void {
    if (this.#query !== undefined) follow(this.#query, this.search, (text) => this.#set('search', text))
  }

  #set(name: Component, value: string): void {
    const answer = ask(ASK.URL_SET, this.href, name, value)
    if (typeof answer === 'string') this.#parts = answer.split('\0')
    else if (name === 'href') throw refused('Invalid URL', 'ERR_INVALID_URL')
  }
}

for (const [index, name] of URL_COMPONENTS.entries()) {
  // A literal names the accessors as they are named in Node.
  const accessors = {
    get [name](): string {
      return componentOf(this as unknown as URL, index)
    },
    set [name](value: unknown) {
      assign(this as unknown as URL, name, value)
    }
  }
  const descriptor = Object.getOwnPropertyDescriptor(accessors, name) as PropertyDescriptor
  if (name === 'origin') delete descriptor.set
  Object.defineProperty(URL.prototype, name, descriptor)
}

function parse(url: string, base: string | undefined): string[] | undefined {
  const plain = base === undefined ? plainUrl(url) : undefined
  if (plain !== undefined) return plain
  const answer = ask(ASK.URL_PARSE, url, base)
  return typeof answer === 'string' ? answer.split('\0') : undefined
}

const walk = pairIterators('URLSearchParams')
/** Makes the parameters those of a URL. */
let follow: (params: URLSearchParams, search: string, changed: (text: string) => void) => void

export class URLSearchParams {
  #pairs: Pairs
  #changed: ((text: string) => void) | undefined

  constructor(...args: [init?: unknown]) {
    this.#pairs = pairsOf(args[0])
  }

  static {
    follow = (params, search, changed) => {
      params.#pairs = pairsOf(search)
      params.#changed = changed
    }
  }

  get size(): number {
    return this.#pairs.length
  }

  append(...args: [name?: unknown, value?: unknown]): void {
    needs(args, 'name', 'value')
    this.#pairs.push([wellFormed(args[0]), wellFormed(args[1])])
    this.#tell()
  }

  delete(...args: [name?: unknown, value?: unknown]): void {
    needs(args, 'name')
    const is = matcher(args)
    this.#pairs = this.#pairs.filter((pair) => !is(pair))
    this.#tell()
  }

  get(...args: [name?: unknown]): string | null {
    needs(args, 'name')
    return this.#pairs.find(matcher([args[0]]))?.[1] ?? null
  }

  getAll(...args: [name?: unknown]): string[] {
    needs(args, 'name')
    return this.#pairs.filter(matcher([args[0]])).map(([, value]) => value)
  }

  has(...args: [name?: unknown, value?: unknown]): boolean {
    needs(args, 'name')
    return this.#pairs.some(matcher(args))
  }

  set(...args: [name?: unknown, value?: unknown]): void {
    needs(args, 'name', 'value')
    const pair: Pairs[number] = [wellFormed(args[0]), wellFormed(args[1])]
    const is = matcher([pair[0]])
    const at = this.#pairs.findIndex(is)
    if (at < 0) this.#pairs.push(pair)
    else this.#pairs = this.#pairs.flatMap((one, index) => (!is(one) ? [one] : index === at ? [pair] : []))
    this.#tell()
  }

  sort(): void {
    this.#pairs.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0))
    this.#tell()
  }

  forEach(...args: [run?: (value: string, name: string, params: URLSearchParams) => void, self?: unknown]): void {
    const [run, self] = args
    if (typeof run !== 'function') throw refused('The "callback" argument must be of type function.', 'ERR_INVALID_ARG_TYPE')
    for (const [name, value] of this.entries()) reflectApply(run, self, [value, name, this])
  }

  entries(): ArrayIterator<[string, string]> {
    return walk('entries', () => this.#pairs)
  }

  keys(): ArrayIterator<string> {
    return walk('keys', () => this.#pairs)
  }

  values(): ArrayIterator<string> {
    return walk('values', () => this.#pairs)
  }

  declare [Symbol.iterator]: () => ArrayIterator<[string, string]>

  toString(): string {
    return this.#pairs.map(([name, value]) => `${encodeForm(name)}=${encodeForm(value)}`).join('&')
  }

  get [Symbol.toStringTag](): string {
    return 'URLSearchParams'
  }

  #tell(): void {
    this.#changed?.(this.toString())
  }
}

const wellFormed = (alleged: unknown): string => `${alleged as string}`.toWellFormed()

function matcher([name, value]: readonly [name?: unknown, value?: unknown]): (pair: Pairs[number]) => boolean {
  const wanted = wellFormed(name)
  const item = value === undefined ? undefined : wellFormed(value)
  return (pair) => pair[0] === wanted && (item === undefined || pair[1] === item)
}

function pairsOf(init: unknown): Pairs {
  if (init === undefined || init === null) return []
  if (typeof init === 'object' || typeof init === 'function') return pairsOfObject(init)
  const text = wellFormed(init)
  const query = text.startsWith('?') ? text.slice(1) : text
  return query
    .split('&')
    .filter((part) => part !== '')
    .map((part) => {
      const at = part.indexOf('=')
      return at < 0 ? [decodeForm(part), ''] : [decodeForm(part.slice(0, at)), decodeForm(part.slice(at + 1))]
    })
}

function pairsOfObject(init: object): Pairs {
  const method = (init as { [Symbol.iterator]?: unknown })[Symbol.iterator]
  if (method === undefined || method === null) {
    // Names that are written alike are one, and the last has the word.
    const pairs = Reflect.ownKeys(init).flatMap((key): Pairs => {
      if (Reflect.getOwnPropertyDescriptor(init, key)?.enumerable !== true) return []
      return [[wellFormed(key), wellFormed((init as Record<PropertyKey, unknown>)[key])]]
    })
    return [...new Map(pairs)]
  }
  if (typeof method !== 'function') throw refused('Query pairs must be iterable', 'ERR_ARG_NOT_ITERABLE')
  return Array.from(init as Iterable<unknown>, (item) => {
    const isPair = (typeof item === 'object' || typeof item === 'function') && item !== null && Symbol.iterator in item
    const pair = isPair ? [...(item as Iterable<unknown>)] : []
    if (pair.length !== 2) throw refused('Each query pair must be an iterable [name, value] tuple', 'ERR_INVALID_TUPLE')
    return [wellFormed(pair[0]), wellFormed(pair[1])]
  })
}

function decodeForm(text: string): string {
  const spaced = text.replaceAll('+', ' ')
  if (!spaced.includes('%')) return spaced
  try {
    return decodeURIComponent(spaced)
  } catch {
    // Malformed escapes stay as they are, as the URL standard has it; of the well-formed ones around them, what is no UTF-8 becomes U+FFFD.
    return spaced.replace(/(?:%[0-9a-f]{2})+/gi, (run) => {
      const bytes = Uint8Array.fromHex(run.replaceAll('%', ''))
      return utf8Slice(bytes, 0, bytes.length)
    })
  }
}

/** application/x-www-form-urlencoded leaves only letters, digits and *-._ as they are. */
function encodeForm(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replaceAll('%20', '+')
    .replace(/[!'()~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
}

enumerable(URL, URLSearchParams)
Object.defineProperty(URLSearchParams.prototype, Symbol.iterator, {
  value: URLSearchParams.prototype.entries,
  writable: true,
  configurable: true
})
Object.defineProperty(URLSearchParams.prototype, customInspect, {
  value(this: URLSearchParams): string {
    if (this.size === 0) return 'URLSearchParams {}'
    return `URLSearchParams { ${[...this].map(([name, value]) => `'${name}' => '${value}'`).join(', ')} }`
  },
  writable: true,
  configurable: true
})
inspectable(
  URL,
  membersOf(
    'href',
    'origin',
    'protocol',
    'username',
    'password',
    'host',
    'hostname',
    'port',
    'pathname',
    'search',
    'searchParams',
    'hash'
  )
)
