import type { Socket } from 'node:net'
import type { ByteChannel } from '@peerless/interface'

/** A byte channel over a socket or inherited pipe. The socket's bytes are read as soon as a receiver is set. */
export function socketChannel(socket: Socket): ByteChannel {
  let failure: Error | undefined
  socket.on('error', (error) => {
    failure = error
  })
  return {
    send: (bytes) => (socket.writable ? socket.write(bytes) : true),
    onBytes: (receive) => {
      socket.on('data', receive)
    },
    onDrain: (resume) => {
      socket.on('drain', resume)
    },
    onClose: (closed) => {
      if (socket.destroyed) queueMicrotask(() => closed(failure))
      else socket.once('close', () => closed(failure))
    },
    close: (error) => {
      if (error === undefined) socket.end(() => socket.destroy())
      else socket.destroy(error)
    }
  }
}
