import { chargeOf, TARIFF_DEFAULT } from '@peerless/interface'
import test from 'ava'
import { createLedger } from '../src/index.ts'
import { call, eventually, fleet, linesOf, sumOf } from './_nodes.ts'

for (const worker of [false, true]) {
  const where = worker ? 'in a worker thread' : 'in this thread'

  test(`calls between three nodes end as the same lines and balances on every node, ${where}`, async (t) => {
    const { nodes, random } = await fleet(t, 3, { worker })
    const sent = new Map<string, number>()
    for (let index = 0; index < 900; index++) {
      const receipt = call(nodes[index % 3] as (typeof nodes)[0], nodes[((index * 7) % 5) % 3] as (typeof nodes)[0], random, {
        account: index % 2 === 0 ? 'ada' : 'bob'
      })
      sent.set(receipt.requestId, receipt.charge)
    }
    for (const node of nodes) await node.ledger.flush()
    for (const node of nodes) {
      await eventually(async () => (await node.ledger.stats()).receipts === 900, 'all receipts on every node')
    }
    const [first] = nodes
    const balances = await first?.ledger.balances()
    for (const node of nodes) {
      t.deepEqual(await node.ledger.balances(), balances)
      t.is(sumOf(await node.ledger.balances()), 0n)
      const lines = await linesOf(node.ledger)
      t.is(lines.length, 900)
      t.true(lines.every((line) => sent.get(line.requestId) === line.charge))
      t.true(lines.every((line, index) => index === 0 || (lines[index - 1]?.time ?? 0) <= line.time))
      t.deepEqual(await node.ledger.verify(), {
        ok: true,
        lanes: (await node.ledger.stats()).lanes,
        statements: (await node.ledger.stats()).shown,
        receipts: 900,
        repeated: 0,
        failure: undefined
      })
    }
    const paid = (await linesOf((first as (typeof nodes)[0]).ledger, { account: 'ada' })).reduce(
      (sum, line) => sum + line.charge,
      0
    )
    t.is(balances?.find(({ account }) => account === 'ada')?.balance, `${-paid}`)
  })
}

test('a node alone attests itself, and its lines say so', async (t) => {
  const { nodes, random } = await fleet(t, 1)
  const [node] = nodes as [(typeof nodes)[0]]
  const receipt = call(node, node, random, { durationUs: 250_001, ...chargeOf(250.001, 128, TARIFF_DEFAULT) })
  const lines = await linesOf(node.ledger)
  t.like(lines[0], {
    requestId: receipt.requestId,
    attempt: 1,
    function: 'hello',
    version: '$LATEST',
    durationMs: 250.001,
    billedMs: 300,
    charge: 3 * 128 + 10,
    selfAttested: true,
    status: 'ok',
    cold: false
  })
  t.deepEqual(await node.ledger.balances(), [
    { account: 'ada', balance: '-394' },
    { account: 'operator-1', balance: '394' }
  ])
})

test('options that break a bound are refused with value and rule', async (t) => {
  const { nodes, network, random } = await fleet(t, 1)
  const [node] = nodes as [(typeof nodes)[0]]
  const base = {
    directory: node.directory,
    signer: node.signer,
    mesh: network.join(node.signer.peerId),
    operatorAccount: 'operator',
    tariff: TARIFF_DEFAULT,
    clock: (await import('@peerless/testing')).realClock,
    random,
    logger: node.logger
  }
  const cases = [
    { ...base, operatorAccount: 'no spaces' },
    { ...base, tariff: { ...TARIFF_DEFAULT, incrementMs: 0 } },
    { ...base, tariff: { ...TARIFF_DEFAULT, unitsPerRequest: 0.5 } },
    { ...base, tariff: { ...TARIFF_DEFAULT, unitsPerIncrementMb: 4_000_000_000 } },
    { ...base, batchReceiptsMax: 9_000 },
    { ...base, batchMsMax: 0 }
  ]
  for (const options of cases) t.like(await t.throwsAsync(createLedger(options)), { code: 'INVALID_ARGUMENT' })
})
