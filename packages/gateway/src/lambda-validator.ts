import { ApiError } from './api-error.ts'
import type { Member, Pattern, Shape } from './lambda-shape.ts'
import { STRUCTURE_SHAPES } from './lambda-structure-shapes.ts'
import { VALUE_SHAPES } from './lambda-value-shapes.ts'

/** Text of a caller that a message repeats. Long enough for any ARN. */
const SHOWN_CHARS_MAX = 1_024
/** Lists and maps within each other of a value that is shown: text of thousands can be read, and not be shown. */
const SHOWN_DEPTH_MAX = 16
/** Errors listed in one message; the number is that of all. */
const LISTED_MAX = 20
/** Lists of the model that may hold null, as far as their errors say. */
const NULLABLE_LISTS = new Set(['SecurityGroupIds', 'SubnetIds'])
/** Lists whose errors name the rule of the item alone. */
const PLAIN_LISTS = new Set(['CompatibleRuntimes'])

/**
 * Holds members to the model and words what is broken as the Lambda service does. Broken rules are collected; a JSON type that
 * does not fit ends it at once.
 */
export class Validator {
  readonly #broken: string[] = []

  /** @returns the members that are there, in their types. @throws ApiError SerializationException */
  structure(members: readonly Member[], alleged: Readonly<Record<string, unknown>>, path: string): Record<string, unknown> {
    const checked: Record<string, unknown> = {}
    for (const { name, shape, required } of members) {
      const value = Object.hasOwn(alleged, name) ? alleged[name] : undefined
      const own = path === '' ? memberName(name) : `${path}.${memberName(name)}`
      if (value === undefined || value === null) {
        if (required) this.#add(null, own, 'Member must not be null')
        continue
      }
      checked[name] = this.#value(shape, value, own)
    }
    return checked
  }

  /** @throws ApiError ValidationException with everything that was wrong */
  check(): void {
    const count = this.#broken.length
    if (count === 0) return
    const listed = this.#broken.slice(0, LISTED_MAX).join('; ')
    throw validation(`${count} validation error${count === 1 ? '' : 's'} detected: ${listed}`)
  }

  #value(name: string, value: unknown, path: string): unknown {
    const shape = shapeOf(name)
    switch (shape.type) {
      case 'structure':
        return this.structure(shape.members, objectOf(value, path), path)
      case 'list':
        return this.#list(name, shape, value, path)
      case 'map':
        return this.#map(shape, value, path)
      case 'anything':
        return value
      default: {
        const typed = typedValue(shape, value, path)
        for (const rule of brokenRules(shape, typed)) this.#add(typed, path, rule)
        return typed
      }
    }
  }

  #list(name: string, shape: Shape & { type: 'list' }, value: unknown, path: string): unknown[] {
    if (!Array.isArray(value)) throw wrongType(path, value, 'a list')
    const { min, max } = shape
    if (max !== undefined && value.length > max) this.#add(value, path, `Member must have length less than or equal to ${max}`)
    if (min !== undefined && value.length < min) this.#add(value, path, `Member must have length greater than or equal to ${min}`)
    const item = shapeOf(shape.of)
    if (item.type === 'structure' || item.type === 'list' || item.type === 'map')
      return value.map((one, index) => this.#value(shape.of, one, `${path}.${index + 1}.member`))
    const typed = value.map((one) => (one === null ? null : typedValue(item, one, path)))
    if (typed.some((one) => one === null || brokenRules(item, one).length > 0)) this.#add(typed, path, listRule(name, item))
    return typed
  }

  #map(shape: Shape & { type: 'map' }, value: unknown, path: string): Record<string, unknown> {
    const alleged = objectOf(value, path)
    const [keyShape, valueShape] = [shapeOf(shape.key), shapeOf(shape.value)]
    const entries = Object.entries(alleged)
    if (entries.some(([key]) => brokenRules(keyShape, key).length > 0))
      this.#add(alleged, path, `Map keys must satisfy constraint: [${allRules(keyShape).join(', ')}]`)
    if (valueShape.type === 'list')
      return Object.fromEntries(entries.map(([key, one]) => [key, this.#value(shape.value, one, `${path}.${key}.member`)]))
    const typed = entries.map(([key, one]) => [key, one === null ? null : typedValue(valueShape, one, `${path}.${key}`)] as const)
    if (typed.some(([, one]) => one === null || brokenRules(valueShape, one).length > 0)) {
      const rules = [...allRules(valueShape), 'Member must not be null'].join(', ')
      this.#add(Object.fromEntries(typed), path, `Map value must satisfy constraint: [${rules}]`)
    }
    return Object.fromEntries(typed)
  }

  #add(value: unknown, path: string, rule: string): void {
    this.#broken.push(brokenRule(value, path, rule))
  }
}

export function brokenRule(value: unknown, path: string, rule: string): string {
  const shown = value === null ? 'null' : `'${shownValue(value).slice(0, SHOWN_CHARS_MAX)}'`
  return `Value ${shown} at '${path}' failed to satisfy constraint: ${rule}`
}

function validation(message: string): ApiError {
  return new ApiError('INVALID_ARGUMENT', 'ValidationException', message)
}

export function invalid(message: string): ApiError {
  return new ApiError('INVALID_ARGUMENT', 'InvalidParameterValueException', message)
}

