import { type FunctionRecord, MESSAGE, type Mesh, type OnAnswer, PEER_SILENT_MS_MIN } from '@peerless/interface'
import { rendezvousOwner } from '@peerless/routing'
import { MemoryLogger, MemoryNetwork, SeededRandom, settle, VirtualClock } from '@peerless/testing'
import test from 'ava'
import { PERMIT_ANSWER_MS_MAX, PERMIT_IDLE_MS, RECALL_ANSWER_MS_MAX } from '../src/constants.ts'
import { CHANGES, HOLDS } from '../src/permit-message.ts'
import { ReservedConcurrency } from '../src/reserved-concurrency.ts'
import { cluster, RECORD } from './_cluster.ts'

interface Node {
  readonly id: string
  readonly mesh: Mesh
  readonly reserved: ReservedConcurrency
  readonly logger: MemoryLogger
}

/** Nodes in memory, and the calls that are under way at them. */
class Scene {
  readonly clock = new VirtualClock()
  readonly random: SeededRandom
  readonly network: MemoryNetwork
  readonly nodes: Node[] = []
  /** Why calls were not let through. */
  readonly reasons: string[] = []
  readonly running: { readonly at: string; readonly end: () => void }[] = []

  readonly #jittery: boolean

  /** @param jittery messages take their time, each kind its own: between two real nodes each direction has streams of its own */
  constructor(count: number, seed = 1, jittery = false) {
    this.#jittery = jittery
    this.random = new SeededRandom(seed)
    this.network = new MemoryNetwork(this.random)
    for (let index = 0; index < count; index++) this.join(`n${index}`)
  }

  join(id: string): Node {
    const mesh = this.network.join(id)
    if (this.#jittery) this.#jitter(mesh)
    const logger = new MemoryLogger()
    const reserved = new ReservedConcurrency({ mesh, clock: this.clock, logger })
    reserved.start()
    const node = { id, mesh, reserved, logger }
    this.nodes.push(node)
    return node
  }

  #jitter(mesh: Mesh): void {
    const lanes = new Map<string, Promise<void>>()
    const pause = async () => {
      for (let turns = Math.floor(this.random.next() * 5); turns > 0; turns--) await new Promise(setImmediate)
    }
    const { request } = mesh
    mesh.request = (peerId, type, header, payload, done) => {
      const lane = `${peerId} ${type}`
      const before = lanes.get(lane) ?? Promise.resolve()
      const now = before.then(pause).then(() => {
        request.call(mesh, peerId, type, header, payload, (...answer) => void pause().then(() => done(...answer)))
      })
      lanes.set(lane, now)
      return () => undefined
    }
  }

  /** As a crash: its calls are gone with it. */
  leave(id: string): void {
    this.network.leave(id)
    this.nodes.find((node) => node.id === id)?.reserved.stop()
    this.nodes.splice(
      this.nodes.findIndex((node) => node.id === id),
      1
    )
    for (const call of this.running.filter(({ at }) => at === id)) this.running.splice(this.running.indexOf(call), 1)
  }

  /** @returns whether it was let through, once that is known */
  call(node: Node, reserved: number, name = 'f'): Promise<boolean> {
    return new Promise((resolve) => {
      const done: OnAnswer = () => undefined
      node.reserved.enter({ name } as FunctionRecord, reserved, done, (leave) => {
        const granted = typeof leave === 'function'
        if (granted) this.running.push({ at: node.id, end: () => leave(undefined, undefined as never) })
        else this.reasons.push(leave.code)
        resolve(granted)
      })
    })
  }

  async calls(node: Node, count: number, reserved: number): Promise<number> {
    const asked = Array.from({ length: count }, () => this.call(node, reserved))
    await this.settle()
    return (await Promise.all(asked)).filter(Boolean).length
  }

  end(index = 0): void {
    this.running.splice(index, 1)[0]?.end()
  }

  endAll(): void {
    while (this.running.length > 0) this.end()
  }

