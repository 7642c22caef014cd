import type { LedgerStats, PeerStatus } from '@peerless/interface'
import { Counter, Gauge, type Registry } from 'prom-client'

/** What this node sees of the others, read when somebody scrapes. */
export function registerPeerMetrics(registry: Registry, peers: () => PeerStatus[]): void {
  new Gauge({
    name: 'peerless_peers',
    help: 'Other nodes of the mesh, as this one sees them',
    labelNames: ['status'],
    registers: [registry],
    collect() {
      const counts = { connected: 0, connecting: 0, unreachable: 0, draining: 0 }
      for (const { self, status } of peers()) if (!self) counts[status]++
      for (const [status, count] of Object.entries(counts)) this.set({ status }, count)
    }
  })
  new Gauge({
    name: 'peerless_clock_offset_seconds',
    help: 'How far the clock of a connected node is from that of this one, at most',
    registers: [registry],
    collect() {
      this.set(Math.max(0, ...peers().map(({ clockOffsetMs }) => Math.abs(clockOffsetMs ?? 0))) / 1_000)
    }
  })
}

/** What the ledger holds, asked of its thread once for each time that somebody scrapes; nothing where it cannot answer. */
export function registerLedgerMetrics(registry: Registry, stats: () => Promise<LedgerStats>): void {
  const registers = [registry]
  let asked: Promise<LedgerStats | undefined> | undefined
  // All metrics of a page are collected at the same time.
  const found = () => {
    asked ??= stats()
      .catch(() => undefined)
      .finally(() => {
        asked = undefined
      })
    return asked
  }
  const gauge = (name: string, help: string, value: (stats: LedgerStats) => number) => {
    new Gauge({
      name: `peerless_ledger_${name}`,
      help,
      registers,
      async collect() {
        const now = await found()
        if (now === undefined) this.remove()
        else this.set(value(now))
      }
    })
  }
  gauge('bytes', 'The ledger on the disk of this node', ({ bytes }) => bytes)
  gauge('lanes', 'Running totals between two nodes since a start of each', ({ lanes }) => lanes)
  gauge('statements', 'Statements that count, or prove a fork', ({ shown }) => shown)
  gauge('receipts', 'Calls that were charged for, of the whole mesh', ({ receipts }) => receipts)
  gauge(
    'itemised_from_seconds',
    'From when on each receipt is kept, since the epoch; 0: from the beginning',
    ({ itemisedFrom }) => itemisedFrom / 1_000
  )
  gauge('pending_callers', 'Nodes that have not answered for what they called here', ({ pendingCallers }) => pendingCallers)
  gauge('frozen', 'Nodes that signed two statements of one number and are trusted no more', ({ frozen }) => frozen)
  new Counter({
    name: 'peerless_ledger_receipts_lost_total',
    help: 'Receipts that were dropped here: malformed, or more than the disk took',
    registers,
    async collect() {
      const now = await found()
      // A counter that fell to nothing would say that the node was started anew.
      if (now === undefined) return
      this.reset()
      this.inc(now.lost)
    }
  })
}
