import type { FunctionVersion } from '@peerless/interface'

/** Launches of one bundle at the same time read (or pull) it once. Nothing is kept afterwards: that is for BundleSupply. */
export class SharedLoads {
  readonly #load: (version: FunctionVersion) => Promise<Uint8Array>
  readonly #running = new Map<string, Promise<Uint8Array>>()

  constructor(load: (version: FunctionVersion) => Promise<Uint8Array>) {
    this.#load = load
  }

  get(version: FunctionVersion): Promise<Uint8Array> {
    const cid = version.code.bundleCid
    const running = this.#running.get(cid)
    if (running !== undefined) return running
    const started = this.#load(version).finally(() => this.#running.delete(cid))
    this.#running.set(cid, started)
    return started
  }
}
