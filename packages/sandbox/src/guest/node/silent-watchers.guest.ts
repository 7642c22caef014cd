type Load = (id: string) => unknown
type Emitter = new () => NodeJS.EventEmitter

interface Made {
  readonly FSWatcher: unknown
  readonly StatWatcher: unknown
}

const kFSWatchStart = Symbol('kFSWatchStart')
const kFSStatWatcherStart = Symbol('kFSStatWatcherStart')
const kFSStatWatcherAddOrCleanRef = Symbol('kFSStatWatcherAddOrCleanRef')
let made: Made | undefined

/**
 * What `fs.watch` and `fs.watchFile` give, for packages that reload what changes: nothing changes in a function but by its own hand, so they never tell
 * anything. Nobody waits for them either.
 */
export function makeWatchers(load: Load): Record<string, unknown> {
  made ??= make(load)
  return { ...made, kFSWatchStart, kFSStatWatcherStart, kFSStatWatcherAddOrCleanRef }
}

function make(load: Load): Made {
  const EventEmitter = load('events') as Emitter
  const { statSync } = load('fs') as typeof import('node:fs')

  class Silent extends EventEmitter {
    ref(): this {
      return this
    }

    unref(): this {
      return this
    }
  }

  class FSWatcher extends Silent {
    #closed = false;

    [kFSWatchStart](path: string): void {
      try {
        statSync(path)
      } catch (error) {
        const { message } = error as Error
        throw Object.assign(error as Error, { syscall: 'watch', filename: path, message: message.replace(', stat ', ', watch ') })
      }
    }

    close(): void {
      if (this.#closed) return
      this.#closed = true
      process.nextTick(() => this.emit('close'))
    }
  }

  class StatWatcher extends Silent {
    [kFSStatWatcherStart](): void {
      // Nothing to begin.
    }

    [kFSStatWatcherAddOrCleanRef](): void {
      // Nobody waits for it.
    }

    stop(): void {
      process.nextTick(() => this.emit('stop'))
    }
  }

  return { FSWatcher, StatWatcher }
}
