/**
 * The files that a function sees, as a tree in memory: what its bundle brought, read-only, and `/tmp`, which it may fill up to a limit. The
 * code is the caller's errors as Linux gives them, by name; `FileError` says which, `binding-fs` makes Node's errors of it.
 */
const S_IFDIR = 0o040000
const S_IFREG = 0o100000
const S_IFLNK = 0o120000
const S_IFCHR = 0o020000
/** Files and folders together, below /tmp. AWS bounds bytes only; here each costs memory of the isolate. */
const NODES_MAX = 20_000
const LINKS_FOLLOWED_MAX = 40
const NAME_BYTES_MAX = 255
const PATH_CHARS_MAX = 4_096
const WRITABLE = '/tmp'

export class FileError extends Error {
  readonly code: string

  constructor(code: string) {
    super(code)
    this.code = code
  }
}

interface Stamped {
  readonly ino: number
  mode: number
  uid: number
  gid: number
  links: number
  atimeMs: number
  mtimeMs: number
  ctimeMs: number
  readonly birthtimeMs: number
}
export interface FileNode extends Stamped {
  readonly kind: 'file'
  bytes: Uint8Array
  length: number
  /** Set while the bytes are still with the executor. */
  fetch: (() => Uint8Array) | undefined
}
export interface FolderNode extends Stamped {
  readonly kind: 'folder'
  readonly entries: Map<string, Node>
}
interface LinkNode extends Stamped {
  readonly kind: 'link'
  readonly target: string
}
/** /dev/null and the like: takes everything, gives nothing. */
interface DeviceNode extends Stamped {
  readonly kind: 'device'
  readonly random: boolean
}
export type Node = FileNode | FolderNode | LinkNode | DeviceNode

export interface Found {
  readonly parent: FolderNode
  readonly name: string
  /** Absolute and without links above its last part. */
  readonly path: string
  readonly node: Node | undefined
}

export class MemoryFiles {
  readonly #root: FolderNode
  readonly #bytesMax: number
  #bytes = 0
  #nodes = 0
  #inode = 1

