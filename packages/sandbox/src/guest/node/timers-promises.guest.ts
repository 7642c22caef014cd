interface Options {
  signal?: AbortSignal
  ref?: boolean
}

type Start = (run: () => void) => () => void

/** node:timers/promises. @param load the library's own */
export function makeTimersPromises(load: (id: string) => unknown): Record<string, unknown> {
  const { AbortError } = load('internal/errors') as { AbortError: new (message?: string, options?: object) => Error }
  const { validateAbortSignal, validateObject } = load('internal/validators') as Record<
    string,
    (value: unknown, name: string) => void
  >
  const wait = (start: Start, value: unknown, options: Options = {}): Promise<unknown> =>
    new Promise((resolve, reject) => {
      validateObject?.(options, 'options')
      const { signal } = options
      if (signal !== undefined) validateAbortSignal?.(signal, 'options.signal')
      if (signal?.aborted === true) {
        reject(new AbortError(undefined, { cause: signal.reason }))
        return
      }
      const abort = () => {
        stop()
        reject(new AbortError(undefined, { cause: signal?.reason }))
      }
      const stop = start(() => {
        signal?.removeEventListener('abort', abort)
        resolve(value)
      })
      signal?.addEventListener('abort', abort, { once: true })
    })

  const later =
    (delayMs: unknown): Start =>
    (run) => {
      const timer = setTimeout(run, delayMs as number)
      return () => clearTimeout(timer)
    }
  const soon: Start = (run) => {
    const immediate = setImmediate(run)
    return () => clearImmediate(immediate)
  }
  const promises = {
    setTimeout: (delayMs: unknown, value: unknown, options?: Options) => wait(later(delayMs), value, options),
    setImmediate: (value: unknown, options?: Options) => wait(soon, value, options),
    async *setInterval(delayMs: unknown, value: unknown, options?: Options): AsyncGenerator<unknown> {
      for (;;) yield await wait(later(delayMs), value, options)
    },
    scheduler: {
      wait: (delayMs: unknown, options?: Options) => wait(later(delayMs), undefined, options),
      yield: () => wait(soon, undefined)
    }
  }
  return promises
}
