import { type Clock, MESSAGE, type Mesh, type Timer } from '@peerless/interface'
import { DEAF_WAIT_MS_MAX, NEWS_WAIT_MS_MAX } from './constants.ts'

const NOTHING = new Uint8Array(0)

/**
 * Nodes that live and answer nothing about turns. One that grants none in time may only have many who wait; asked for news, which are answered at once, it shows
 * whether it is there at all. From one that is not nobody waits for long until it answers something: else each change of a third of all entries, in a mesh of three, would take the whole wait.
 */
export class DeafHomes {
  readonly #mesh: Mesh
  readonly #clock: Clock
  readonly #deaf = new Set<string>()
  readonly #asked = new Set<string>()

  constructor(mesh: Mesh, clock: Clock) {
    this.#mesh = mesh
    this.#clock = clock
    mesh.onPeer((peer) => this.#deaf.delete(peer))
  }

  /** Until when a turn is waited for, monotonic milliseconds. */
  until(home: string, until: number): number {
    return this.#deaf.has(home) ? Math.min(until, this.#clock.monotonic() + DEAF_WAIT_MS_MAX) : until
  }

  /** It answered, whatever it said. */
  heard(home: string): void {
    this.#deaf.delete(home)
  }

  /** It granted no turn in time. */
  missed(home: string): void {
    const { peerId } = this.#mesh
    if (home === peerId || this.#deaf.has(home) || this.#asked.has(home)) return
    this.#asked.add(home)
    let timer: Timer | undefined
    const cancel = this.#mesh.request(home, MESSAGE.CATALOG_TURN_NEWS, ['node', peerId, []], NOTHING, () => {
      timer?.cancel()
      this.#asked.delete(home)
    })
    timer = this.#clock.after(NEWS_WAIT_MS_MAX, () => {
      this.#deaf.add(home)
      cancel()
    })
  }
}
