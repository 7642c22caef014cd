/** Reads members of a JSON object that guest code wrote. Each throws a TypeError that names member and rule. */
export interface Fields {
  text(name: string, charsMax: number): string
  texts(name: string, countMax: number): string[]
  oneOf<Choice extends string>(name: string, choices: readonly Choice[]): Choice
  integer(name: string, from: number, to: number): number
  flag(name: string): boolean
  get(name: string): unknown
}

/** @throws TypeError */
export function fieldsOf(json: string): Fields {
  const value = JSON.parse(json) as unknown
  if (typeof value !== 'object' || value === null) throw new TypeError('a job needs an object')
  const get = (name: string): unknown => (Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined)
  return {
    get,
    flag: (name) => get(name) === true,
    text(name, charsMax) {
      const text = get(name)
      if (typeof text !== 'string' || text.length > charsMax) {
        throw new TypeError(`${name} must be text of at most ${charsMax} characters`)
      }
      return text
    },
    texts(name, countMax) {
      const list = get(name)
      if (!Array.isArray(list) || list.length > countMax || !list.every((item) => typeof item === 'string')) {
        throw new TypeError(`${name} must be at most ${countMax} texts`)
      }
      return list
    },
    oneOf(name, choices) {
      const found = choices.find((choice) => choice === get(name))
      if (found === undefined) throw new TypeError(`${name} must be one of ${choices.join(', ')}`)
      return found
    },
    integer(name, from, to) {
      const number = get(name)
      if (!Number.isSafeInteger(number) || (number as number) < from || (number as number) > to) {
        throw new TypeError(`${name} must be an integer from ${from} to ${to}`)
      }
      return number as number
    }
  }
}