  /** Messages arrive; hardly any time passes. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < (this.#jittery ? 150 : 12); turn++) await settle()
  }

  home(name = 'f'): Node {
    const owner = rendezvousOwner(
      name,
      this.nodes.map(({ id }) => id)
    )
    return this.nodes.find(({ id }) => id === owner) as Node
  }

  other(...than: Node[]): Node {
    return this.nodes.find((node) => !than.includes(node)) as Node
  }
}

test('all that is reserved can be used at one node, and not one more', async (t) => {
  for (const at of [0, 1, 2]) {
    const scene = new Scene(3)
    await scene.settle()
    t.is(await scene.calls(scene.nodes[at] as Node, 7, 5), 5)
  }
})

test('calls by all nodes together are as many as are reserved', async (t) => {
  const scene = new Scene(5)
  await scene.settle()
  const asked = Array.from({ length: 20 }, (_, index) => scene.call(scene.nodes[index % 5] as Node, 7))
  await scene.settle()
  t.is((await Promise.all(asked)).filter(Boolean).length, 7)
  scene.end(3)
  await scene.settle()
  t.is(await scene.calls(scene.nodes[0] as Node, 2, 7), 1)
})

test('a permit that one node does not use any more is another node’s at once, whoever keeps the count', async (t) => {
  const scene = new Scene(4)
  await scene.settle()
  for (let turn = 0; turn < 3; turn++) {
    for (const node of scene.nodes) {
      t.is(await scene.calls(node, 2, 1), 1)
      scene.endAll()
    }
  }
})

test('a node that was refused gets the permit when the call ends that has it', async (t) => {
  const scene = new Scene(3)
  await scene.settle()
  const first = scene.other(scene.home())
  const second = scene.other(scene.home(), first)
  t.is(await scene.calls(first, 1, 1), 1)
  t.is(await scene.calls(second, 1, 1), 0)
  scene.endAll()
  await scene.settle()
  t.is(await scene.calls(second, 1, 1), 1)
})

test('a call that waits for its permit takes one that comes free here meanwhile', async (t) => {
  const scene = new Scene(2)
  await scene.settle()
  const node = scene.other(scene.home())
  t.is(await scene.calls(node, 1, 1), 1)
  const next = scene.call(node, 1)
  scene.endAll()
  await scene.settle()
  t.true(await next)
})

test('a steady stream of calls asks nobody; what is not used goes back', async (t) => {
  const scene = new Scene(2)
  await scene.settle()
  const home = scene.home()
  const node = scene.other(home)
  const told: unknown[] = []
  const { request } = node.mesh
  node.mesh.request = (...args: Parameters<Mesh['request']>) => {
    if (args[1] === MESSAGE.RESERVE) told.push(args[2])
    return request.apply(node.mesh, args)
  }
  for (let turn = 0; turn < 50; turn++) {
    t.true(await Promise.race([scene.call(node, 3), scene.settle().then(() => scene.running.length === 1)]))
    await scene.settle()
    scene.endAll()
  }
  t.deepEqual(told, [['f', 3, 1]])
  await scene.clock.advance(2 * PERMIT_IDLE_MS)
  // Between the two it says what it has, once a second.
  t.deepEqual(told, [
    ['f', 3, 1],
    ['f', HOLDS, 1],
    ['f', CHANGES, -1]
  ])
})

test('the node that keeps the count goes away: what is held is counted by the next one', async (t) => {
  const scene = new Scene(4)
  await scene.settle()
  const home = scene.home()
  const [one, two] = scene.nodes.filter((node) => node !== home) as [Node, Node]
  t.is(await scene.calls(one, 2, 5), 2)
  t.is(await scene.calls(two, 2, 5), 2)
  scene.leave(home.id)
  await scene.settle()
  t.is(await scene.calls(one, 3, 5), 1, 'four are under way')
  scene.endAll()
  await scene.settle()
  t.is(await scene.calls(two, 9, 5), 5)
})

test('a call that asks while that node goes away is answered by the next one', async (t) => {
  const scene = new Scene(3)
  await scene.settle()
  const home = scene.home()
  const asked = scene.call(scene.other(home), 1)
  scene.leave(home.id)
  await scene.settle()
  t.true(await asked)
})

test('what a node held that went away is free again', async (t) => {
  const scene = new Scene(3)
  await scene.settle()
  const node = scene.other(scene.home())
  t.is(await scene.calls(node, 2, 2), 2)
  scene.leave(node.id)
  await scene.settle()
  t.is(await scene.calls(scene.home(), 3, 2), 2)
})

test('a node that comes and is to keep the count is told what is held', async (t) => {
  const scene = new Scene(1)
  const [first] = scene.nodes as [Node]
  t.is(await scene.calls(first, 3, 3), 3)
  // Until one comes that is before it in the order.
  for (let count = 1; scene.home() === first; count++) scene.join(`late${count}`)
  await scene.settle()
  t.is(await scene.calls(scene.home(), 1, 3), 0)
  scene.end()
  await scene.settle()
  t.is(await scene.calls(scene.home(), 2, 3), 1)
})

test('a lower number holds for those that had more, as their calls end', async (t) => {
  const scene = new Scene(3)
  await scene.settle()
  const node = scene.other(scene.home())
  t.is(await scene.calls(node, 4, 4), 4)
  t.is(await scene.calls(node, 1, 2), 0)
  scene.end()
  scene.end()
  await scene.settle()
  t.is(await scene.calls(node, 1, 2), 0, 'two are still under way')
  scene.end()
  await scene.settle()
  t.is(await scene.calls(node, 2, 2), 1)
})

test('calls that wait for a permit are told when their node stops', async (t) => {
  const scene = new Scene(2)
  await scene.settle()
  const node = scene.other(scene.home())
  const asked = scene.call(node, 1)
  node.reserved.stop()
  t.false(await asked)
})

test('permits whose answer was lost are found again when they are wanted', async (t) => {
  const scene = new Scene(3)
  await scene.settle()
  const home = scene.home()
  const node = scene.other(home)
  const [granted] = await Promise.all([node.mesh.call(home.id, MESSAGE.RESERVE, ['f', 5, 3]), scene.settle()])
  t.is(granted.header, 3)
  t.is(await scene.calls(scene.other(home, node), 5, 5), 5)
})

test('nothing reserved lets nothing through', async (t) => {
  const scene = new Scene(1)
  t.is(await scene.calls(scene.nodes[0] as Node, 1, 0), 0)
})

test('a node that does not answer holds no call for longer than its time, and grants nothing twice afterwards', async (t) => {
  const scene = new Scene(2)
  await scene.settle()
  const home = scene.home()
  const node = scene.other(home)
  scene.network.freeze(home.id, () => 0)
  const asked = scene.call(node, 1)
  await scene.clock.advance(PERMIT_ANSWER_MS_MAX + 1)
  t.false(await asked)
  t.false(await scene.call(node, 1), 'nobody waits for an answer that is late')
  t.deepEqual(scene.reasons, ['UNAVAILABLE', 'UNAVAILABLE'])
  scene.network.thaw(home.id)
  await scene.settle()
  // It was granted after all.
  t.is(await scene.calls(node, 2, 1), 1)
  t.is(await scene.calls(home, 1, 1), 0)
  scene.endAll()
  await scene.settle()
  t.is(await scene.calls(home, 2, 1), 1)
})

test('many nodes that ask at once all get what one does not use', async (t) => {
  const scene = new Scene(12)
  await scene.settle()
  const holder = scene.other(scene.home())
  t.is(await scene.calls(holder, 100, 100), 100)
  scene.endAll()
  const asked = scene.nodes.filter((node) => node !== holder).map((node) => scene.call(node, 100))
  await scene.settle()
  t.true((await Promise.all(asked)).every(Boolean))
})

test('a holder that may be dead is not asked, and nobody waits for it', async (t) => {
  const scene = new Scene(3)
  await scene.settle()
  const holder = scene.other(scene.home())
  const other = scene.other(scene.home(), holder)
  t.is(await scene.calls(holder, 1, 2), 1)
  scene.network.freeze(holder.id, () => PEER_SILENT_MS_MIN + 1)
  t.is(await scene.calls(other, 3, 2), 1)
})

for (const [title, type, header] of [
  ['no list', MESSAGE.RESERVE, 'f'],
  ['a name that is none', MESSAGE.RESERVE, ['../f', 1, 1]],
  ['half a permit', MESSAGE.RESERVE, ['f', 1, 0.5]],
  ['fewer than none', MESSAGE.RESERVE, ['f', -1, -1]],
  ['none', MESSAGE.RESERVE, ['f', 1, 0]],
  ['more than anybody may have', MESSAGE.RESERVE, ['f', 1, 1e9]],
  ['a negative reservation', MESSAGE.RESERVE, ['f', -2, 1]],
  ['a recall of nothing', MESSAGE.RESERVE_RECALL, ['f', 0]],
  ['a recall without a name', MESSAGE.RESERVE_RECALL, [7, 1]]
] as const) {
  test(`refused and logged: ${title}`, async (t) => {
    const scene = new Scene(2)
    await scene.settle()
    const [one, two] = scene.nodes as [Node, Node]
    await t.throwsAsync(one.mesh.call(two.id, type, header), { code: 'MALFORMED' })
    t.is(two.logger.lines.length, 1)
  })
}

test('whoever does not keep the count gets nothing back', async (t) => {
  const scene = new Scene(3)
  await scene.settle()
  const node = scene.other(scene.home())
  t.is(await scene.calls(node, 1, 1), 1)
  scene.endAll()
  const reply = await Promise.all([
    scene.other(scene.home(), node).mesh.call(node.id, MESSAGE.RESERVE_RECALL, ['f', 1]),
    scene.settle()
  ])
  t.is(reply[0].header, 0)
  t.is(await scene.calls(node, 1, 1), 1, 'it still has it')
})

test('who asks for permits back and does not hear what comes of it is answered in time all the same', async (t) => {
  const scene = new Scene(1)
  const { id } = scene.home()
  const peer = scene.network.join('deaf')
  peer.handle(MESSAGE.RESERVE, () => undefined)
  await scene.settle()
  let answered = false
  peer.request(id, MESSAGE.RESERVE_RECALL, ['f', 1], new Uint8Array(0), () => {
    answered = true
  })
  await scene.settle()
  t.false(answered)
  await scene.clock.advance(RECALL_ANSWER_MS_MAX)
  await scene.settle()
  t.true(answered)
})

test('whatever comes in whatever order: never more than are reserved, and all of them when it is quiet', async (t) => {
  for (let seed = 1; seed <= 60; seed++) {
    const scene = new Scene(4, seed, seed % 2 === 0)
    await scene.settle()
    const reserved = 1 + Math.floor(scene.random.next() * 6)
    const pending: Promise<boolean>[] = []
    for (let turn = 0; turn < 150; turn++) {
      const chance = scene.random.next()
      const node = scene.nodes[Math.floor(scene.random.next() * scene.nodes.length)] as Node
      if (chance < 0.5) pending.push(scene.call(node, reserved))
      else if (chance < 0.8) scene.end(Math.floor(scene.random.next() * scene.running.length))
      else if (chance < 0.97) await settle()
      else await scene.clock.advance(scene.random.next() * 2 * PERMIT_IDLE_MS)
      if (scene.running.length > reserved) t.fail(`seed ${seed}, turn ${turn}: ${scene.running.length} of ${reserved}`)
    }
    await scene.settle()
    await Promise.all(pending)
    scene.endAll()
    await scene.settle()
    const node = scene.nodes[seed % 4] as Node
    t.is(await scene.calls(node, reserved + 2, reserved), reserved, `seed ${seed}`)
  }
})

test('nodes come and go: when it is quiet there are as many permits as are reserved', async (t) => {
  for (let seed = 1; seed <= 60; seed++) {
    const scene = new Scene(4, seed, seed % 2 === 0)
    await scene.settle()
    const reserved = 1 + Math.floor(scene.random.next() * 6)
    for (let turn = 0; turn < 150; turn++) {
      const chance = scene.random.next()
      const node = scene.nodes[Math.floor(scene.random.next() * scene.nodes.length)] as Node
      // One that goes away takes its questions with it.
      if (chance < 0.5) void scene.call(node, reserved)
      else if (chance < 0.75) scene.end(Math.floor(scene.random.next() * scene.running.length))
      else if (chance < 0.8 && scene.nodes.length > 1) scene.leave(node.id)
      else if (chance < 0.85) scene.join(`late${turn}`)
      else if (chance < 0.97) await settle()
      else await scene.clock.advance(scene.random.next() * 2 * PERMIT_IDLE_MS)
    }
    await scene.clock.advance(2 * PERMIT_ANSWER_MS_MAX)
    scene.endAll()
    await scene.settle()
    // What was lost with a connection is put right within a second or two.
    await scene.clock.advance(2 * PERMIT_IDLE_MS)
    await scene.settle()
    const node = scene.nodes[seed % scene.nodes.length] as Node
    t.is(await scene.calls(node, reserved + 2, reserved), reserved, `seed ${seed}`)
  }
})

test('in the pipeline: the calls above are told what Lambda tells, and the next ones run', async (t) => {
  const record = { ...RECORD, reservedConcurrency: 3 }
  const all = await cluster([8, 8, 8], () => record)
  t.teardown(() => all.stop())
  const target = { record, version: record.latest }
  const calls = Array.from({ length: 5 }, () => all.nodes[0]?.service.invoke(all.order({ target })))
  const settled = Promise.allSettled(calls)
  for (let turn = 0; turn < 12; turn++) await settle()
  const running = () => all.nodes.reduce((sum, { instances }) => sum + instances.running.length, 0)
  t.is(running(), 3)
  for (const { instances } of all.nodes) while (instances.running.length > 0) instances.finish()
  const outcomes = await settled
  t.is(outcomes.filter(({ status }) => status === 'fulfilled').length, 3)
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected')
      t.like(outcome.reason, { code: 'THROTTLED', detail: { reason: 'ReservedFunctionConcurrentInvocationLimitExceeded' } })
  }
})
