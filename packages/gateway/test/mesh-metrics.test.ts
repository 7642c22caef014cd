import type { LedgerStats } from '@peerless/interface'
import test from 'ava'
import { Registry } from 'prom-client'
import { registerLedgerMetrics } from '../src/mesh-metrics.ts'

const STATS: LedgerStats = {
  lanes: 1,
  shown: 2,
  receipts: 3,
  pendingCallers: 0,
  forks: 0,
  frozen: 0,
  itemisedFrom: 5_000,
  bytes: 4_096,
  lost: 7
}

test('the ledger is asked once for each page, and what it cannot tell is left out', async (t) => {
  const registry = new Registry()
  let asked = 0
  let gone = false
  registerLedgerMetrics(registry, async () => {
    asked++
    if (gone) throw new Error('its thread has ended')
    return STATS
  })
  const page = await registry.metrics()
  t.is(asked, 1)
  t.regex(page, /^peerless_ledger_receipts 3$/m)
  t.regex(page, /^peerless_ledger_itemised_from_seconds 5$/m)
  await registry.getMetricsAsJSON()
  t.is(asked, 2)
  gone = true
  const last = await registry.metrics()
  t.is(asked, 3)
  t.notRegex(last, /^peerless_ledger_receipts \d/m)
  t.regex(last, /^peerless_ledger_receipts_lost_total 7$/m, 'it has not been started anew')
})
