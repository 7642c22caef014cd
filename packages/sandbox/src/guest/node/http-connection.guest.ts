import type { Socket } from 'node:net'

type Load = (id: string) => unknown

/** What stands for the connection of one request of node:http. */
export interface HttpConnection extends Socket {
  encrypted: boolean
  /** Something was sent or has come: silence begins anew. */
  touch(): void
}

/** The part of node:net's own that is leant on; `timeout` is the socket's to write. */
interface Base extends NodeJS.EventEmitter {
  readonly destroyed: boolean
  timeout: number
}

let made: (new () => HttpConnection) | undefined

/** A socket that carries nothing, but ends, fails and falls silent as one does: clients listen to it for all three. */
export function makeHttpConnection(load: Load): new () => HttpConnection {
  made ??= make(load)
  return made
}

function make(load: Load): new () => HttpConnection {
  const { Socket } = load('net') as { Socket: new () => Base }
  const { validateFunction } = load('internal/validators') as { validateFunction(value: unknown, name: string): void }

  class Connection extends Socket {
    encrypted = false
    #timer: ReturnType<typeof setTimeout> | undefined

    setTimeout(ms: number, run?: () => void): this {
      this.timeout = Number(ms)
      if (run !== undefined) {
        validateFunction(run, 'callback')
        if (this.timeout === 0) this.removeListener('timeout', run)
        else this.once('timeout', run)
      }
      this.touch()
      return this
    }

    touch(): void {
      clearTimeout(this.#timer)
      this.#timer = this.timeout > 0 && !this.destroyed ? setTimeout(() => this.emit('timeout'), this.timeout) : undefined
    }

    _destroy(error: Error | null, done: (error?: Error | null) => void): void {
      clearTimeout(this.#timer)
      done(error)
    }
  }
  return Connection as unknown as new () => HttpConnection
}
