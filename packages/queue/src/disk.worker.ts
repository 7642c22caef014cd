/** The queue's database in a thread of its own: the waits for the disk stay off the thread that serves calls. */
import { parentPort, workerData } from 'node:worker_threads'
import { messageOf } from '@peerless/interface'
import { decode } from '@peerless/wire'
import type { FromDisk, ToDisk } from './disk-host.ts'
import { QueueStore, type StoreOp } from './store.ts'

if (parentPort === null) throw new Error('disk.worker.ts runs as a worker thread')
const port = parentPort
const store = new QueueStore((workerData as { directory: string }).directory)
const send = (message: FromDisk) => port.postMessage(message)

port.on('message', (message: ToDisk) => {
  if (message.kind === 'close') {
    store.close()
    send({ kind: 'closed' })
    port.close()
    return
  }
  const { id } = message
  try {
    if (message.kind === 'commit') {
      // What this node's own main thread encoded a moment ago.
      store.commit(decode(message.ops, 'commit') as StoreOp[])
      send({ kind: 'answer', id, error: undefined, value: undefined })
    } else {
      const ask = store[message.question] as (...values: unknown[]) => unknown
      send({ kind: 'answer', id, error: undefined, value: ask.apply(store, message.values) })
    }
  } catch (error) {
    send({ kind: 'answer', id, error: messageOf(error), value: undefined })
  }
})
send({ kind: 'ready' })
