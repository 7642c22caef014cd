import { watch } from 'node:fs'
import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** Editors write a file in several steps; this long after the last of them it is whole. */
const QUIET_MS = 100
/** What changes here is no source, or changes too much. */
const IGNORED = /(^|[\\/])(node_modules|\.git)([\\/]|$)/

/**
 * Yields once per burst of changes under a folder (or the folder of a file), until the signal aborts. Changes during the consumer's
 * work are one more burst, however many they are. The watch stands when the first `next()` is called.
 */
export async function* changesUnder(path: string, signal: AbortSignal): AsyncGenerator<void> {
  const folder = (await stat(path)).isDirectory() ? path : dirname(path)
  let changes = 0
  let failure: Error | undefined
  let wake: () => void = () => undefined
  const watcher = watch(folder, { recursive: true, signal }, (_kind, name) => {
    if (name !== null && IGNORED.test(name)) return
    changes++
    wake()
  })
  watcher.on('error', (error) => {
    failure = error
    wake()
  })
  signal.addEventListener('abort', () => wake(), { once: true })
  try {
    while (!signal.aborted) {
      if (failure !== undefined) throw failure
      if (changes === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        continue
      }
      for (let seen = -1; seen !== changes && !signal.aborted; ) {
        seen = changes
        // Aborted: the loops end by themselves.
        await delay(QUIET_MS, undefined, { signal }).catch(() => undefined)
      }
      changes = 0
      if (!signal.aborted) yield
    }
  } finally {
    watcher.close()
  }
}
