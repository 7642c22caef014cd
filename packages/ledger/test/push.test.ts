import { MESSAGE, type Mesh } from '@peerless/interface'
import { VirtualClock } from '@peerless/testing'
import { signerOf } from '@peerless/wire'
import test, { type ExecutionContext } from 'ava'
import { sha256 } from '../src/merkle.ts'
import { hexOf, readStatements } from '../src/statement.ts'
import { type Forged, forge, payloadOf } from './_forge.ts'
import { eventually, type Fleet, fleet, receiptOf, type TestNode } from './_nodes.ts'

/** A member that keeps what it is sent. */
interface Watcher {
  readonly mesh: Mesh
  /** Hashes of statements, each as often as it came. */
  readonly pushed: string[]
}

interface Scene extends Fleet {
  readonly clock: VirtualClock
  readonly victim: TestNode
  readonly mesh: Mesh
  readonly watcher: Watcher
  /** One receipt between mallory and an accomplice that signs everything. */
  statement(parts?: Partial<Parameters<typeof forge>[3]>): Forged
  push(...statements: Forged[]): Promise<unknown>
}

/** Honest nodes, one that only listens, and a member that follows no rule. */
async function scene(t: ExecutionContext, count: number): Promise<Scene> {
  const clock = new VirtualClock()
  const all = await fleet(t, count, { clock })
  const { network, random } = all
  const [victim] = all.nodes as [TestNode]
  const join = () => {
    const signer = signerOf(random.bytes(32))
    const mesh = network.join(signer.peerId)
    mesh.handle(MESSAGE.LEDGER_HEADS, (_from, request) =>
      request.reply([new Uint8Array(16).fill(7), 'none', 0, new Uint8Array(32)], new Uint8Array(0))
    )
    return { signer, mesh }
  }
  const watcher: Watcher = { mesh: join().mesh, pushed: [] }
  watcher.mesh.handle(MESSAGE.LEDGER_PUSH, (_from, request) => {
    watcher.pushed.push(...readStatements(Uint8Array.from(request.payload), 512).map(({ body }) => hexOf(sha256(body))))
    request.reply([])
  })
  const { signer: mallory, mesh } = join()
  mesh.handle(MESSAGE.LEDGER_PUSH, (_from, request) => request.reply([]))
  const friend = signerOf(random.bytes(32))
  return {
    ...all,
    clock,
    victim,
    mesh,
    watcher,
    statement: (parts = {}) => {
      const receipt = receiptOf({ caller: friend.peerId, executor: mallory.peerId }, random)
      return forge(mallory, network.meshId, [receipt], { callerBoot: new Uint8Array(16), acceptedBy: friend, ...parts })
    },
    push: (...statements) => mesh.call(victim.signer.peerId, MESSAGE.LEDGER_PUSH, [], payloadOf(...statements))
  }
}

function half(statement: Forged): Forged {
  return { ...statement, callerSignature: undefined }
}

test('of a node that signs many numbers many times all are told at once, and once', async (t) => {
  const all = await scene(t, 3)
  const { victim, nodes, clock, watcher, statement } = all
  const forks = Array.from({ length: 20 }, (_, epoch) => [
    statement({ epoch }),
    ...Array.from({ length: 5 }, () => half(statement({ epoch })))
  ])
  const first = forks.map(([one]) => one as Forged)
  await all.push(...first)
  await all.push(...forks.flat())
  t.is((await victim.ledger.stats()).shown, 120)
  t.is((await victim.ledger.stats()).forks, 20)
  for (let waited = 0; waited < 20_000; waited += 50) await clock.advance(50)
  for (const { ledger } of nodes) {
    await eventually(async () => (await ledger.stats()).shown === 120, 'the proof of each')
    t.like(await ledger.stats(), { forks: 20, frozen: 1 })
    t.false((await ledger.verify()).ok)
  }
  t.deepEqual([...new Set(watcher.pushed)].length, 2, 'one proof')
  t.true(watcher.pushed.length <= 2 * nodes.length, `${watcher.pushed.length} statements sent to each`)
})
