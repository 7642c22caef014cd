import { ASK } from '../../bridge-operations.ts'
import { ask } from '../bridge.guest.ts'
import { jsonParse } from '../intrinsics.guest.ts'
import { find, regex } from './regex.guest.ts'

/** Python's parts by path, such as `modules/uuid.py`. They come when a program first imports one of them. */
let sources: Record<string, string> | undefined

/** What those parts call: text and small numbers cross, nothing else. */
export const HOST_MODULE = {
  regex,
  find,
  source: (path: string): string | undefined => {
    sources ??= jsonParse(ask(ASK.CHUNK, 'python-modules') as string) as Record<string, string>
    return sources[path]
  },
  /** @param hex of the message @returns hex */
  digest: (algorithm: string, hex: string): string => toHex(ask(ASK.HASH, algorithm, undefined, fromHex(hex)) as Uint8Array),
  ascii,
  /** What the interpreter wrote for an object, with the escapes that CPython writes; empty where it is no JSON. */
  checked: (text: string): string => {
    try {
      jsonParse(text)
      return ascii(text)
    } catch {
      // The interpreter writes whatever it prints for objects that JSON does not have.
      return ''
    }
  },
  random: (count: number): string => toHex(ask(ASK.RANDOM, count) as Uint8Array)
}

function ascii(text: string): string {
  return text.replace(/[^\0-~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

const toHex = (bytes: Uint8Array): string => (bytes as Uint8Array & { toHex(): string }).toHex()
const fromHex = (text: string): Uint8Array => (Uint8Array as unknown as { fromHex(text: string): Uint8Array }).fromHex(text)
