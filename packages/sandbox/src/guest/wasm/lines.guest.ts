import { log } from '../console.guest.ts'

const LEVEL_INFO = 1
/** What is printed beyond that is not kept: the executor refuses the answer as too large anyway. */
const STDOUT_BYTES_MAX = 8_388_608
/** A line that does not end is logged in parts. */
const LINE_BYTES_MAX = 16_384

/** Bytes that were printed, up to a bound. */
export class Collected {
  #bytes = new Uint8Array(1_024)
  #used = 0

  add(bytes: Uint8Array): void {
    const part = bytes.subarray(0, STDOUT_BYTES_MAX - this.#used)
    if (this.#used + part.length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#used + part.length, this.#bytes.length * 2))
      grown.set(this.#bytes.subarray(0, this.#used))
      this.#bytes = grown
    }
    this.#bytes.set(part, this.#used)
    this.#used += part.length
  }

  text(): string {
    return new TextDecoder().decode(this.#bytes.subarray(0, this.#used))
  }
}

const NEWLINE = 10

/** Printed lines, each logged when it ends. */
export class Lines {
  #rest = new Collected()
  #length = 0

  add(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length; ) {
      const newline = bytes.indexOf(NEWLINE, from)
      const end = newline === -1 ? bytes.length : newline
      const part = bytes.subarray(from, Math.min(end, from + LINE_BYTES_MAX - this.#length))
      this.#rest.add(part)
      this.#length += part.length
      from += part.length
      if (from === newline || this.#length >= LINE_BYTES_MAX) this.#print()
      if (from === newline) from++
    }
  }

  end(): void {
    if (this.#length > 0) this.#print()
  }

  #print(): void {
    log(LEVEL_INFO, this.#rest.text())
    this.#rest = new Collected()
    this.#length = 0
  }
}
