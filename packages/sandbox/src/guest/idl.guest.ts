import { customInspect, type InspectOptions, type inspect } from './inspect.guest.ts'

/** Members of web classes are enumerable, those of plain JavaScript classes are not. */
export function enumerable(...classes: { prototype: object }[]): void {
  for (const target of classes) {
    for (const key of Object.getOwnPropertyNames(target.prototype)) {
      if (key === 'constructor') continue
      const descriptor = Object.getOwnPropertyDescriptor(target.prototype, key) as PropertyDescriptor
      if (descriptor.configurable === true) Object.defineProperty(target.prototype, key, { ...descriptor, enumerable: true })
    }
  }
}

/** How Node refuses a call. */
export function refused(text: string, code: string): TypeError {
  return Object.assign(new TypeError(text), { code })
}

/** Of the arguments of a call, those that must be there. @throws TypeError ERR_MISSING_ARGS */
export function needs(args: readonly unknown[], ...names: string[]): void {
  if (args.length >= names.length) return
  const [last, ...more] = names.map((name) => `"${name}"`).reverse()
  const listed = more.length === 0 ? `${last} argument` : `${more.reverse().join(', ')} and ${last} arguments`
  throw refused(`The ${listed} must be specified`, 'ERR_MISSING_ARGS')
}

type Pairs = readonly (readonly [name: string, value: unknown])[]
type Kind = 'entries' | 'keys' | 'values'

const { getPrototypeOf, setPrototypeOf } = Object
const IteratorPrototype = getPrototypeOf(getPrototypeOf([].values())) as object

/**
 * The iterators of a class of pairs (`URLSearchParams`, `FormData`, `Headers`). They look at the pairs anew at each step, as the standard has it: who deletes or appends
 * while it walks finds what Node would find.
 */
export function pairIterators(className: string): <Item>(kind: Kind, pairs: () => Pairs) => ArrayIterator<Item> {
  class Walk {
    readonly #kind: Kind
    readonly #pairs: () => Pairs
    #at = 0

    constructor(kind: Kind, pairs: () => Pairs) {
      this.#kind = kind
      this.#pairs = pairs
    }

    next(): IteratorResult<unknown> {
      const pair = this.#pairs()[this.#at]
      if (pair === undefined) return { value: undefined, done: true }
      this.#at++
      return { value: this.#kind === 'entries' ? [...pair] : pair[this.#kind === 'keys' ? 0 : 1], done: false }
    }
  }
  enumerable(Walk)
  Reflect.deleteProperty(Walk.prototype, 'constructor')
  setPrototypeOf(Walk.prototype, IteratorPrototype)
  Object.defineProperty(Walk.prototype, Symbol.toStringTag, { value: `${className} Iterator`, configurable: true })
  return (kind, pairs) => new Walk(kind, pairs) as never
}

/**
 * What the console and `util.inspect` show of an object of a web class, whose members are all accessors of its prototype: what Node shows,
 * instead of nothing at all.
 */
export function inspectable<Made extends object>(target: { prototype: Made }, fieldsOf: (self: Made) => object): void {
  Object.defineProperty(target.prototype, customInspect, {
    value(this: Made, depth: number | null, options: InspectOptions, show: typeof inspect): string {
      const { name } = this.constructor
      if (depth !== null && depth < 0) return `[${name}]`
      const given = options.depth
      return `${name} ${show(fieldsOf(this), { ...options, ...(typeof given === 'number' ? { depth: given - 1 } : {}) })}`
    },
    writable: true,
    configurable: true
  })
}

/** The members that have these names, read one after the other. */
export function membersOf<Made extends object>(...names: (keyof Made)[]): (self: Made) => object {
  return (self) => Object.fromEntries(names.map((name) => [name, self[name]]))
}
