import { type Descriptor, Input, type OpenFile, Output } from './descriptors.guest.ts'
import { ERRNO, WasiError } from './errno.guest.ts'
import { nowNs, WasmFile, type WasmNode } from './files.guest.ts'
import type { WasmMemory } from './memory.guest.ts'
import type { Wasi, WasiCalls } from './wasi.guest.ts'

const TYPE_CHARACTER = 2
const TYPE_FOLDER = 3
const TYPE_FILE = 4
export const FLAG_APPEND = 1
export const FLAGS_ALL = 31
/** `fstflags`. */
const TIME_ACCESSED = 1
const TIME_ACCESSED_NOW = 2
const TIME_MODIFIED = 4
const TIME_MODIFIED_NOW = 8
/** All rights that preview1 knows: what can't be done is refused when it is tried. */
const RIGHTS_ALL = 0x1fff_ffffn
/** `fd_read`: what a file that is open for writing alone has not. */
export const RIGHTS_READ = 1n << 1n
const RIGHT_WRITE = 1n << 6n
/** `fd_datasync`, `fd_write`, `fd_allocate` and `fd_filestat_set_size`: what a file that is open for reading alone has not. */
const RIGHTS_WRITE = 1n | RIGHT_WRITE | (1n << 8n) | (1n << 22n)
/** Nothing that needs a place or a size in a file: a program opens a folder anew with the rights that it finds here. */
const RIGHTS_FOLDER = RIGHTS_ALL & ~(RIGHTS_READ | RIGHTS_WRITE | (1n << 2n) | (1n << 5n) | (1n << 19n))
const DIRENT_BYTES = 24
const SEEK_SET = 0
const SEEK_CURRENT = 1
const SEEK_END = 2
/** Positions beyond this are refused: numbers stay exact, and no file here is larger. */
const POSITION_MAX = 2 ** 40

