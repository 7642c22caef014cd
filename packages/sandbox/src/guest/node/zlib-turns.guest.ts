import { core } from './core.guest.ts'

type Done = (...values: unknown[]) => void
type Call = (data: unknown, options: unknown, done?: unknown) => unknown

/** Of the streams that an instance may have open (zlib-handles): the rest are for those that a function opens itself. */
const UNDER_WAY_MAX = 16
const NAMES = ['deflate', 'inflate', 'deflateRaw', 'inflateRaw', 'gzip', 'gunzip', 'unzip'].concat([
  'brotliCompress',
  'brotliDecompress',
  'zstdCompress',
  'zstdDecompress'
])

/**
 * `gzip(data, callback)` and the like each open a stream, and end it by themselves. A function that compresses a hundred texts at once would find
 * no more streams; so those that are too many begin when others have ended.
 */
export function takeTurns(exports: Record<string, unknown>): void {
  const waiting: (() => void)[] = []
  let underWay = 0

  const begin = (call: Call, data: unknown, options: unknown, done: Done): void => {
    underWay++
    let ended = false
    const next = (): void => {
      if (ended) return
      ended = true
      underWay--
      waiting.shift()?.()
    }
    try {
      call(data, options, (...values: unknown[]) => {
        next()
        done(...values)
      })
    } catch (error) {
      next()
      throw error
    }
  }
  const queue = (call: Call, data: unknown, options: unknown, done: Done): void => {
    const context = core.context.get()
    waiting.push(() => {
      const before = core.context.get()
      core.context.set(context)
      try {
        begin(call, data, options, done)
      } catch (error) {
        process.nextTick(done, error)
      } finally {
        core.context.set(before)
      }
    })
  }

  for (const name of NAMES) {
    const call = exports[name] as Call
    const turn = (data: unknown, options: unknown, callback?: unknown): void => {
      const done = typeof options === 'function' ? options : callback
      // Not callable: its own check says so.
      if (typeof done !== 'function') call(data, options, callback)
      else (underWay < UNDER_WAY_MAX ? begin : queue)(call, data, typeof options === 'function' ? {} : options, done as Done)
    }
    exports[name] = Object.defineProperty(turn, 'name', { value: call.name })
  }
}
