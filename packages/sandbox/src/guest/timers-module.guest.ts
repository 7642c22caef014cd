import { clearTimeout, setImmediate, setInterval, setTimeout } from './timers.guest.ts'

export { clearTimeout, setImmediate, setInterval, setTimeout }
export const clearInterval = clearTimeout
export const clearImmediate = clearTimeout

interface Options {
  signal?: AbortSignal
}

function wait(delayMs: unknown, value: unknown, options: Options = {}): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const { signal } = options
    if (signal?.aborted === true) {
      reject(signal.reason)
      return
    }
    const timer = setTimeout(() => resolve(value), delayMs)
    signal?.addEventListener('abort', () => {
      clearTimeout(timer)
      reject(signal.reason)
    })
  })
}

export const promises = {
  setTimeout: wait,
  setImmediate: (value: unknown, options?: Options) => wait(1, value, options),
  async *setInterval(delayMs: unknown, value: unknown, options?: Options): AsyncGenerator<unknown> {
    for (;;) yield await wait(delayMs, value, options)
  },
  scheduler: { wait: (delayMs: unknown, options?: Options) => wait(delayMs, undefined, options), yield: () => wait(1, undefined) }
}
