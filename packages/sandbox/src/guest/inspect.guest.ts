const DEPTH_DEFAULT = 2
const ENTRIES_MAX = 100
const STRING_CHARS_MAX = 10_000
const LINE_CHARS = 72
/** Everything together: what is longer would be cut from the log line anyway. */
const CHARS_MAX = 100_000
export const customInspect = Symbol.for('nodejs.util.inspect.custom')
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/

export interface InspectOptions {
  depth?: number | null
  compact?: boolean
  sorted?: boolean
}

interface State {
  depthMax: number
  seen: object[]
  left: number
  options: InspectOptions
}

/** Text of any value, close to Node's `util.inspect`. */
export function inspect(value: unknown, alleged?: InspectOptions | boolean): string {
  const options = typeof alleged === 'object' && alleged !== null ? alleged : {}
  const depth = options.depth === null ? Number.POSITIVE_INFINITY : (options.depth ?? DEPTH_DEFAULT)
  return show(value, 0, { depthMax: Math.min(Number(depth), 50), seen: [], left: CHARS_MAX, options })
}
inspect.custom = customInspect
inspect.defaultOptions = { depth: DEPTH_DEFAULT }

/** `printf` of the console: %s %d %i %f %j %o %O %c %%. */
export function format(...values: unknown[]): string {
  const first = values[0]
  if (values.length === 1 && typeof first === 'string') return first
  let next = 0
  let text = ''
  if (typeof first === 'string') {
    next = 1
    text = first.replace(/%[sdifjoOc%]/g, (directive) => {
      if (directive === '%%') return '%'
      if (next >= values.length) return directive
      return direct(directive, values[next++])
    })
  }
  for (; next < values.length; next++) {
    const value = values[next]
    text += `${text === '' && next === 0 ? '' : ' '}${typeof value === 'string' ? value : inspect(value)}`
  }
  return text
}

export function formatWithOptions(_options: unknown, ...values: unknown[]): string {
  return format(...values)
}

function direct(directive: string, value: unknown): string {
  switch (directive) {
    case '%s':
      return typeof value === 'string' || typeof value === 'number' ? String(value) : inspect(value, { depth: 0 })
    case '%d':
      return typeof value === 'bigint' ? `${value}n` : typeof value === 'symbol' ? 'NaN' : String(Number(value))
    case '%i':
      return typeof value === 'bigint' ? `${value}n` : String(Number.parseInt(String(value), 10))
    case '%f':
      return String(Number.parseFloat(String(value)))
    case '%j':
      try {
        return String(JSON.stringify(value))
      } catch {
        // As Node does for circular values.
        return '[Circular]'
      }
    case '%c':
      return ''
    default:
      return inspect(value, { depth: 4 })
  }
}

function show(value: unknown, depth: number, state: State): string {
  if (typeof value === 'string') return depth === 0 ? quote(value) : quote(value)
  if (typeof value === 'bigint') return `${value}n`
  if (Object.is(value, -0)) return '-0'
  if (typeof value === 'function') return showFunction(value)
  if (typeof value !== 'object' || value === null) return String(value)
  if (state.left <= 0) return '…'
  if (state.seen.includes(value)) return '[Circular *1]'
  const custom = customOf(value)
  if (typeof custom === 'function' && custom !== inspect) {
    const made = custom.call(value, state.depthMax - depth, state.options, inspect)
    return typeof made === 'string' ? made : show(made, depth, state)
  }
  state.seen.push(value)
  const text = shown(value, depth, state)
  state.seen.pop()
  state.left -= text.length
  return text
}

/** A proxy may refuse every question, which in Node nobody asks it; a line of the log must not fail by that. */
function shown(value: object, depth: number, state: State): string {
  const { length } = state.seen
  try {
    return showObject(value, depth, state)
  } catch {
    state.seen.length = length
    return '<unreadable>'
  }
}

function customOf(value: object): unknown {
  try {
    return (value as Record<symbol, unknown>)[customInspect]
  } catch {
    // As above.
    return undefined
  }
}

function showFunction(value: { name?: unknown; toString(): string }): string {
  const kind = /^class\b/.test(Function.prototype.toString.call(value)) ? 'class' : 'Function'
  const name = typeof value.name === 'string' && value.name !== '' ? value.name : '(anonymous)'
  return kind === 'class' ? `[class ${name}]` : name === '(anonymous)' ? '[Function (anonymous)]' : `[Function: ${name}]`
}

