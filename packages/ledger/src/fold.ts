import type { AccountBalance } from '@peerless/interface'
import type { LaneHead } from './check.ts'

/**
 * The ledger as mathematics: a map from lane to the highest doubly signed (or self-attested) statement. Merging is a maximum per lane under
 * a total order, so it is idempotent, commutative and associative, and every replica that has seen the same statements in any order, any
 * number of times, has the same balances. Nothing local enters: not time of receipt, not who was first, not whether a node is frozen.
 */
export function higher(a: LaneHead, b: LaneHead): LaneHead {
  if (a.seq !== b.seq) return a.seq > b.seq ? a : b
  if (a.total !== b.total) return a.total > b.total ? a : b
  return a.hash >= b.hash ? a : b
}

export type Heads = ReadonlyMap<string, LaneHead>

export function mergeHeads(a: Heads, b: Heads): Map<string, LaneHead> {
  const merged = new Map(a)
  for (const [lane, head] of b) {
    const known = merged.get(lane)
    merged.set(lane, known === undefined ? head : higher(known, head))
  }
  return merged
}

/** Each lane adds its totals to the payee and takes them from those who pay: the sum over all accounts is 0, always. Ordered by account. */
export function balancesOf(heads: Iterable<LaneHead>): AccountBalance[] {
  const balances = new Map<string, bigint>()
  const add = (account: string, amount: bigint) => balances.set(account, (balances.get(account) ?? 0n) + amount)
  for (const head of heads) {
    add(head.payee, head.total)
    for (const [account, amount] of head.totals) add(account, -amount)
  }
  return [...balances]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([account, balance]) => ({ account, balance: balance.toString() }))
}
