import { SourceMap } from 'node:module'
import { inflateSync } from 'node:zlib'
import { LIMITS } from '@peerless/interface'

/** Where guest scripts are said to lie, as on Lambda. */
export const SCRIPT_NAME = '/var/task/bundle.js'
const POSITION = /\/var\/task\/bundle\.js:(\d+):(\d+)/g
const FRAMES_MAPPED_MAX = 200
/** How what zlib compressed begins (RFC 1950), and no JSON. */
const COMPRESSED = 0x78

/** Puts the author's own files and lines into error JSON and log lines. Few of them name positions, so the map is parsed when the first does. */
export class TraceMap {
  #json: Uint8Array | undefined
  #map: SourceMap | undefined
  #come: (() => void) | undefined
  /** Resolves when it is there, where it comes later. */
  readonly whole: Promise<void>

  /** @param json UTF-8, or that compressed @param follows whether it comes by `give` */
  constructor(json: Uint8Array | undefined, follows = false) {
    this.#json = json
    this.whole = follows
      ? new Promise((resolve) => {
          this.#come = resolve
        })
      : Promise.resolve()
  }

  /** It comes after its script: a start does not wait for it. */
  give(json: Uint8Array): void {
    this.#json = json
    this.#map = undefined
    this.#come?.()
  }

  /** The text with positions of the script replaced, so that JSON stays JSON; unchanged when there is no (good) map. */
  apply(text: string): string {
    if (this.#json === undefined || !text.includes(SCRIPT_NAME)) return text
    try {
      this.#map ??= new SourceMap(JSON.parse(textOf(this.#json)))
    } catch {
      // A broken map is the bundler's mistake, not the function's: its error is still told, with positions of the script.
      return text
    }
    const map = this.#map
    let left = FRAMES_MAPPED_MAX
    return text.replace(POSITION, (whole, line: string, column: string) => {
      if (left-- <= 0) return whole
      const entry = map.findEntry(Number(line) - 1, Number(column) - 1)
      if (!('originalSource' in entry) || typeof entry.originalSource !== 'string') return whole
      const source = JSON.stringify(entry.originalSource.replace(/^(?:\.\.?\/)+/, '')).slice(1, -1)
      return `/var/task/${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}`
    })
  }
}

function textOf(json: Uint8Array): string {
  const plain = json[0] === COMPRESSED ? inflateSync(json, { maxOutputLength: LIMITS.bundleBytesMax }) : Buffer.from(json)
  return plain.toString()
}
