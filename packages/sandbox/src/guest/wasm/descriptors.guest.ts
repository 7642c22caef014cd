import { ERRNO, WasiError } from './errno.guest.ts'
import type { WasmFile, WasmFolder, WasmNode } from './files.guest.ts'

/** Open at once in one call: as many as a process on Lambda has. */
const DESCRIPTORS_MAX = 1_024

/** Standard input: what is left of it. */
export class Input {
  #rest: Uint8Array

  constructor(bytes: Uint8Array) {
    this.#rest = bytes
  }

  read(into: Uint8Array): number {
    const part = this.#rest.subarray(0, into.length)
    into.set(part)
    this.#rest = this.#rest.subarray(part.length)
    return part.length
  }
}

/** Standard output and error: where bytes go. */
export class Output {
  readonly write: (bytes: Uint8Array) => void

  constructor(write: (bytes: Uint8Array) => void) {
    this.write = write
  }
}

export interface OpenFile {
  file: WasmFile
  offset: number
  readable: boolean
  writable: boolean
  /** `fdflags` of preview1. */
  flags: number
}

export interface OpenFolder {
  folder: WasmFolder
  /** Only of those that were there from the start. */
  preopenedAs: string | undefined
  /** What was in it when its entries began to be read. */
  listed?: [string, WasmNode][]
}

export type Descriptor = Input | Output | OpenFile | OpenFolder

export class Descriptors {
  readonly #open = new Map<number, Descriptor>()

  constructor(first: readonly Descriptor[]) {
    for (const descriptor of first) this.add(descriptor)
  }

  /** @throws WasiError BADF */
  get(number: number): Descriptor {
    const found = this.#open.get(number)
    if (found === undefined) throw new WasiError(ERRNO.BADF)
    return found
  }

  /** @throws WasiError BADF, ISDIR, SPIPE */
  file(number: number): OpenFile {
    const found = this.get(number)
    if ('file' in found) return found
    throw new WasiError('folder' in found ? ERRNO.ISDIR : ERRNO.SPIPE)
  }

  /** @throws WasiError BADF, NOTDIR */
  folder(number: number): OpenFolder {
    const found = this.get(number)
    if ('folder' in found) return found
    throw new WasiError(ERRNO.NOTDIR)
  }

  /** The lowest number that is free, as POSIX wants it. @throws WasiError MFILE */
  add(descriptor: Descriptor): number {
    if (this.#open.size >= DESCRIPTORS_MAX) throw new WasiError(ERRNO.MFILE)
    let number = 0
    while (this.#open.has(number)) number++
    this.#open.set(number, descriptor)
    return number
  }

  /** @throws WasiError BADF */
  close(number: number): void {
    if (!this.#open.delete(number)) throw new WasiError(ERRNO.BADF)
  }

  /** @throws WasiError BADF */
  renumber(from: number, to: number): void {
    const descriptor = this.get(from)
    this.get(to)
    this.#open.delete(from)
    this.#open.set(to, descriptor)
  }
}
