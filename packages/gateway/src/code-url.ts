import { createHmac, timingSafeEqual } from 'node:crypto'
import { type Clock, type FunctionRecord, PeerlessError, type Random } from '@peerless/interface'

/** Download URLs for the code of one version, valid for a short time on this node without a signature, as S3's presigned ones. */
export class CodeUrls {
  readonly #secret: Uint8Array
  readonly #clock: Clock
  readonly #validMs: number

  constructor(random: Random, clock: Clock, validMs: number) {
    this.#secret = random.bytes(32)
    this.#clock = clock
    this.#validMs = validMs
  }

  /** @param host as the client wrote it, so that the URL leads to where it came from */
  urlOf(record: FunctionRecord, host: string): string {
    const expires = String(this.#clock.now() + this.#validMs)
    return `http://${host}/v1/code/${record.name}?token=${expires}.${this.#mac(record, expires).toString('base64url')}`
  }

  /** @throws FORBIDDEN when the token is malformed, forged, expired, or for other code than the function has now */
  check(record: FunctionRecord, token: string | undefined): void {
    const [expires = '', mac = ''] = (token ?? '').split('.', 2)
    const given = Buffer.from(mac, 'base64url')
    const expected = this.#mac(record, expires)
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

  #mac(record: FunctionRecord, expires: string): Buffer {
    return createHmac('sha256', this.#secret).update(`${record.name}\n${record.latest.code.zipCid}\n${expires}`).digest()
  }
}
