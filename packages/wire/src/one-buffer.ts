import { Socket } from 'node:net'

/** As much as one read of a Unix socket brings under Linux's defaults (net.core.wmem_default, 212,992 bytes), and four times what Node reads at once. */
const READ_BYTES_MAX = 262_144

/** One for all sockets of the process: what a read brought is taken before the next one is made. */
const read = Buffer.allocUnsafeSlow(READ_BYTES_MAX)

/**
 * Takes what one read brought. The bytes are the next read's as soon as it returns: what is to be kept is copied.
 * @returns false to read no further until the socket is resumed
 */
export type TakeRead = (chunk: Buffer) => boolean

/**
 * A socket whose reads all land in one buffer, instead of one of 64 KiB for each that is made, cut to size and collected: that is a tenth of what a warm call
 * costs the processes on its way. It emits no 'data'.
 * @param source an inherited descriptor, or the handle of another socket
 */
export function oneBufferSocket(source: { fd: number } | { handle: object }, take: TakeRead, allowHalfOpen = false): Socket {
  return new Socket({
    ...(source as { fd: number }),
    allowHalfOpen,
    readable: true,
    writable: true,
    onread: { buffer: read, callback: (size, chunk) => take((chunk as Buffer).subarray(0, size)) }
  })
}

/**
 * The connection of a socket that somebody else made (a server, a child process), read into the one buffer. The old socket is an empty shell
 * afterwards. For a server it goes on counting as the same connection.
 *
 * Node gives sockets that it makes itself no `onread`; handing a handle on is how its own cluster module does it, though not documented.
 */
export function adoptSocket(socket: Socket, take: TakeRead): Socket {
  const old = socket as unknown as Insides
  const handle = old._handle
  if (handle === null) return socket
  old._handle = null
  const adopted = oneBufferSocket({ handle }, take, socket.allowHalfOpen)
  const own = adopted as unknown as Insides
  own.server = old.server
  own._server = old._server
  return adopted
}

/** What `net.Socket` keeps of its connection and of the server whose count of connections it is in. */
interface Insides {
  _handle: object | null
  server: unknown
  _server: unknown
}
