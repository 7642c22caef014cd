/** A node in its own process, for tests that kill or freeze it. Directory and token come as arguments; it tells its peer id over IPC. */
import { MemoryLogger, realClock } from '@peerless/testing'
import { createMesh } from '../src/index.ts'
import { realRandom } from './_nodes.ts'

const [directory = '', token] = process.argv.slice(2)
const mesh = await createMesh({
  directory,
  name: 'child',
  join: token,
  clock: realClock,
  random: realRandom,
  logger: new MemoryLogger()
})
mesh.handle(1, (_peerId, request) => request.reply(undefined, request.payload))
mesh.handle(2, () => process.send?.('held'))
mesh.handle(3, () => process.kill(process.pid, 'SIGKILL'))
await mesh.start()
process.send?.(mesh.peerId)
process.once('disconnect', () => process.exit())
