/** The ledger's core in a thread of its own: hashing, signing and the disk's waits stay off the thread that serves calls. */
import { parentPort, workerData } from 'node:worker_threads'
import { signerOf } from '@peerless/wire'
import { LedgerCore } from './core.ts'
import { CoreRunner } from './runner.ts'
import { openStore } from './store.ts'
import type { FromWorker, ToWorker, WorkerStart } from './worker-host.ts'

if (parentPort === null) throw new Error('core.worker.ts runs as a worker thread')
const port = parentPort
const start = workerData as WorkerStart
const send = (message: FromWorker, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer)

const { store, storeId } = openStore(start.directory, start.storeIdIfNew)
const core = new LedgerCore({
  mesh: start.mesh,
  signer: signerOf(start.seed),
  operatorAccount: start.operatorAccount,
  tariff: start.tariff,
  store,
  boot: start.boot,
  storeId
})
start.seed.fill(0)
const runner = new CoreRunner(core, setImmediate, (event) => send({ type: 'event', event }))

port.on('message', (message: ToWorker) => {
  if (message.type === 'close') {
    runner.close()
    send({ type: 'closed' })
    port.close()
  } else if (message.id === 0) runner.submit(message.command)
  else {
    const { id } = message
    runner.submit(message.command, (error, value) =>
      send({ type: 'answer', id, code: error?.code, message: error?.message, value })
    )
  }
})
send({ type: 'ready', storeId })
