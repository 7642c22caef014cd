import type { Clock, Receipt } from '@peerless/interface'
import { SeededRandom, VirtualClock } from '@peerless/testing'
import test, { type ExecutionContext } from 'ava'
import { LedgerStore } from '../src/store.ts'
import { FUZZ_SEED, fleet, linesOf, receiptOf, sumOf, type TestNode } from './_nodes.ts'

const NODES = 4
const STEPS = 60

/** What truly happened, as no node knows it. */
interface Truth {
  /** By request and attempt: what the caller saw (or, self-attested, what ran). */
  readonly payable: Map<string, Receipt>
  /** Both ends have not crashed since: these must be counted in the end. */
  readonly certain: Map<string, Receipt>
}

/** The part of all transactions that the disks refuse. */
const disks = { refuse: 0, random: new SeededRandom(0) }
const commit = LedgerStore.prototype.commit
LedgerStore.prototype.commit = function () {
  if (disks.refuse > 0 && disks.random.next() < disks.refuse) throw new Error('database or disk is full')
  commit.call(this)
}

/** A clock on the wall that runs faster than the one that timers go by, so that days pass in a test. */
class FastWall implements Clock {
  readonly #clock: VirtualClock
  #wallMs: number
  #atMs: number
  #rate: number
  readonly monotonic: Clock['monotonic']
  readonly after: Clock['after']
  readonly every: Clock['every']

  constructor(clock: VirtualClock, rate: number) {
    this.#clock = clock
    this.#wallMs = clock.now()
    this.#atMs = clock.monotonic()
    this.#rate = rate
    this.monotonic = () => clock.monotonic()
    this.after = (delayMs, run) => clock.after(delayMs, run)
    this.every = (periodMs, run) => clock.every(periodMs, run)
  }