  /** @param bytesMax of all files below /tmp together */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
    this.#root = this.#folder(0o755)
    for (const path of ['/var/task', '/opt', '/dev', '/etc', WRITABLE]) this.#foldersTo(path)
    this.#open(WRITABLE).mode = S_IFDIR | 0o1777
    const device = (random: boolean): DeviceNode => ({ ...this.#stamp(S_IFCHR | 0o666), kind: 'device', random })
    const devices = this.#open('/dev').entries
    devices.set('null', device(false))
    devices.set('urandom', device(true))
    devices.set('random', device(true))
  }

  /** A file of the bundle; its bytes are fetched when they are first read. */
  addReadOnly(path: string, length: number, fetch: () => Uint8Array): void {
    const slash = path.lastIndexOf('/')
    const folder = this.#foldersTo(path.slice(0, slash))
    folder.entries.set(path.slice(slash + 1), {
      ...this.#stamp(S_IFREG | 0o644),
      kind: 'file',
      bytes: new Uint8Array(0),
      length,
      fetch
    })
  }

  /** @throws FileError ENOENT (above the last part), ENOTDIR, ELOOP, ENAMETOOLONG */
  find(alleged: string | Uint8Array, follow = true): Found {
    const path = typeof alleged === 'string' ? alleged : Buffer.from(alleged).toString()
    if (path === '') throw new FileError('ENOENT')
    if (path.length > PATH_CHARS_MAX) throw new FileError('ENAMETOOLONG')
    return this.#find(path.startsWith('/') ? path : `${process.cwd()}/${path}`, follow, LINKS_FOLLOWED_MAX)
  }

  /** @throws FileError as find, and ENOENT when there is nothing */
  get(path: string, follow = true): Node {
    const { node } = this.find(path, follow)
    if (node === undefined) throw new FileError('ENOENT')
    return node
  }

  /** @throws FileError */
  folder(path: string): FolderNode {
    const node = this.get(path)
    if (node.kind !== 'folder') throw new FileError('ENOTDIR')
    return node
  }

  #find(path: string, follow: boolean, hops: number): Found {
    const parts = path.split('/').filter((part) => part !== '' && part !== '.')
    const folders: FolderNode[] = [this.#root]
    const names: string[] = []
    for (let index = 0; index < parts.length; index++) {
      const part = parts[index] as string
      const folder = folders.at(-1) as FolderNode
      const last = index === parts.length - 1
      if (part === '..') {
        if (folders.length > 1) {
          folders.pop()
          names.pop()
        }
        continue
      }
      if (part.length > NAME_BYTES_MAX) throw new FileError('ENAMETOOLONG')
      const node = folder.entries.get(part)
      if (node?.kind === 'link' && (!last || follow)) {
        if (hops === 0) throw new FileError('ELOOP')
        const base = node.target.startsWith('/') ? node.target : `/${names.join('/')}/${node.target}`
        return this.#find([base, ...parts.slice(index + 1)].join('/'), follow, hops - 1)
      }
      if (last) {
        if (node !== undefined && node.kind !== 'folder' && path.endsWith('/')) throw new FileError('ENOTDIR')
        return { parent: folder, name: part, path: `/${[...names, part].join('/')}`, node }
      }
      if (node === undefined) throw new FileError('ENOENT')
      if (node.kind !== 'folder') throw new FileError('ENOTDIR')
      folders.push(node)
      names.push(part)
    }
    const here = folders.at(-1) as FolderNode
    const parent = folders.at(-2) ?? here
    return { parent, name: names.at(-1) ?? '', path: `/${names.join('/')}`, node: here }
  }

  /** @throws FileError EROFS: only /tmp takes anything */
  assertWritable(path: string): void {
    if (path !== WRITABLE && !path.startsWith(`${WRITABLE}/`)) throw new FileError('EROFS')
  }

  /** @throws FileError EROFS, ENOSPC */
  create(found: Found, mode: number): FileNode {
    const node: FileNode = {
      ...this.#stamp(S_IFREG | (mode & 0o7777 & ~0o022)),
      kind: 'file',
      bytes: new Uint8Array(0),
      length: 0,
      fetch: undefined
    }
    this.#attach(found, node)
    return node
  }

  makeFolder(found: Found, mode: number): void {
    if (found.node !== undefined) throw new FileError('EEXIST')
    this.#attach(found, this.#folder(mode & 0o7777 & ~0o022))
  }

  makeLink(found: Found, target: string): void {
    if (found.node !== undefined) throw new FileError('EEXIST')
    this.#attach(found, { ...this.#stamp(S_IFLNK | 0o777), kind: 'link', target })
  }

  /** A second name of a file. */
  linkNode(found: Found, node: Node): void {
    if (found.node !== undefined) throw new FileError('EEXIST')
    if (node.kind === 'folder') throw new FileError('EPERM')
    this.#attach(found, node)
    node.links++
  }

  /** @throws FileError EROFS */
  remove(found: Found): void {
    this.assertWritable(found.path)
    if (found.path === WRITABLE) throw new FileError('EBUSY')
    found.parent.entries.delete(found.name)
    found.parent.mtimeMs = Date.now()
    this.#release(found.node)
  }

  rename(from: Found, to: Found): void {
    this.assertWritable(from.path)
    this.assertWritable(to.path)
    if (from.path === WRITABLE || to.path === WRITABLE) throw new FileError('EBUSY')
    const { node } = from
    if (node === undefined) throw new FileError('ENOENT')
    if (`${to.path}/`.startsWith(`${from.path}/`)) {
      if (to.path === from.path) return
      throw new FileError('EINVAL')
    }
    if (to.node !== undefined) {
      if (to.node === node) return
      if (to.node.kind === 'folder') {
        if (node.kind !== 'folder') throw new FileError('EISDIR')
        if (to.node.entries.size > 0) throw new FileError('ENOTEMPTY')
      } else if (node.kind === 'folder') throw new FileError('ENOTDIR')
      this.#release(to.node)
    }
    from.parent.entries.delete(from.name)
    to.parent.entries.set(to.name, node)
  }

  /** @throws FileError ENOSPC; then nothing was changed */
  resize(node: FileNode, length: number): void {
    const growth = length - node.length
    if (growth > 0 && this.#bytes + growth > this.#bytesMax) throw new FileError('ENOSPC')
    if (length > node.bytes.length) {
      // Twice as much as before, so that appending piece by piece costs no square of the size.
      const grown = new Uint8Array(Math.min(Math.max(length, node.bytes.length * 2, 64), Math.max(length, this.#bytesMax)))
      grown.set(node.bytes.subarray(0, node.length))
      node.bytes = grown
    } else if (length < node.length) {
      node.bytes = node.bytes.slice(0, length)
    }
    this.#bytes += growth
    node.length = length
    node.mtimeMs = node.ctimeMs = Date.now()
  }

  get bytesFree(): number {
    return this.#bytesMax - this.#bytes
  }

  #attach(found: Found, node: Node): void {
    this.assertWritable(found.path)
    if (this.#nodes >= NODES_MAX) throw new FileError('ENOSPC')
    this.#nodes++
    found.parent.entries.set(found.name, node)
    found.parent.mtimeMs = Date.now()
  }

  #release(node: Node | undefined): void {
    if (node === undefined) return
    this.#nodes--
    node.links--
    if (node.kind === 'file' && node.links === 0) this.#bytes -= node.length
  }

  #foldersTo(path: string): FolderNode {
    let folder = this.#root
    for (const part of path.split('/')) {
      if (part === '') continue
      let next = folder.entries.get(part)
      if (next?.kind !== 'folder') {
        next = this.#folder(0o755)
        folder.entries.set(part, next)
      }
      folder = next
    }
    return folder
  }

  #open(path: string): FolderNode {
    return this.#foldersTo(path)
  }

  #folder(mode: number): FolderNode {
    return { ...this.#stamp(S_IFDIR | mode), kind: 'folder', entries: new Map() }
  }

  #stamp(mode: number): Stamped {
    const now = Date.now()
    const times = { atimeMs: now, mtimeMs: now, ctimeMs: now, birthtimeMs: now }
    return { ino: this.#inode++, mode, uid: 993, gid: 990, links: 1, ...times }
  }
}

/** The bytes of a file, fetched where they are not here yet. */
export function contentOf(node: FileNode): Uint8Array {
  if (node.fetch !== undefined) {
    node.bytes = node.fetch()
    node.length = node.bytes.length
    node.fetch = undefined
  }
  return node.bytes.subarray(0, node.length)
}
