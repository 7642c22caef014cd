import type { DrainAnswer } from '@peerless/interface'

export interface DrainingParts {
  readonly mesh: { readonly peerId: string; peers(): string[]; setDraining(draining: boolean): void }
  readonly invocation: {
    readonly inFlight: number
    setDraining(draining: boolean): void
    loadOf(peerId: string): { readonly slots: number; readonly draining: boolean } | undefined
  }
  readonly provisioning: { changed(): void }
  /** Whether a node is on this machine, and drains with it. */
  readonly isMate: (peerId: string) => boolean
}

/**
 * Whether this node takes work. While it drains it finishes what it has, sends on what its clients bring, and stays a member in every other way. Not kept on
 * disk: who starts a node wants it to work.
 */
export class Draining {
  readonly #parts: DrainingParts
  readonly #listeners: ((draining: boolean) => void)[] = []
  #on = false

  constructor(parts: DrainingParts) {
    this.#parts = parts
  }

  get on(): boolean {
    return this.#on
  }

  /** Whether a node takes no work, by its own word; this node too. */
  of(peerId: string): boolean {
    const { mesh, invocation } = this.#parts
    return peerId === mesh.peerId ? this.#on : invocation.loadOf(peerId)?.draining === true
  }

  onChange(listener: (draining: boolean) => void): void {
    this.#listeners.push(listener)
  }

  set(draining: boolean): DrainAnswer {
    const { mesh, invocation, provisioning, isMate } = this.#parts
    if (this.#on !== draining) {
      this.#on = draining
      mesh.setDraining(draining)
      invocation.setDraining(draining)
      provisioning.changed()
      for (const listener of this.#listeners) listener(draining)
    }
    const takers = mesh.peers().filter((peerId) => {
      const load = invocation.loadOf(peerId)
      return load !== undefined && !load.draining && load.slots > 0 && !isMate(peerId)
    })
    return { draining, inFlight: invocation.inFlight, takers: takers.length }
  }
}