function showObject(value: object, depth: number, state: State): string {
  if (value instanceof Error) return showError(value, depth, state)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
  if (value instanceof RegExp) return String(value)
  if (value instanceof Promise) return 'Promise { <state unknown> }'
  if (value instanceof WeakMap || value instanceof WeakSet) return `${className(value)} { <items unknown> }`
  const name = className(value)
  if (depth > state.depthMax) return Array.isArray(value) ? '[Array]' : `[${name === '' ? 'Object' : name}]`
  if (Array.isArray(value)) {
    return wrap(value.length === 0 || name === 'Array' ? '' : `${name}(${value.length}) `, '[', listed(value, depth, state), ']')
  }
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    const items = value as unknown as ArrayLike<unknown>
    return wrap(`${name}(${items.length}) `, '[', listed(items, depth, state), ']')
  }
  if (value instanceof Map) {
    const parts = taken(value.entries()).map(([key, item]) => `${show(key, depth + 1, state)} => ${show(item, depth + 1, state)}`)
    return wrap(`Map(${value.size}) `, '{', more(parts, value.size), '}')
  }
  if (value instanceof Set) {
    const parts = taken(value.values()).map((item) => show(item, depth + 1, state))
    return wrap(`Set(${value.size}) `, '{', more(parts, value.size), '}')
  }
  const boxed = value instanceof Number || value instanceof String || value instanceof Boolean
  if (boxed) return `[${name}: ${show(value.valueOf(), depth, state)}]`
  const prefix = name === 'Object' ? '' : name === '' ? '[Object: null prototype] ' : `${name} `
  return wrap(prefix, '{', properties(value, depth, state), '}')
}

function showError(error: Error, depth: number, state: State): string {
  const stack = typeof error.stack === 'string' && error.stack !== '' ? error.stack : `[${error.name}: ${error.message}]`
  const parts = properties(error, depth, state)
  const extra = error.cause !== undefined ? [...parts, `[cause]: ${show(error.cause, depth + 1, state)}`] : parts
  return extra.length === 0 ? stack : `${stack} {\n  ${extra.join(',\n  ')}\n}`
}

function properties(value: object, depth: number, state: State): string[] {
  const keys: PropertyKey[] = Object.keys(value)
  for (const symbol of Object.getOwnPropertySymbols(value)) {
    if (Object.prototype.propertyIsEnumerable.call(value, symbol)) keys.push(symbol)
  }
  if (state.options.sorted === true) keys.sort()
  const parts = keys.slice(0, ENTRIES_MAX).map((key) => {
    const name = typeof key === 'symbol' ? `[${key.toString()}]` : IDENTIFIER.test(String(key)) ? String(key) : quote(String(key))
    const descriptor = Object.getOwnPropertyDescriptor(value, key)
    if (descriptor?.get !== undefined) return `${name}: [Getter${descriptor.set === undefined ? '' : '/Setter'}]`
    return `${name}: ${show(descriptor?.value, depth + 1, state)}`
  })
  return more(parts, keys.length)
}

function listed(items: ArrayLike<unknown>, depth: number, state: State): string[] {
  const parts: string[] = []
  for (let index = 0; index < items.length && index < ENTRIES_MAX; index++) {
    parts.push(index in items ? show(items[index], depth + 1, state) : '<empty>')
  }
  return more(parts, items.length)
}

function taken<Item>(items: Iterable<Item>): Item[] {
  const kept: Item[] = []
  for (const item of items) {
    kept.push(item)
    if (kept.length >= ENTRIES_MAX) break
  }
  return kept
}

function more(parts: string[], total: number): string[] {
  if (total > parts.length) parts.push(`... ${total - parts.length} more items`)
  return parts
}

function wrap(prefix: string, open: string, parts: string[], close: string): string {
  if (parts.length === 0) return `${prefix}${open}${close}`
  const width = parts.reduce((sum, part) => sum + part.length + 2, prefix.length)
  if (width <= LINE_CHARS && !parts.some((part) => part.includes('\n'))) return `${prefix}${open} ${parts.join(', ')} ${close}`
  return `${prefix}${open}\n  ${parts.map((part) => part.replaceAll('\n', '\n  ')).join(',\n  ')}\n${close}`
}

function className(value: object): string {
  for (let object: object | null = value; object !== null; object = Object.getPrototypeOf(object)) {
    const maker = Object.getOwnPropertyDescriptor(object, 'constructor')?.value
    if (typeof maker === 'function' && maker.name !== '') return maker.name
  }
  return ''
}

function quote(text: string): string {
  const cut =
    text.length > STRING_CHARS_MAX
      ? `${text.slice(0, STRING_CHARS_MAX)}... ${text.length - STRING_CHARS_MAX} more characters`
      : text
  const escaped = cut.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\t', '\\t')
  if (!escaped.includes("'")) return `'${escaped}'`
  return escaped.includes('"') ? `'${escaped.replaceAll("'", "\\'")}'` : `"${escaped}"`
}
