/**
 * Loaded into a daemon before its own code (`node --import`): a fault of the machine that no function can bring about, to be switched on and off, and a word of whom
 * the daemon leaves alone because others say so. With PEERLESS_STAGED_ILL naming a file, it answers every call of a peer at once and with nonsense for as long as that file
 * is there. On stderr it says `avoids NODE` for each call that would have gone there but for the word of others.
 */
import { existsSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'
import { MESSAGE, type Mesh } from '@peerless/interface'

const ill = process.env.PEERLESS_STAGED_ILL

if (isMainThread) {
  await fallIll()
  await tellWhoIsAvoided()
}

async function fallIll(): Promise<void> {
  const { Libp2pMesh } = await import('../../packages/mesh/src/mesh.ts')
  const handle = Libp2pMesh.prototype.handle
  const staged: Mesh['handle'] = function (this: InstanceType<typeof Libp2pMesh>, type, serve) {
    handle.call(this, type, (peerId, request) => {
      if (type === MESSAGE.INVOKE && ill !== undefined && existsSync(ill)) request.reply('nonsense')
      else serve(peerId, request)
    })
  }
  Libp2pMesh.prototype.handle = staged
}

async function tellWhoIsAvoided(): Promise<void> {
  const { CommonHealth } = await import('../../packages/routing/src/common-health.ts')
  const chanceOf = CommonHealth.prototype.chance
  CommonHealth.prototype.chance = function (node, nodes, now) {
    const chance = chanceOf.call(this, node, nodes, now)
    if (chance === 0) process.stderr.write(`avoids ${node}\n`)
    return chance
  }
}
