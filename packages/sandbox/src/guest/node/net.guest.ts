import type * as NodeNet from 'node:net'
import type * as NodeStream from 'node:stream'

type Load = (id: string) => unknown

export function unavailable(what: string): Error {
  return Object.assign(new Error(`${what} is not available inside functions: there are no sockets, use fetch or node:http`), {
    code: 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM'
  })
}

/** node:net as far as it goes without sockets: the questions about addresses, and classes that others extend. */
export function makeNet(load: Load): Record<string, unknown> {
  const { Duplex } = load('stream') as typeof NodeStream
  const { isIP, isIPv4, isIPv6 } = load('internal/net') as typeof NodeNet
  const EventEmitter = load('events') as new () => NodeJS.EventEmitter

  class Socket extends Duplex {
    connecting = false
    encrypted = false
    remoteAddress = undefined
    remotePort = undefined
    timeout = 0

    override _read(): void {
      // Nothing ever comes.
    }

    override _write(_chunk: unknown, _encoding: unknown, done: (error?: Error) => void): void {
      done(unavailable('net.Socket'))
    }

    connect(): this {
      queueMicrotask(() => this.destroy(unavailable('net.connect')))
      return this
    }

    setTimeout(): this {
      return this
    }

    setNoDelay(): this {
      return this
    }

    setKeepAlive(): this {
      return this
    }

    ref(): this {
      return this
    }

    unref(): this {
      return this
    }

    address(): object {
      return {}
    }
  }

  class Server extends EventEmitter {
    listening = false

    constructor(options?: unknown, listener?: (...values: unknown[]) => void) {
      super()
      const connected = typeof options === 'function' ? (options as (...values: unknown[]) => void) : listener
      if (connected !== undefined) this.on('connection', connected)
    }

    listen(): this {
      queueMicrotask(() => this.emit('error', unavailable('a server that listens')))
      return this
    }

    close(done?: (error?: Error) => void): this {
      if (done !== undefined) queueMicrotask(() => done())
      return this
    }

    address(): null {
      return null
    }

    ref(): this {
      return this
    }

    unref(): this {
      return this
    }
  }

  const connect = () => new Socket().connect()
  return {
    isIP,
    isIPv4,
    isIPv6,
    Socket,
    Stream: Socket,
    Server: callable(Server),
    createServer: (options?: unknown, listener?: (...values: unknown[]) => void) => new Server(options, listener),
    connect,
    createConnection: connect,
    getDefaultAutoSelectFamily: () => true,
    setDefaultAutoSelectFamily: () => undefined
  }
}

/** Node's own code calls `Server.call(this, …)`, which a class does not allow. */
function callable<Made extends new (...values: never[]) => object>(made: Made): Made {
  const wrapped = function (this: object | undefined, ...values: never[]): object {
    if (new.target !== undefined) return Reflect.construct(made, values, new.target)
    if (this instanceof made) {
      Object.assign(this, new made(...values), this)
      return this
    }
    return new made(...values)
  }
  Object.setPrototypeOf(wrapped, made)
  wrapped.prototype = made.prototype
  return wrapped as unknown as Made
}