  now(): number {
    return Math.floor(this.#wallMs + (this.#clock.monotonic() - this.#atMs) * this.#rate)
  }

  setRate(rate: number): void {
    this.#wallMs = this.now()
    this.#atMs = this.#clock.monotonic()
    this.#rate = rate
  }
}

/** How long a simulated second is on the wall where receipts get old: half a day, and the whole run some days. */
const FAST = 40_000
const DAY_MS = 86_400_000

/**
 * Nodes that call each other while gossip is lost and doubled, disks refuse, the network parts and nodes die at any point of their work and come back
 * from disk. Whatever the seed: nothing counts that the caller did not see, nothing twice, all sums are zero; and when the faults end, all
 * nodes have the same receipts and balances, among them every receipt whose two ends lived. Where receipts get old on the way and go, all that
 * remain are the same, and the balances are as if none had gone.
 */
const simulate = test.macro(
  async (t: ExecutionContext, seed: number, pushPeersMax: number, refuse: number, keepDays: number = 0) => {
    const clock = new VirtualClock()
    const wall = new FastWall(clock, keepDays > 0 ? FAST : 1)
    const keeping = keepDays > 0 ? { keepMs: keepDays * DAY_MS, pruneCheckMs: 200 } : {}
    t.log({ seed, nodes: NODES, steps: STEPS })
    const all = await fleet(t, NODES, {
      seedNumber: seed,
      clock: wall,
      batchMsMax: 100,
      batchReceiptsMax: 16,
      pushPeersMax,
      ...keeping
    })
    const { random, network, nodes } = all
    const truth: Truth = { payable: new Map(), certain: new Map() }
    const down = new Set<TestNode>()
    const groups = new Map<TestNode, number>()
    const counts = { calls: 0, crashes: 0, partitions: 0, checks: 0 }
    const pick = () => nodes[Math.floor(random.next() * nodes.length)] as TestNode
    const together = (a: TestNode, b: TestNode) => (groups.get(a) ?? 0) === (groups.get(b) ?? 0)

    const makeCalls = () => {
      for (let index = Math.floor(random.next() * 30); index > 0; index--) {
        const [caller, executor] = [pick(), pick()]
        if (down.has(caller) || down.has(executor) || !together(caller, executor)) continue
        const account = `account-${Math.floor(random.next() * 3)}`
        const receipt = receiptOf({ caller: caller.signer.peerId, executor: executor.signer.peerId, account }, random, wall)
        executor.ledger.record(receipt)
        counts.calls++
        const answerLost = caller !== executor && random.next() < 0.05
        if (answerLost) continue
        // What a doubting caller saw is not what the executor bills.
        const seen = caller !== executor && random.next() < 0.03 ? { ...receipt, durationUs: receipt.durationUs + 1 } : receipt
        if (caller !== executor) caller.ledger.record(seen)
        if (seen !== receipt) continue
        truth.payable.set(receipt.requestId, receipt)
        truth.certain.set(receipt.requestId, receipt)
      }
    }
    const crash = async () => {
      const node = pick()
      if (down.has(node) || down.size >= NODES - 1) return
      // Somewhere in the middle of what is under way.
      for (let turn = Math.floor(random.next() * 8); turn > 0; turn--) await new Promise((resolve) => setImmediate(resolve))
      await all.crash(node)
      down.add(node)
      counts.crashes++
      for (const [id, { caller, executor }] of truth.certain) {
        if (caller === node.signer.peerId || executor === node.signer.peerId) truth.certain.delete(id)
      }
    }
    const restart = async () => {
      const [node] = down
      if (node === undefined) return
      heal()
      await all.restart(node)
      down.delete(node)
    }
    const heal = () => {
      groups.clear()
      network.heal()
    }
    const part = () => {
      for (const node of nodes) groups.set(node, random.next() < 0.5 ? 0 : 1)
      const side = (group: number) => nodes.filter((node) => groups.get(node) === group).map((node) => node.signer.peerId)
      network.partition(side(0), side(1))
      counts.partitions++
    }
    const check = async (node: TestNode) => {
      counts.checks++
      t.is(sumOf(await node.ledger.balances()), 0n)
      const ids = new Set<string>()
      let charges = 0n
      for (const line of await linesOf(node.ledger)) {
        const receipt = truth.payable.get(line.requestId)
        t.is(line.charge, receipt?.charge ?? -1, `seed ${seed}: ${line.requestId} was not seen by its caller`)
        t.false(ids.has(line.requestId), `seed ${seed}: ${line.requestId} counts twice`)
        ids.add(line.requestId)
        charges += BigInt(line.charge)
      }
      return { ids, charges }
    }

    disks.random = new SeededRandom(seed)
    for (let step = 0; step < STEPS; step++) {
      disks.refuse = refuse
      const dice = random.next()
      makeCalls()
      if (dice < 0.08) await crash()
      else if (dice < 0.2) await restart()
      else if (dice < 0.26) part()
      else if (dice < 0.34) heal()
      else if (dice < 0.4) Object.assign(network.faults, { loss: random.next() * 0.8, duplication: random.next() * 0.5 })
      await clock.advance(random.next() * 300)
      const node = pick()
      disks.refuse = 0
      if (step % 10 === 0 && !down.has(node)) await check(node)
    }

    wall.setRate(1)
    Object.assign(network.faults, { loss: 0, duplication: 0 })
    while (down.size > 0) await restart()
    heal()
    let quiet = 0
    for (let round = 0; round < 60 && quiet < 3; round++) {
      await clock.advance(1_000)
      const stats = await Promise.all(nodes.map((node) => node.ledger.stats()))
      const calm = stats.every((one) => one.pendingCallers === 0 && one.shown === stats[0]?.shown)
      quiet = calm ? quiet + 1 : 0
    }
    t.is(quiet, 3, `seed ${seed}: it comes to rest`)
    const [first] = nodes as [TestNode]
    const lines = await linesOf(first.ledger)
    const balances = await first.ledger.balances()
    for (const node of nodes) {
      const { ids } = await check(node)
      t.deepEqual(await linesOf(node.ledger), lines, `seed ${seed}: all nodes have the same receipts`)
      t.deepEqual(await node.ledger.balances(), balances, `seed ${seed}: all nodes have the same balances`)
      const { itemisedFrom } = await node.ledger.stats()
      const missing = [...truth.certain].filter(([id, { time }]) => time >= itemisedFrom && !ids.has(id))
      t.deepEqual(missing, [], `seed ${seed}: receipts whose ends lived are counted`)
      const verified = await node.ledger.verify()
      t.like(verified, { ok: true, failure: undefined }, `seed ${seed}`)
      if (keepDays === 0) t.is(verified.receipts, lines.length)
      else
        t.true(
          verified.pruned > 0 && lines.length < (await node.ledger.stats()).receipts,
          `seed ${seed}: something got old and went`
        )
    }
    t.log({ ...counts, counted: lines.length, certain: truth.certain.size })
  }
)

for (const seed of [FUZZ_SEED, 1, 3]) {
  test.serial(`with seed ${seed}, faults end in the same receipts and balances everywhere`, simulate, seed, NODES, 0)
}
test.serial('where gossip carries statements as in a large mesh, they do as well', simulate, 2, 0, 0)
test.serial('where disks refuse one transaction in twenty, they do as well', simulate, 101, 2, 0.05)
for (const seed of [4, 5]) {
  test.serial(`where receipts get old and go, they do as well, with seed ${seed}`, simulate, seed, NODES, 0, 1)
}
test.serial('where they go and disks refuse, they do as well', simulate, 6, NODES, 0.05, 1)
