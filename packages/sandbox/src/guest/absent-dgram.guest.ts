import type { EventEmitter } from 'node:events'

type Done = (error?: Error | null, bytes?: number) => void

const unavailable = (what: string) =>
  Object.assign(new Error(`node:dgram does not exist inside functions: ${what} reaches nobody`), {
    code: 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM'
  })

/**
 * Sockets that nothing leaves: tracers and clients of StatsD send datagrams beside what a function does, and hear by the callback, or by an event, that one did not
 * get away, as where there is no network. A socket that could not even be made would end the function.
 */
export function absentDgram(load: (name: string) => unknown): Record<string, unknown> {
  const Emitter = load('events') as new () => EventEmitter

  class Socket extends Emitter {
    send(...values: unknown[]): void {
      const done = values.findLast((value) => typeof value === 'function') as Done | undefined
      this.#fail('a datagram', done)
    }

    bind(): this {
      this.#fail('a socket that listens', undefined)
      return this
    }

    connect(...values: unknown[]): void {
      this.#fail('a connection', values.findLast((value) => typeof value === 'function') as Done | undefined)
    }

    close(done?: () => void): this {
      if (done !== undefined) this.once('close', done)
      queueMicrotask(() => this.emit('close'))
      return this
    }

    address(): object {
      return {}
    }

    ref(): this {
      return this
    }

    unref(): this {
      return this
    }

    #fail(what: string, done: Done | undefined): void {
      const error = unavailable(what)
      queueMicrotask(() => (done === undefined ? this.emit('error', error) : done(error)))
    }
  }

  return { Socket, createSocket: () => new Socket() }
}