function shapeOf(name: string): Shape {
  const shape = VALUE_SHAPES[name] ?? STRUCTURE_SHAPES[name]
  if (shape === undefined) throw new TypeError(`the model has no shape ${name}`)
  return shape
}

function listRule(name: string, item: Shape): string {
  const rules = allRules(item)
  if (PLAIN_LISTS.has(name)) return rules.join(', ')
  if (!NULLABLE_LISTS.has(name)) rules.push('Member must not be null')
  return `Member must satisfy constraint: [${rules.join(', ')}]`
}

/** Every rule of a shape, broken or not, in the service's order. */
function allRules(shape: Shape): string[] {
  switch (shape.type) {
    case 'oneOf':
      return [enumRule(shape.values)]
    case 'text':
      return [
        ...(shape.max === undefined ? [] : [`Member must have length less than or equal to ${shape.max}`]),
        ...(shape.min === undefined ? [] : [`Member must have length greater than or equal to ${shape.min}`]),
        ...(shape.pattern === undefined ? [] : [patternRule(shape.pattern)])
      ]
    case 'whole':
    case 'real': {
      const number = (bound: number) => (shape.type === 'real' ? doubleText(bound) : String(bound))
      return [
        ...(shape.max === undefined ? [] : [`Member must have value less than or equal to ${number(shape.max)}`]),
        ...(shape.min === undefined ? [] : [`Member must have value greater than or equal to ${number(shape.min)}`])
      ]
    }
    default:
      return []
  }
}

function brokenRules(shape: Shape, value: unknown): string[] {
  if (shape.type === 'oneOf') return shape.values.includes(value as string) ? [] : [enumRule(shape.values)]
  if (shape.type === 'text') {
    const given = value as string
    const { min, max, pattern } = shape
    if (max !== undefined && given.length > max) return [`Member must have length less than or equal to ${max}`]
    const broken: string[] = []
    if (min !== undefined && given.length < min) broken.push(`Member must have length greater than or equal to ${min}`)
    if (pattern !== undefined && !pattern.whole.test(given)) broken.push(patternRule(pattern))
    return broken
  }
  if (shape.type === 'whole' || shape.type === 'real') {
    const given = value as number
    if (shape.max !== undefined && given > shape.max) return [`Member must have value less than or equal to ${shape.max}`]
    if (shape.min !== undefined && given < shape.min) return [`Member must have value greater than or equal to ${shape.min}`]
  }
  return []
}

function enumRule(values: readonly string[]): string {
  return `Member must satisfy enum value set: [${values.join(', ')}]`
}

function patternRule(pattern: Pattern): string {
  return `Member must satisfy regular expression pattern: ${pattern.source}`
}

/** The value in the type of its shape. @throws ApiError SerializationException */
function typedValue(shape: Shape, value: unknown, path: string): unknown {
  switch (shape.type) {
    case 'text':
    case 'oneOf':
    case 'blob':
      if (typeof value !== 'string') throw wrongType(path, value, 'String')
      return value
    case 'whole':
      if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw wrongType(path, value, 'Integer')
      return value
    case 'real':
      if (typeof value !== 'number' || !Number.isFinite(value)) throw wrongType(path, value, 'Double')
      return value
    case 'boolean':
      if (typeof value !== 'boolean') throw wrongType(path, value, 'Boolean')
      return value
    case 'timestamp':
      return timeOf(value, path)
    default:
      return value
  }
}

/** Epoch seconds as JSON carries them, or ISO 8601. @returns epoch seconds */
function timeOf(value: unknown, path: string): number {
  const seconds = typeof value === 'number' ? value : typeof value === 'string' ? Date.parse(value) / 1_000 : Number.NaN
  if (!Number.isFinite(seconds)) throw wrongType(path, value, 'Timestamp')
  return seconds
}

/** @throws ApiError SerializationException */
export function objectOf(alleged: unknown, path: string): Record<string, unknown> {
  if (typeof alleged !== 'object' || alleged === null || Array.isArray(alleged)) throw wrongType(path, alleged, 'an object')
  // Checked above: a JSON object, whose members are still of unknown type.
  return alleged as Record<string, unknown>
}

function wrongType(path: string, value: unknown, expected: string): ApiError {
  const got = value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value
  return new ApiError('INVALID_ARGUMENT', 'SerializationException', `${jsonName(path)} must be ${expected}, got ${got}`)
}

/** The path as the request writes it. */
function jsonName(path: string): string {
  return path.replace(/(^|\.)[a-z]/g, (start) => start.toUpperCase())
}

/** `FunctionName` is `functionName` in messages. */
function memberName(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1)
}

/** As Java prints lists, maps and doubles. What lies deeper than any shape of ours was never meant as a value of it. */
function shownValue(value: unknown, depth = SHOWN_DEPTH_MAX): string {
  if (typeof value !== 'object' || value === null) return String(value)
  if (depth === 0) return '…'
  if (Array.isArray(value)) return `[${value.map((one) => shownValue(one, depth - 1)).join(', ')}]`
  return `{${Object.entries(value)
    .map(([key, one]) => `${key}=${typeof one === 'number' ? doubleText(one) : shownValue(one, depth - 1)}`)
    .join(', ')}}`
}

function doubleText(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : String(value)
}
