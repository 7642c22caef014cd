type Done = { oncomplete: (error: unknown, result?: unknown) => void }

interface Listing {
  readdirSync(
    path: string,
    options: { withFileTypes: true }
  ): { name: string; isDirectory(): boolean; isSymbolicLink(): boolean }[]
}

/** `internalBinding('fs_dir')`: an open folder is its names as they were when it was opened. */
export function makeBindingFsDir(load: (id: string) => unknown): Record<string, unknown> {
  const answer = (request: Done | undefined, value: unknown): unknown => {
    if (request === undefined) return value
    queueMicrotask(() => request.oncomplete(null, value))
    return undefined
  }
  class Handle {
    readonly #left: (string | number)[]

    constructor(path: string) {
      const listed = (load('fs') as Listing).readdirSync(path, { withFileTypes: true })
      this.#left = listed.flatMap((entry) => [entry.name, entry.isDirectory() ? 2 : entry.isSymbolicLink() ? 3 : 1])
    }

    read(_encoding: unknown, count: number, request?: Done): unknown {
      const taken = this.#left.splice(0, 2 * Math.max(1, count))
      return answer(request, taken.length === 0 ? null : taken)
    }

    close(request?: Done): unknown {
      return answer(request, undefined)
    }
  }
  const opened = (path: string): { handle: Handle } | { error: unknown } => {
    try {
      return { handle: new Handle(path) }
    } catch (error) {
      // Told where it was asked: by the callback, or thrown.
      ;(error as { syscall?: string }).syscall = 'opendir'
      return { error }
    }
  }
  return {
    opendir(path: string, _encoding: unknown, request?: Done): unknown {
      const result = opened(path)
      if (request === undefined) {
        if ('error' in result) throw result.error
        return result.handle
      }
      queueMicrotask(() => ('error' in result ? request.oncomplete(result.error) : request.oncomplete(null, result.handle)))
      return undefined
    },
    opendirSync(path: string): Handle {
      const result = opened(path)
      if ('error' in result) throw result.error
      return result.handle
    }
  }
}
