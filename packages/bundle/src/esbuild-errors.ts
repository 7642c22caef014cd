import { isBuiltin } from 'node:module'
import { PeerlessError } from '@peerless/interface'
import type { BuildFailure, Message } from 'esbuild'
import { AWS_SDK } from './absent-package.ts'
import { nativeText } from './native-package.ts'

/** Errors shown of one build: the first few explain the rest. */
const ERRORS_SHOWN_MAX = 5
const TEXT_LENGTH_MAX = 500

const NO_NAMES: ReadonlySet<string> = new Set()
/**
 * esbuild's errors as `file:line:column: text`, one a line, columns from 1.
 * @param native packages that are there, and were not resolved because they are machine code
 */
export function sourceError(
  messages: readonly Message[],
  nameOf: (file: string) => string,
  native: ReadonlySet<string> = NO_NAMES
): PeerlessError {
  const lines = messages.slice(0, ERRORS_SHOWN_MAX).map((message) => {
    const { location } = message
    const text = explained(message.text, nameOf, native).slice(0, TEXT_LENGTH_MAX)
    return location === null ? text : `${nameOf(location.file)}:${location.line}:${location.column + 1}: ${text}`
  })
  if (messages.length > ERRORS_SHOWN_MAX) lines.push(`and ${messages.length - ERRORS_SHOWN_MAX} more`)
  return new PeerlessError('INVALID_SOURCE', lines.join('\n'))
}

/** The messages of a failed build, or undefined when it failed in another way. */
export function messagesOf(error: unknown): readonly Message[] | undefined {
  const { errors } = (typeof error === 'object' && error !== null ? error : {}) as Partial<BuildFailure>
  return Array.isArray(errors) ? errors : undefined
}

function explained(text: string, nameOf: (file: string) => string, native: ReadonlySet<string>): string {
  const name = /^Could not resolve "([^"]+)"$/.exec(text)?.[1]
  if (name !== undefined && native.has(name)) return nativeText(name)
  if (name !== undefined && AWS_SDK.test(name)) {
    return `${text}: unlike those of Lambda, functions here find no AWS SDK that they did not bring; install it, and bundle it or put it into the zip or a layer`
  }
  if (name === undefined || !isBuiltin(name)) return text.replace(/"(zip:[^"]*)"/g, (_, file: string) => `'${nameOf(file)}'`)
  return `module '${name.startsWith('node:') ? name : `node:${name}`}' does not exist inside functions`
}
