import { LIMITS, type PeerlessError } from '@peerless/interface'
import { ApiError } from './api-error.ts'
import { QUOTED_CHARS_MAX } from './limits.ts'

/** Reads the members of a request body as the Lambda service does: wrong JSON types end at once, broken constraints are collected. */
export class LambdaInput {
  readonly #members: Record<string, unknown>
  readonly #errors: string[] = []

  /** @throws ApiError when the body is not a JSON object */
  constructor(body: Buffer) {
    let alleged: unknown
    try {
      alleged = body.length === 0 ? {} : JSON.parse(body.toString('utf8'))
    } catch (error) {
      const reason = (error as Error).message.slice(0, QUOTED_CHARS_MAX)
      throw new ApiError(
        'INVALID_ARGUMENT',
        'InvalidRequestContentException',
        `Could not parse request body into json: ${reason}`
      )
    }
    this.#members = objectOf(alleged, 'the request body')
  }

  string(name: string, rule: { required?: boolean; lengthMax?: number; pattern?: RegExp } = {}): string | undefined {
    const value = this.#members[name]
    if (value === undefined || value === null) {
      if (rule.required === true) this.#broken(null, name, 'Member must not be null')
      return undefined
    }
    if (typeof value !== 'string') throw wrongType(name, value, 'String')
    if (rule.lengthMax !== undefined && value.length > rule.lengthMax)
      this.#broken(value, name, `Member must have length less than or equal to ${rule.lengthMax}`)
    else if (rule.pattern !== undefined && !rule.pattern.test(value))
      this.#broken(value, name, `Member must satisfy regular expression pattern: ${rule.pattern.source}`)
    return value
  }

  integer(name: string, min: number, max: number): number | undefined {
    const value = this.#members[name]
    if (value === undefined || value === null) return undefined
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw wrongType(name, value, 'Integer')
    if (value < min) this.#broken(value, name, `Member must have value greater than or equal to ${min}`)
    if (value > max) this.#broken(value, name, `Member must have value less than or equal to ${max}`)
    return value
  }

  boolean(name: string): boolean {
    const value = this.#members[name]
    if (value === undefined || value === null) return false
    if (typeof value !== 'boolean') throw wrongType(name, value, 'Boolean')
    return value
  }

  enumeration<Value extends string>(name: string, values: readonly Value[], required = false): Value | undefined {
    const value = this.string(name, { required })
    if (value === undefined) return undefined
    const known = values.find((one) => one === value)
    if (known === undefined) this.#broken(value, name, `Member must satisfy enum value set: [${values.join(', ')}]`)
    return known
  }

  /** A nested structure, or undefined when it is absent. */
  object(name: string): Record<string, unknown> | undefined {
    const value = this.#members[name]
    return value === undefined || value === null ? undefined : objectOf(value, name)
  }

  /** A list, or undefined when it is absent. Its items are alleged. */
  list(name: string): unknown[] | undefined {
    const value = this.#members[name]
    if (value === undefined || value === null) return undefined
    if (!Array.isArray(value)) throw wrongType(name, value, 'a list')
    return value
  }

  /** Environment.Variables; the catalog's size limit is AWS's 4 KB. */
  environment(): Record<string, string> | undefined {
    const environment = this.object('Environment')
    if (environment === undefined) return undefined
    const alleged = environment.Variables === undefined || environment.Variables === null ? {} : environment.Variables
    const variables = objectOf(alleged, 'Environment.Variables')
    const checked: [string, string][] = []
    for (const [name, value] of Object.entries(variables)) {
      if (typeof value !== 'string') throw wrongType(`Environment.Variables.${name.slice(0, 64)}`, value, 'String')
      if (!/^[a-zA-Z][a-zA-Z0-9_]+$/.test(name))
        this.#broken(
          `{${name}=…}`,
          'environment.variables',
          'Map keys must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+'
        )
      checked.push([name, value])
    }
    const bytes = Buffer.byteLength(JSON.stringify(variables))
    if (bytes > LIMITS.environmentBytesMax)
      throw invalid(
        `Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit: ${bytes} bytes as JSON, at most ${LIMITS.environmentBytesMax}`
      )
    return Object.fromEntries(checked)
  }

  /** Refuses members that this mesh cannot honour, instead of promising what it does not do. Empty values mean nothing and pass. */
  unsupported(names: readonly string[]): void {
    for (const name of names) {
      const value = this.#members[name]
      if (isEmpty(value)) continue
      throw invalid(`${name} is not supported by this mesh: leave it out`)
    }
  }

  /** @throws ApiError ValidationException with everything that was wrong */
  check(): void {
    const count = this.#errors.length
    if (count > 0) throw validation(`${count} validation error${count === 1 ? '' : 's'} detected: ${this.#errors.join('; ')}`)
  }

  #broken(value: unknown, name: string, rule: string): void {
    const path = name.charAt(0).toLowerCase() + name.slice(1)
    this.#errors.push(brokenRule(value, path, rule))
  }
}

export function brokenRule(value: unknown, path: string, rule: string): string {
  const shown = value === null ? 'null' : `'${String(value).slice(0, QUOTED_CHARS_MAX)}'`
  return `Value ${shown} at '${path}' failed to satisfy constraint: ${rule}`
}

export function validation(message: string): ApiError {
  return new ApiError('INVALID_ARGUMENT', 'ValidationException', message)
}

export function invalid(message: string): PeerlessError {
  return new ApiError('INVALID_ARGUMENT', 'InvalidParameterValueException', message)
}

function objectOf(alleged: unknown, name: string): Record<string, unknown> {
  if (typeof alleged !== 'object' || alleged === null || Array.isArray(alleged)) throw wrongType(name, alleged, 'an object')
  // Checked above: a JSON object, whose members are still of unknown type.
  return alleged as Record<string, unknown>
}

function wrongType(name: string, value: unknown, expected: string): ApiError {
  const got = value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value
  return new ApiError('INVALID_ARGUMENT', 'SerializationException', `${name} must be ${expected}, got ${got}`)
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === false) return true
  if (typeof value !== 'object') return false
  return Object.values(value).every(isEmpty)
}
