import { type BundleManifest, readBundle } from './read-bundle.ts'

/** What an isolate is prepared for; it can't be changed afterwards. */
export interface IsolateKind {
  readonly memoryMb: number
  /** Its code uses fetch's classes. */
  readonly web: boolean
  /** Whether it uses `node:` modules, and AsyncLocalStorage among them, which what they are made of must know before; or runs Python. */
  readonly runtime: Runtime
}

type Runtime = 'none' | 'node' | 'node-async' | 'python'

/**
 * What a bundle's text says of what it will use: a guess, the same for each isolate of it. What was not guessed is evaluated when it is first used. Looks for plain
 * texts, because a regular expression takes 3 ms for a bundle of 1 MB.
 */
export interface BundleNeeds {
  readonly web: boolean
  readonly runtime: Runtime
}

/** @param script UTF-8 */
export function needsOf({ builtins }: BundleManifest, script: Uint8Array): BundleNeeds {
  const text = Buffer.from(script.buffer, script.byteOffset, Math.min(script.length, LOOKED_BYTES_MAX))
  const web = WEB.some((part) => text.includes(part)) || hasWord(text, 'fetch')
  if (text.toString('latin1', 0, PYTHON.length) === PYTHON) return { web, runtime: 'python' }
  // What asks for no module may still use the global.
  if (builtins.length === 0 && !hasWord(text, 'Buffer')) return { web, runtime: 'none' }
  return { web, runtime: builtins.includes('async_hooks') ? 'node-async' : 'node' }
}

/** What an instance with these needs is to be prepared for. */
export function kindOf(
  { web, runtime }: BundleNeeds,
  { memoryMb, environment }: { readonly memoryMb: number; readonly environment: Readonly<Record<string, string>> }
): IsolateKind {
  // Node's modules read this variable once, when the first is loaded.
  const late = runtime.startsWith('node') && environment.NODE_DEBUG !== undefined
  return { memoryMb, web, runtime: late ? 'none' : runtime }
}

/** @throws PeerlessError MALFORMED */
export function needsOfBundle(bundle: Uint8Array): BundleNeeds {
  const { manifest, script } = readBundle(bundle)
  return needsOf(manifest, script)
}

export function isSameKind(a: IsolateKind, b: IsolateKind): boolean {
  return a.memoryMb === b.memoryMb && a.web === b.web && a.runtime === b.runtime
}

const WEB = ['new Response(', 'new Request(', 'new Headers(', 'Response.json(', 'Response.redirect(', 'Response.error(']
const WORD_CHARACTER = /[\w$]/
/** The daemon looks too, and others wait meanwhile: of what is behind that nothing is guessed. Some 15 ms. */
const LOOKED_BYTES_MAX = 8_388_608
/** What is part of other words so often is taken for a word, which is looked at each time: a text may be of nothing else. */
const PARTS_MAX = 10_000
/** How the bundler begins the script of a handler in Python (packages/bundle, foreign-bundle.ts). */
const PYTHON = "globalThis.__peerlessRequire('peerless:python').handler("

function hasWord(text: Buffer, word: string): boolean {
  let parts = 0
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length)) {
    if (++parts > PARTS_MAX) return true
    const stands = (index: number) => !WORD_CHARACTER.test(String.fromCharCode(text[index] ?? 0))
    if (stands(at - 1) && stands(at + word.length)) return true
  }
  return false
}
