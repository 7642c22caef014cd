import { core } from './core.guest.ts'
import { contentOf, FileError, type FileNode, type FolderNode, type MemoryFiles, type Node } from './memory-files.guest.ts'

const O_ACCMODE = 3
const O_WRONLY = 1
const O_CREAT = 0o100
const O_EXCL = 0o200
const O_TRUNC = 0o1000
const O_APPEND = 0o2000
const O_DIRECTORY = 0o200000
const O_NOFOLLOW = 0o400000
/** As a process on Lambda may have. */
const DESCRIPTORS_MAX = 1_024
const FIRST = 3

interface Open {
  readonly node: Node
  readonly read: boolean
  readonly write: boolean
  readonly append: boolean
  at: number
}

/** File descriptors over the tree of files; 1 and 2 are the log. */
export class OpenFiles {
  readonly #files: MemoryFiles
  readonly #open = new Map<number, Open>()

  constructor(files: MemoryFiles) {
    this.#files = files
  }

  /** @throws FileError */
  open(path: string, flags: number, mode: number): number {
    if (this.#open.size >= DESCRIPTORS_MAX) throw new FileError('EMFILE')
    const access = flags & O_ACCMODE
    const write = access !== 0
    const found = this.#files.find(path, (flags & O_NOFOLLOW) === 0)
    let { node } = found
    if (node === undefined) {
      if ((flags & O_CREAT) === 0) throw new FileError('ENOENT')
      if (String(path).endsWith('/')) throw new FileError('EISDIR')
      node = this.#files.create(found, mode)
    } else if ((flags & O_CREAT) !== 0 && (flags & O_EXCL) !== 0) throw new FileError('EEXIST')
    if (node.kind === 'link') throw new FileError('ELOOP')
    if (node.kind === 'folder' && write) throw new FileError('EISDIR')
    if (node.kind !== 'folder' && (flags & O_DIRECTORY) !== 0) throw new FileError('ENOTDIR')
    if (write && node.kind === 'file') {
      this.#files.assertWritable(found.path)
      if ((flags & O_TRUNC) !== 0) this.#files.resize(node, 0)
    }
    let descriptor = FIRST
    while (this.#open.has(descriptor)) descriptor++
    const append = (flags & O_APPEND) !== 0
    this.#open.set(descriptor, { node, read: access !== O_WRONLY, write, append, at: 0 })
    return descriptor
  }

  close(descriptor: number): void {
    const ofProcess = descriptor >= 0 && descriptor < FIRST
    if (!this.#open.delete(descriptor) && !ofProcess) throw new FileError('EBADF')
  }

  node(descriptor: number): Node {
    return this.#of(descriptor).node
  }

  file(descriptor: number): FileNode {
    const { node } = this.#of(descriptor)
    if (node.kind !== 'file') throw new FileError('EINVAL')
    return node
  }

  /** @param position undefined: where the last one ended */
  read(descriptor: number, target: Uint8Array, position: number | undefined): number {
    const open = this.#of(descriptor)
    if (!open.read) throw new FileError('EBADF')
    const { node } = open
    if (node.kind === 'folder') throw new FileError('EISDIR')
    if (node.kind === 'device') {
      if (!node.random) return 0
      crypto.getRandomValues(target as Uint8Array<ArrayBuffer>)
      return target.length
    }
    const content = contentOf(node as FileNode)
    const from = position ?? open.at
    const count = Math.max(0, Math.min(target.length, content.length - from))
    target.set(content.subarray(from, from + count))
    if (position === undefined) open.at = from + count
    return count
  }

  write(descriptor: number, bytes: Uint8Array, position: number | undefined): number {
    if (descriptor === 1 || descriptor === 2) {
      core.log(descriptor === 1 ? 1 : 3, new TextDecoder().decode(bytes).replace(/\n$/, ''))
      return bytes.length
    }
    const open = this.#of(descriptor)
    if (!open.write) throw new FileError('EBADF')
    const { node } = open
    if (node.kind !== 'file') return bytes.length
    const at = open.append ? node.length : (position ?? open.at)
    const end = at + bytes.length
    if (end > node.length) this.#files.resize(node, end)
    node.bytes.set(bytes, at)
    node.mtimeMs = Date.now()
    if (position === undefined || open.append) open.at = end
    return bytes.length
  }

  #of(descriptor: number): Open {
    const open = this.#open.get(descriptor)
    if (open === undefined) throw new FileError('EBADF')
    return open
  }
}

/** Names in order, as `readdir` gives them here. */
export function namesOf(folder: FolderNode): [name: string, type: number][] {
  const TYPES = { file: 1, folder: 2, link: 3, device: 6 } as const
  return [...folder.entries]
    .map(([name, node]): [string, number] => [name, TYPES[node.kind]])
    .sort(([a], [b]) => (a < b ? -1 : 1))
}
