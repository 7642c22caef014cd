import { ASK } from '../../bridge-operations.ts'
import { ask } from '../bridge.guest.ts'
import { jsonParse, now } from '../intrinsics.guest.ts'
import { NANOSECONDS_PER_MS } from './clock.guest.ts'
import { ERRNO, WasiError } from './errno.guest.ts'

/** Of `/tmp`, all files together. They live in the isolate's own heap and count against the function's memory limit too. */
const TMP_BYTES_MAX = 67_108_864
/** Files and folders of `/tmp`: each costs some 200 bytes beside its content. */
const TMP_NODES_MAX = 10_000
/** As Linux has them. */
const NAME_CHARS_MAX = 255
const PATH_CHARS_MAX = 4_096
/** A file grows by doubling, so that writing it in small pieces costs no more than twice its size. */
const GROWTH_BYTES_MIN = 256

/** What `/tmp` may still take; `undefined` stands for a folder that can't be written. */
interface Quota {
  bytes: number
  nodes: number
}

let inodes = 1n

/** In nanoseconds since the epoch, of the same coarse clock as all of them. */
export function nowNs(): bigint {
  return BigInt(now()) * NANOSECONDS_PER_MS
}

/** Of a file or folder, in nanoseconds since the epoch. Reading leaves `accessed` alone, as file systems that are mounted `noatime` do. */
interface Times {
  accessed: bigint
  modified: bigint
  changed: bigint
}

/** @param quota undefined: of the bundle, whose files have no times, so that the same bundle is the same everywhere */
function timesOf(quota: Quota | undefined): Times {
  const ns = quota === undefined ? 0n : nowNs()
  return { accessed: ns, modified: ns, changed: ns }
}

function touch(times: Times): void {
  times.modified = nowNs()
  times.changed = times.modified
}

export class WasmFile {
  readonly inode = inodes++
  readonly quota: Quota | undefined
  readonly times: Times
  readonly #load: (() => Uint8Array) | undefined
  #bytes: Uint8Array | undefined
  #size: number

  /** @param load content of a file of the bundle, which comes only when it is read */
  constructor(quota: Quota | undefined, size = 0, load?: () => Uint8Array) {
    this.quota = quota
    this.times = timesOf(quota)
    this.#size = size
    this.#load = load
  }

  get size(): number {
    return this.#size
  }

  content(): Uint8Array {
    this.#bytes ??= this.#load?.() ?? new Uint8Array(0)
    return this.#bytes.subarray(0, this.#size)
  }

  /** @returns how many bytes were read: 0 at the end */
  read(offset: number, into: Uint8Array): number {
    const part = this.content().subarray(offset, offset + into.length)
    into.set(part)
    return part.length
  }

