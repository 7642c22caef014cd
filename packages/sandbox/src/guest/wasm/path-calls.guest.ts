import { ERRNO, WasiError } from './errno.guest.ts'
import { FLAGS_ALL, setTimes, writeFilestat } from './file-calls.guest.ts'
import { locate, type Place, WasmFile, WasmFolder } from './files.guest.ts'
import type { Wasi, WasiCalls } from './wasi.guest.ts'

const OPEN_CREATE = 1
const OPEN_FOLDER = 2
const OPEN_EXCLUSIVE = 4
const OPEN_TRUNCATE = 8
const RIGHT_READ = 1n << 1n
const RIGHT_WRITE = 1n << 6n

/** What preview1 does with paths, each below a folder that is open. */
export function pathCalls({ descriptors, memory }: Wasi): WasiCalls {
  const at = (fd: number, pointer: number, length: number): Place =>
    locate(descriptors.folder(fd).folder, memory().text(pointer, length))

  return {
    path_open: (
      fd: number,
      _lookup: number,
      pointer: number,
      length: number,
      how: number,
      rights: bigint,
      _inheriting: bigint,
      flags: number,
      result: number
    ) => {
      const node = openNode(at(fd, pointer, length), how)
      const writable = (rights & RIGHT_WRITE) !== 0n
      if (node instanceof WasmFolder) {
        if (writable || (how & OPEN_TRUNCATE) !== 0) return ERRNO.ISDIR
        memory().u32(result, descriptors.add({ folder: node, preopenedAs: undefined }))
        return ERRNO.SUCCESS
      }
      if (writable && node.quota === undefined) return ERRNO.ROFS
      if ((how & OPEN_TRUNCATE) !== 0) node.resize(0)
      const readable = (rights & RIGHT_READ) !== 0n
      memory().u32(result, descriptors.add({ file: node, offset: 0, readable, writable, flags: flags & FLAGS_ALL }))
      return ERRNO.SUCCESS
    },
    path_filestat_get: (fd: number, _lookup: number, pointer: number, length: number, result: number) => {
      writeFilestat(memory(), result, existing(at(fd, pointer, length)))
      return ERRNO.SUCCESS
    },
    path_filestat_set_times: (
      fd: number,
      _lookup: number,
      pointer: number,
      length: number,
      accessed: bigint,
      modified: bigint,
      how: number
    ) => {
      setTimes(existing(at(fd, pointer, length)), accessed, modified, how)
      return ERRNO.SUCCESS
    },
    path_create_directory: (fd: number, pointer: number, length: number) => {
      const { folder, name, node } = at(fd, pointer, length)
      if (node !== undefined) return ERRNO.EXIST
      folder.add(name, new WasmFolder(folder.quota))
      return ERRNO.SUCCESS
    },
    path_remove_directory: (fd: number, pointer: number, length: number) => {
      const { folder, name, node } = at(fd, pointer, length)
      if (node === undefined) return ERRNO.NOENT
      if (node instanceof WasmFile) return ERRNO.NOTDIR
      if (name === '') return ERRNO.INVAL
      if (node.size > 0) return ERRNO.NOTEMPTY
      folder.take(name)
      return ERRNO.SUCCESS
    },
    path_unlink_file: (fd: number, pointer: number, length: number) => {
      const { folder, name, node } = at(fd, pointer, length)
      if (node === undefined) return ERRNO.NOENT
      if (node instanceof WasmFolder) return ERRNO.ISDIR
      folder.take(name)
      giveBack(node)
      return ERRNO.SUCCESS
    },
    path_rename: (fd: number, pointer: number, length: number, toFd: number, toPointer: number, toLength: number) => {
      rename(at(fd, pointer, length), at(toFd, toPointer, toLength))
      return ERRNO.SUCCESS
    },
    // There are no links.
    path_readlink: (fd: number, pointer: number, length: number) => {
      existing(at(fd, pointer, length))
      return ERRNO.INVAL
    }
  }
}

function existing({ node }: Place): WasmFile | WasmFolder {
  if (node === undefined) throw new WasiError(ERRNO.NOENT)
  return node
}

function openNode({ folder, name, asFolder, node }: Place, how: number): WasmFile | WasmFolder {
  if (node === undefined) {
    if ((how & OPEN_CREATE) === 0) throw new WasiError(ERRNO.NOENT)
    if (asFolder) throw new WasiError(ERRNO.ISDIR)
    if ((how & OPEN_FOLDER) !== 0) throw new WasiError(ERRNO.INVAL)
    return folder.add(name, new WasmFile(folder.quota))
  }
  if ((how & OPEN_EXCLUSIVE) !== 0 && (how & OPEN_CREATE) !== 0) throw new WasiError(ERRNO.EXIST)
  if ((how & OPEN_FOLDER) !== 0 && node instanceof WasmFile) throw new WasiError(ERRNO.NOTDIR)
  return node
}

/** A file that is still open elsewhere in this call keeps its content, but no longer counts. */
function giveBack(file: WasmFile): void {
  if (file.quota !== undefined) file.quota.bytes += file.size
}

function rename(from: Place, to: Place): void {
  const node = existing(from)
  if (from.name === '' || to.name === '') throw new WasiError(ERRNO.INVAL)
  if (to.node === node) return
  if (from.folder.quota === undefined || to.folder.quota === undefined) throw new WasiError(ERRNO.ROFS)
  if (node instanceof WasmFile && to.asFolder) throw new WasiError(ERRNO.NOTDIR)
  if (node instanceof WasmFolder && holds(node, to.folder)) throw new WasiError(ERRNO.INVAL)
  if (to.node instanceof WasmFolder) {
    if (node instanceof WasmFile) throw new WasiError(ERRNO.ISDIR)
    if (to.node.size > 0) throw new WasiError(ERRNO.NOTEMPTY)
  } else if (to.node !== undefined) {
    if (node instanceof WasmFolder) throw new WasiError(ERRNO.NOTDIR)
    giveBack(to.node)
  }
  if (to.node !== undefined) to.folder.take(to.name)
  from.folder.take(from.name)
  to.folder.add(to.name, node)
}

/** Whether a folder is another or lies somewhere above it. */
function holds(folder: WasmFolder, other: WasmFolder): boolean {
  if (folder === other) return true
  return folder.entries().some(([, node]) => node instanceof WasmFolder && holds(node, other))
}
