/** What of one account is to be chosen from. */
export interface Share {
  readonly account: string
  readonly bytes: number
}

/**
 * Chooses what is kept where not all can be: accounts take turns, each with its oldest, until the bound is met; so who has little loses nothing of it because of who has much.
 * @returns what is kept, in the order in which it came, and how many are left out
 */
export function fairShare<Item extends Share>(
  items: readonly Item[],
  bytesMax: number
): { taken: readonly Item[]; left: number } {
  if (items.reduce((sum, { bytes }) => sum + bytes, 0) <= bytesMax) return { taken: items, left: 0 }
  const byAccount = new Map<string, Item[]>()
  for (const item of items) {
    const own = byAccount.get(item.account)
    if (own === undefined) byAccount.set(item.account, [item])
    else own.push(item)
  }
  const taken = new Set<Item>()
  let bytes = 0
  for (let turn = 0; byAccount.size > 0; turn++) {
    for (const [account, own] of byAccount) {
      const item = own[turn]
      if (item === undefined || bytes + item.bytes > bytesMax) byAccount.delete(account)
      else {
        taken.add(item)
        bytes += item.bytes
      }
    }
  }
  return { taken: items.filter((item) => taken.has(item)), left: items.length - taken.size }
}
