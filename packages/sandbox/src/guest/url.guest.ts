import { ASK, URL_COMPONENTS } from '../bridge-operations.ts'
import { ask } from './bridge.guest.ts'
import { inspectable, membersOf } from './idl.guest.ts'
import { customInspect } from './inspect.guest.ts'
import { plainUrl } from './plain-url.guest.ts'

type Pairs = [string, string][]
type Component = (typeof URL_COMPONENTS)[number]

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

  constructor(url: unknown, base?: unknown) {
    const parts = parse(String(url), base === undefined ? undefined : String(base))
    if (parts === undefined) {
      throw Object.assign(new TypeError('Invalid URL'), { code: 'ERR_INVALID_URL', input: String(url) })
    }
    this.#parts = parts
  }

  static canParse(url: unknown, base?: unknown): boolean {
    return parse(String(url), base === undefined ? undefined : String(base)) !== undefined
  }

  static parse(url: unknown, base?: unknown): URL | null {
    return URL.canParse(url, base) ? new URL(url, base) : null
  }

  get searchParams(): URLSearchParams {
    this.#query ??= new URLSearchParams(this.search, (text) => this.#set('search', text))
    return this.#query
  }

  toString(): string {
    return this.href
  }

  toJSON(): string {
    return this.href
  }

  get [Symbol.toStringTag](): string {
    return 'URL'
  }

  /** @internal */
  component(index: number): string {
    return this.#parts[index] as string
  }

  /** @internal */
  assign(name: Component, value: unknown): void {
    this.#set(name, String(value))
    if (name === 'href' || name === 'search') this.#query?.reset(this.search)
  }

  #set(name: Component, value: string): void {
    const answer = ask(ASK.URL_SET, this.href, name, value)
    if (typeof answer === 'string') this.#parts = answer.split('\0')
    else if (name === 'href') throw new TypeError('Invalid URL')
  }
}

for (const [index, name] of URL_COMPONENTS.entries()) {
  Object.defineProperty(URL.prototype, name, {
    get(this: URL) {
      return this.component(index)
    },
    set(this: URL, value: unknown) {
      if (name !== 'origin') this.assign(name, value)
    },
    enumerable: true,
    configurable: true
  })
}

function parse(url: string, base: string | undefined): string[] | undefined {
  const plain = base === undefined ? plainUrl(url) : undefined
  if (plain !== undefined) return plain
  const answer = ask(ASK.URL_PARSE, url, base)
  return typeof answer === 'string' ? answer.split('\0') : undefined
}

export class URLSearchParams {
  #pairs: Pairs
  readonly #changed: ((text: string) => void) | undefined

  constructor(init?: unknown, changed?: (text: string) => void) {
    this.#pairs = pairsOf(init)
    this.#changed = typeof changed === 'function' ? changed : undefined
  }

  get size(): number {
    return this.#pairs.length
  }

  append(name: unknown, value: unknown): void {
    this.#pairs.push([String(name), String(value)])
    this.#tell()
  }

  delete(name: unknown, value?: unknown): void {
    this.#pairs = this.#pairs.filter(([key, item]) => key !== String(name) || (value !== undefined && item !== String(value)))
    this.#tell()
  }

  get(name: unknown): string | null {
    return this.#pairs.find(([key]) => key === String(name))?.[1] ?? null
  }

  getAll(name: unknown): string[] {
    return this.#pairs.filter(([key]) => key === String(name)).map(([, value]) => value)
  }

  has(name: unknown, value?: unknown): boolean {
    return this.#pairs.some(([key, item]) => key === String(name) && (value === undefined || item === String(value)))
  }

  set(name: unknown, value: unknown): void {
    const key = String(name)
    const at = this.#pairs.findIndex((pair) => pair[0] === key)
    if (at < 0) this.#pairs.push([key, String(value)])
    else
      this.#pairs = this.#pairs.flatMap((pair, index) => (pair[0] !== key ? [pair] : index === at ? [[key, String(value)]] : []))
    this.#tell()
  }

  sort(): void {
    this.#pairs.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0))
    this.#tell()
  }

  forEach(run: (value: string, name: string, params: URLSearchParams) => void): void {
    for (const [name, value] of this.#pairs) run(value, name, this)
  }

  entries(): ArrayIterator<[string, string]> {
    return this.#pairs.map(([name, value]): [string, string] => [name, value]).values()
  }

  keys(): ArrayIterator<string> {
    return this.#pairs.map(([name]) => name).values()
  }

  values(): ArrayIterator<string> {
    return this.#pairs.map(([, value]) => value).values()
  }

  [Symbol.iterator](): ArrayIterator<[string, string]> {
    return this.entries()
  }

  toString(): string {
    return this.#pairs.map(([name, value]) => `${encodeForm(name)}=${encodeForm(value)}`).join('&')
  }

  get [Symbol.toStringTag](): string {
    return 'URLSearchParams'
  }

  [customInspect](): string {
    if (this.#pairs.length === 0) return 'URLSearchParams {}'
    return `URLSearchParams { ${this.#pairs.map(([name, value]) => `'${name}' => '${value}'`).join(', ')} }`
  }

  /** @internal */
  reset(search: string): void {
    this.#pairs = pairsOf(search)
  }

  #tell(): void {
    this.#changed?.(this.toString())
  }
}

function pairsOf(init: unknown): Pairs {
  if (init === undefined || init === null) return []
  if (typeof init === 'object') {
    const iterable = typeof (init as { [Symbol.iterator]?: unknown })[Symbol.iterator] === 'function'
    const items = iterable ? [...(init as Iterable<[unknown, unknown]>)] : Object.entries(init)
    return items.map((item) => {
      const pair = [...item]
      if (pair.length !== 2) throw new TypeError('Each query pair must be an iterable [name, value] tuple')
      return [String(pair[0]).toWellFormed(), String(pair[1]).toWellFormed()]
    })
  }
  const text = String(init)
  const query = text.startsWith('?') ? text.slice(1) : text
  return query
    .split('&')
    .filter((part) => part !== '')
    .map((part) => {
      const at = part.indexOf('=')
      return at < 0 ? [decodeForm(part), ''] : [decodeForm(part.slice(0, at)), decodeForm(part.slice(at + 1))]
    })
}

function decodeForm(text: string): string {
  const spaced = text.replaceAll('+', ' ')
  if (!spaced.includes('%')) return spaced
  try {
    return decodeURIComponent(spaced)
  } catch {
    // Malformed escapes stay as they are, as the URL standard has it; the well-formed ones around them are decoded.
    return spaced.replace(/(?:%[0-9a-f]{2})+/gi, (run) => {
      try {
        return decodeURIComponent(run)
      } catch {
        // Not UTF-8.
        return '\ufffd'
      }
    })
  }
}

/** application/x-www-form-urlencoded leaves only letters, digits and *-._ as they are. */
function encodeForm(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replaceAll('%20', '+')
    .replace(/[!'()~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
}

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