/** What preview1 does with descriptors. */
export function fileCalls({ descriptors, memory }: Wasi): WasiCalls {
  const nothing = (fd: number) => {
    descriptors.get(fd)
    return ERRNO.SUCCESS
  }
  return {
    fd_read: (fd: number, vectors: number, count: number, result: number) => {
      const found = descriptors.get(fd)
      memory().u32(result, readInto(found, memory().vectors(vectors, count)))
      return ERRNO.SUCCESS
    },
    fd_write: (fd: number, vectors: number, count: number, result: number) => {
      const found = descriptors.get(fd)
      memory().u32(result, writeFrom(found, memory().vectors(vectors, count)))
      return ERRNO.SUCCESS
    },
    fd_pread: (fd: number, vectors: number, count: number, offset: bigint, result: number) => {
      const open = { ...descriptors.file(fd), offset: positionOf(offset) }
      memory().u32(result, readInto(open, memory().vectors(vectors, count)))
      return ERRNO.SUCCESS
    },
    fd_pwrite: (fd: number, vectors: number, count: number, offset: bigint, result: number) => {
      const open = { ...descriptors.file(fd), offset: positionOf(offset), flags: 0 }
      memory().u32(result, writeFrom(open, memory().vectors(vectors, count)))
      return ERRNO.SUCCESS
    },
    fd_seek: (fd: number, delta: bigint, whence: number, result: number) => {
      const open = descriptors.file(fd)
      const base = { [SEEK_SET]: 0, [SEEK_CURRENT]: open.offset, [SEEK_END]: open.file.size }[whence]
      if (base === undefined) return ERRNO.INVAL
      open.offset = positionOf(BigInt(base) + delta)
      memory().u64(result, BigInt(open.offset))
      return ERRNO.SUCCESS
    },
    fd_tell: (fd: number, result: number) => {
      memory().u64(result, BigInt(descriptors.file(fd).offset))
      return ERRNO.SUCCESS
    },
    fd_close: (fd: number) => {
      descriptors.close(fd)
      return ERRNO.SUCCESS
    },
    fd_renumber: (from: number, to: number) => {
      descriptors.renumber(from, to)
      return ERRNO.SUCCESS
    },
    fd_fdstat_get: (fd: number, result: number) => writeFdstat(memory(), result, descriptors.get(fd)),
    fd_fdstat_set_flags: (fd: number, flags: number) => {
      const found = descriptors.get(fd)
      // Of the others there is none whose flags would change a thing: no call waits.
      if ('file' in found) found.flags = flags & FLAGS_ALL
      return ERRNO.SUCCESS
    },
    fd_filestat_get: (fd: number, result: number) => {
      const found = descriptors.get(fd)
      writeFilestat(memory(), result, 'file' in found ? found.file : 'folder' in found ? found.folder : undefined)
      return ERRNO.SUCCESS
    },
    fd_filestat_set_size: (fd: number, size: bigint) => {
      const open = descriptors.file(fd)
      if (!open.writable) return ERRNO.BADF
      open.file.resize(positionOf(size))
      return ERRNO.SUCCESS
    },
    fd_allocate: (fd: number, offset: bigint, length: bigint) => {
      const open = descriptors.file(fd)
      const end = positionOf(BigInt.asUintN(64, offset) + BigInt.asUintN(64, length))
      if (!open.writable) return ERRNO.BADF
      if (end > open.file.size) open.file.resize(end)
      return ERRNO.SUCCESS
    },
    fd_readdir: (fd: number, pointer: number, length: number, cookie: bigint, result: number) => {
      const open = descriptors.folder(fd)
      const { folder } = open
      // A cookie is a place in the list as it was when it was begun: programs remove entries while they read on.
      if (cookie === 0n || open.listed === undefined) open.listed = [['.', folder], ['..', folder], ...folder.entries()]
      const rest = open.listed.slice(Number(BigInt.asUintN(32, cookie)))
      memory().u32(result, writeEntries(memory().bytes(pointer, length), rest, BigInt.asUintN(32, cookie)))
      return ERRNO.SUCCESS
    },
    fd_prestat_get: (fd: number, result: number) => {
      const { preopenedAs } = descriptors.folder(fd)
      if (preopenedAs === undefined) return ERRNO.BADF
      memory().u32(result, 0)
      memory().u32(result + 4, preopenedAs.length)
      return ERRNO.SUCCESS
    },
    fd_prestat_dir_name: (fd: number, pointer: number, length: number) => {
      const { preopenedAs } = descriptors.folder(fd)
      if (preopenedAs === undefined) return ERRNO.BADF
      if (length >>> 0 < preopenedAs.length) return ERRNO.NAMETOOLONG
      memory().bytes(pointer, preopenedAs.length).set(new TextEncoder().encode(preopenedAs))
      return ERRNO.SUCCESS
    },
    fd_filestat_set_times: (fd: number, accessed: bigint, modified: bigint, how: number) => {
      const found = descriptors.get(fd)
      if (!('file' in found || 'folder' in found)) return ERRNO.INVAL
      setTimes('file' in found ? found.file : found.folder, accessed, modified, how)
      return ERRNO.SUCCESS
    },
    // Nobody drops rights but tests of WASI, and new runtimes have given them up: whoever asks shall not believe that it worked.
    fd_fdstat_set_rights: (fd: number) => {
      descriptors.get(fd)
      return ERRNO.NOTSUP
    },
    // All is in memory: nothing to advise on or to wait for.
    fd_advise: nothing,
    fd_sync: nothing,
    fd_datasync: nothing
  }
}

function positionOf(alleged: bigint): number {
  if (alleged < 0n) throw new WasiError(ERRNO.INVAL)
  if (alleged > BigInt(POSITION_MAX)) throw new WasiError(ERRNO.FBIG)
  return Number(alleged)
}

function readInto(from: Descriptor, buffers: readonly Uint8Array[]): number {
  if ('folder' in from) throw new WasiError(ERRNO.ISDIR)
  if (from instanceof Output) throw new WasiError(ERRNO.BADF)
  let total = 0
  for (const buffer of buffers) {
    const count = from instanceof Input ? from.read(buffer) : readFile(from, buffer)
    total += count
    if (count < buffer.length) break
  }
  return total
}

function readFile(open: OpenFile, buffer: Uint8Array): number {
  if (!open.readable) throw new WasiError(ERRNO.BADF)
  const count = open.file.read(open.offset, buffer)
  open.offset += count
  return count
}

