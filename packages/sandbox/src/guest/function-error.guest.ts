import { IntrinsicError, jsonStringify, reflectApply, stringSlice, stringSplit } from './intrinsics.guest.ts'

const MESSAGE_CHARS_MAX = 65_536
/** A stack begins with the message. */
const STACK_CHARS_MAX = 262_144
const TRACE_LINES_MAX = 50

export interface FunctionError {
  errorType: string
  errorMessage: string
  trace: string[]
}

/** What Lambda's Node runtime makes of a thrown value. Every access may run guest code that throws. */
export function describeError(thrown: unknown): FunctionError {
  try {
    if (thrown instanceof IntrinsicError) {
      const stack = thrown.stack
      const shown =
        typeof stack === 'string' && stack.length > STACK_CHARS_MAX
          ? reflectApply(stringSlice, stack, [0, STACK_CHARS_MAX])
          : stack
      const trace = typeof shown === 'string' ? (reflectApply(stringSplit, shown, ['\n', TRACE_LINES_MAX]) as string[]) : []
      return { errorType: textOf(thrown.name), errorMessage: textOf(thrown.message), trace }
    }
    return { errorType: typeof thrown, errorMessage: textOf(thrown), trace: [] }
  } catch {
    // A value that resists being looked at is still an error; there is nothing more to say of it.
    return { errorType: 'Error', errorMessage: 'a value was thrown that cannot be shown', trace: [] }
  }
}

export function errorJson(thrown: unknown): string {
  return jsonStringify(describeError(thrown))
}

export function errorJsonOf(errorType: string, errorMessage: string): string {
  return jsonStringify({ errorType, errorMessage, trace: [] })
}

function textOf(value: unknown): string {
  const text = typeof value === 'symbol' ? value.toString() : `${value}`
  return text.length > MESSAGE_CHARS_MAX ? (reflectApply(stringSlice, text, [0, MESSAGE_CHARS_MAX]) as string) : text
}
