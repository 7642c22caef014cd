import type { Socket } from 'node:net'
import type { ByteChannel } from '@peerless/interface'
import { adoptSocket, oneBufferSocket, type TakeRead } from './one-buffer.ts'

/** A byte channel over an inherited pipe, whose bytes are read at once: those that come before a receiver is set are lost. */
export function descriptorChannel(fd: number): ByteChannel {
  return channelOf((take) => oneBufferSocket({ fd }, take))
}

/** A byte channel over a socket that is nobody else's from now on. */
export function socketChannel(socket: Socket): ByteChannel {
  return channelOf((take) => adoptSocket(socket, take))
}

function channelOf(open: (take: TakeRead) => Socket): ByteChannel {
  let receiver: Parameters<ByteChannel['onBytes']>[0] | undefined
  const socket = open((chunk) => {
    receiver?.(chunk, true)
    return true
  })
  let failure: Error | undefined
  socket.on('error', (error) => {
    failure = error
  })
  return {
    send: (bytes) => (socket.writable ? socket.write(bytes) : true),
    onBytes: (receive) => {
      receiver = receive
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