  /** @throws WasiError NOSPC, ROFS */
  write(offset: number, from: Uint8Array): number {
    const end = offset + from.length
    if (end > this.#size) this.resize(end)
    else if (this.quota === undefined) throw new WasiError(ERRNO.ROFS)
    else touch(this.times)
    this.#bytes?.set(from, offset)
    return from.length
  }

  /** @throws WasiError NOSPC, ROFS */
  resize(size: number): void {
    const { quota } = this
    if (quota === undefined) throw new WasiError(ERRNO.ROFS)
    if (size - this.#size > quota.bytes) throw new WasiError(ERRNO.NOSPC)
    quota.bytes -= size - this.#size
    const before = this.#bytes ?? new Uint8Array(0)
    if (size > before.length) {
      const grown = new Uint8Array(Math.max(size, before.length * 2, GROWTH_BYTES_MIN))
      grown.set(before.subarray(0, this.#size))
      this.#bytes = grown
    } else {
      before.fill(0, size)
    }
    this.#size = size
    touch(this.times)
  }
}

export class WasmFolder {
  readonly inode = inodes++
  readonly quota: Quota | undefined
  readonly times: Times
  readonly #entries = new Map<string, WasmNode>()

  constructor(quota: Quota | undefined) {
    this.quota = quota
    this.times = timesOf(quota)
  }

  get size(): number {
    return this.#entries.size
  }

  entries(): [string, WasmNode][] {
    return [...this.#entries].sort(([a], [b]) => (a < b ? -1 : 1))
  }

  get(name: string): WasmNode | undefined {
    return this.#entries.get(name)
  }

  /** @throws WasiError ROFS, NOSPC */
  add<Node extends WasmNode>(name: string, node: Node): Node {
    const { quota } = this
    if (quota === undefined) throw new WasiError(ERRNO.ROFS)
    if (quota.nodes <= 0) throw new WasiError(ERRNO.NOSPC)
    quota.nodes--
    this.#entries.set(name, node)
    touch(this.times)
    return node
  }

  /** Without regard to the quota: how a read-only folder is filled. */
  place(name: string, node: WasmNode): void {
    this.#entries.set(name, node)
  }

  /** @throws WasiError ROFS */
  take(name: string): WasmNode | undefined {
    const { quota } = this
    const node = this.#entries.get(name)
    if (quota === undefined) throw new WasiError(node === undefined ? ERRNO.NOENT : ERRNO.ROFS)
    if (node !== undefined && this.#entries.delete(name)) quota.nodes++
    touch(this.times)
    return node
  }
}

export type WasmNode = WasmFile | WasmFolder

/** The folder and last name that a path leads to. `..` never leads out of the folder that it began in. */
export interface Place {
  folder: WasmFolder
  /** Empty: the folder itself. */
  name: string
  /** The path ends with a slash: it means a folder, which may not be there yet. */
  asFolder: boolean
  node: WasmNode | undefined
}

/** @throws WasiError NOENT, NOTDIR, NOTCAPABLE, NAMETOOLONG, INVAL */
export function locate(start: WasmFolder, path: string): Place {
  if (path.length > PATH_CHARS_MAX) throw new WasiError(ERRNO.NAMETOOLONG)
  if (path === '') throw new WasiError(ERRNO.NOENT)
  if (path.startsWith('/')) throw new WasiError(ERRNO.NOTCAPABLE)
  if (path.includes('\0')) throw new WasiError(ERRNO.INVAL)
  const asFolder = /\/\.?$/.test(path)
  const trail: WasmFolder[] = []
  let folder = start
  const segments = path.split('/').filter((segment) => segment !== '' && segment !== '.')
  for (const [index, segment] of segments.entries()) {
    if (segment.length > NAME_CHARS_MAX) throw new WasiError(ERRNO.NAMETOOLONG)
    if (segment === '..') {
      const above = trail.pop()
      if (above === undefined) throw new WasiError(ERRNO.NOTCAPABLE)
      folder = above
      continue
    }
    const node = folder.get(segment)
    if (index === segments.length - 1) {
      if (asFolder && node instanceof WasmFile) throw new WasiError(ERRNO.NOTDIR)
      return { folder, name: segment, asFolder, node }
    }
    if (node === undefined) throw new WasiError(ERRNO.NOENT)
    if (node instanceof WasmFile) throw new WasiError(ERRNO.NOTDIR)
    trail.push(folder)
    folder = node
  }
  return { folder, name: '', asFolder, node: folder }
}

/** `/tmp` of this instance: empty at first, kept from call to call. */
export function makeTmp(): WasmFolder {
  return new WasmFolder({ bytes: TMP_BYTES_MAX, nodes: TMP_NODES_MAX })
}

/** The files of the bundle, read-only. */
export function bundleFolder(): WasmFolder {
  const root = new WasmFolder(undefined)
  for (const [name, size] of jsonParse(ask(ASK.FILE) as string) as [string, number][]) {
    const segments = name.split('/')
    const last = segments.pop() as string
    let folder = root
    for (const segment of segments) {
      const found = folder.get(segment)
      if (found instanceof WasmFolder) folder = found
      else {
        const made = new WasmFolder(undefined)
        folder.place(segment, made)
        folder = made
      }
    }
    folder.place(last, new WasmFile(undefined, size, () => ask(ASK.FILE, name) as Uint8Array))
  }
  return root
}
