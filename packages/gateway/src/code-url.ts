import { createHmac, timingSafeEqual } from 'node:crypto'
import { type Clock, PeerlessError, type Random, type StoredCode } from '@peerless/interface'

/** A zip by the name that a download gets, without `.zip`. */
export interface NamedZip extends Pick<StoredCode, 'zipCid' | 'zipBytes'> {
  readonly name: string
}

/** Download URLs for the zip of one version or layer, valid for a short time on this node without a signature, as S3's presigned ones. */
export class CodeUrls {
  readonly #secret: Uint8Array
  readonly #clock: Clock
  readonly #validMs: number

  constructor(random: Random, clock: Clock, validMs: number) {
    this.#secret = random.bytes(32)
    this.#clock = clock
    this.#validMs = validMs
  }

  /** @param root as `urlRootOf` has it */
  urlOf(zip: NamedZip, root: string): string {
    const expires = String(this.#clock.now() + this.#validMs)
    const token = `${expires}.${this.#mac(zip, expires).toString('base64url')}`
    return `${root}/v1/code/${zip.name}?cid=${zip.zipCid}&bytes=${zip.zipBytes}&token=${token}`
  }

  /** @throws FORBIDDEN when the token is malformed, forged, expired, or for another zip */
  check(zip: NamedZip, token: string | undefined): void {
    const [expires = '', mac = ''] = (token ?? '').split('.', 2)
    const given = Buffer.from(mac, 'base64url')
    const expected = this.#mac(zip, expires)
    if (!/^\d{1,15}$/.test(expires) || given.length !== expected.length || !timingSafeEqual(given, expected))
      throw new PeerlessError(
        'FORBIDDEN',
        'the token of this download URL is not valid for this function on this node; ask GetFunction again'
      )
    if (this.#clock.now() > Number(expires))
      throw new PeerlessError(
        'FORBIDDEN',
        `this download URL was valid for ${this.#validMs / 1_000} s and has expired; ask GetFunction again`
      )
  }

  #mac({ name, zipCid, zipBytes }: NamedZip, expires: string): Buffer {
    return createHmac('sha256', this.#secret).update(`${name}\n${zipCid}\n${zipBytes}\n${expires}`).digest()
  }
}
