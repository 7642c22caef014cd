import type { Timer } from '@peerless/interface'

/** What goes on with one peer: one offering and one catching-up at a time; a wish that comes meanwhile is one more round. */
export interface PeerWork {
  offering: boolean
  /** The last one, which never fails. */
  offered: Promise<void>
  offerAgain: boolean
  syncing: boolean
  syncAgain: boolean
  serving: number
  /** What it pushed is being looked at. */
  taking: boolean
  /** It is asked soon for what its statements follow. */
  askSoon: Timer | undefined
  heldRounds: number
  differentRounds: number
  rescans: number
}

export function newPeerWork(): PeerWork {
  return {
    offering: false,
    offered: Promise.resolve(),
    offerAgain: false,
    syncing: false,
    syncAgain: false,
    serving: 0,
    taking: false,
    askSoon: undefined,
    heldRounds: 0,
    differentRounds: 0,
    rescans: 0
  }
}