function writeFrom(to: Descriptor, buffers: readonly Uint8Array[]): number {
  if ('folder' in to) throw new WasiError(ERRNO.ISDIR)
  if (to instanceof Input) throw new WasiError(ERRNO.BADF)
  let total = 0
  for (const buffer of buffers) {
    if (to instanceof Output) to.write(buffer)
    else writeFile(to, buffer)
    total += buffer.length
  }
  return total
}

function writeFile(open: OpenFile, buffer: Uint8Array): void {
  if (!open.writable) throw new WasiError(ERRNO.BADF)
  if ((open.flags & FLAG_APPEND) !== 0) open.offset = open.file.size
  open.offset += open.file.write(open.offset, buffer)
}

function writeFdstat(memory: WasmMemory, result: number, of: Descriptor): number {
  const standard = of instanceof Input || of instanceof Output
  const type = standard ? TYPE_CHARACTER : 'folder' in of ? TYPE_FOLDER : TYPE_FILE
  memory.bytes(result, DIRENT_BYTES).fill(0)
  memory.u8(result, type)
  memory.u16(result + 2, 'file' in of ? of.flags : 0)
  // wasi-libc takes a character device without the rights to seek and tell for a terminal, and would write it line by line.
  memory.u64(result + 8, standard ? RIGHTS_ALL : 'folder' in of ? RIGHTS_FOLDER : rightsOf(of))
  memory.u64(result + 16, RIGHTS_ALL)
  return ERRNO.SUCCESS
}

/** @param node undefined: standard input or output */
export function writeFilestat(memory: WasmMemory, result: number, node: WasmNode | undefined): void {
  memory.bytes(result, 64).fill(0)
  if (node !== undefined) memory.u64(result + 8, node.inode)
  memory.u8(result + 16, typeOf(node))
  memory.u64(result + 24, 1n)
  memory.u64(result + 32, node instanceof WasmFile ? BigInt(node.size) : 0n)
  if (node === undefined) return
  memory.u64(result + 40, node.times.accessed)
  memory.u64(result + 48, node.times.modified)
  memory.u64(result + 56, node.times.changed)
}

/** @throws WasiError INVAL, ROFS */
export function setTimes(node: WasmNode, accessed: bigint, modified: bigint, how: number): void {
  const given = (what: number) => (how & what) !== 0
  if (given(TIME_ACCESSED) && given(TIME_ACCESSED_NOW)) throw new WasiError(ERRNO.INVAL)
  if (given(TIME_MODIFIED) && given(TIME_MODIFIED_NOW)) throw new WasiError(ERRNO.INVAL)
  if (node.quota === undefined) throw new WasiError(ERRNO.ROFS)
  const { times } = node
  times.changed = nowNs()
  if (given(TIME_ACCESSED)) times.accessed = BigInt.asUintN(64, accessed)
  if (given(TIME_ACCESSED_NOW)) times.accessed = times.changed
  if (given(TIME_MODIFIED)) times.modified = BigInt.asUintN(64, modified)
  if (given(TIME_MODIFIED_NOW)) times.modified = times.changed
}

function rightsOf({ readable, writable }: OpenFile): bigint {
  return RIGHTS_ALL & ~(readable ? 0n : RIGHTS_READ) & ~(writable ? 0n : RIGHTS_WRITE)
}

function typeOf(node: WasmNode | undefined): number {
  if (node === undefined) return TYPE_CHARACTER
  return node instanceof WasmFile ? TYPE_FILE : TYPE_FOLDER
}

/** As many entries as fit, the last perhaps cut: the program asks again with the cookie of the last whole one. */
function writeEntries(into: Uint8Array, entries: readonly [string, WasmNode][], cookie: bigint): number {
  const encoder = new TextEncoder()
  let used = 0
  let next = cookie
  for (const [name, node] of entries) {
    const text = encoder.encode(name)
    const entry = new Uint8Array(DIRENT_BYTES + text.length)
    const view = new DataView(entry.buffer)
    view.setBigUint64(0, ++next, true)
    view.setBigUint64(8, node.inode, true)
    view.setUint32(16, text.length, true)
    view.setUint8(20, typeOf(node))
    entry.set(text, DIRENT_BYTES)
    const part = entry.subarray(0, into.length - used)
    into.set(part, used)
    used += part.length
    if (used === into.length) break
  }
  return used
}
