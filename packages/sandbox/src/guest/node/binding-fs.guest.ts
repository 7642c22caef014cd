import { ASK } from '../../bridge-operations.ts'
import { core } from './core.guest.ts'
import { bytesOf, encoded } from './encodings.guest.ts'
import { contentOf, FileError, MemoryFiles, type Node } from './memory-files.guest.ts'
import { namesOf, OpenFiles } from './open-files.guest.ts'

const MB = 1_048_576
/** AWS's default for /tmp, where memory allows it: at most half of the function's memory is for files. */
const TMP_BYTES_MAX = 512 * MB
const BLOCK = 4_096
const S_IFMT = 0o170000
/** As libuv numbers the types of entries. */
const FOLDER = 2
/** Of copyFile: COPYFILE_EXCL, COPYFILE_FICLONE_FORCE. */
const COPY_NEW = 1
const COPY_BY_REFERENCE = 4
/** Names of files of layers begin so (packages/bundle); they lie where Lambda puts them. */
const LAYERS = 'opt:'

const kUsePromises = Symbol('fs_use_promises_symbol')

class FSReqCallback {
  oncomplete: ((error: unknown, result?: unknown) => void) | undefined
  context: unknown

  cancel(): void {
    // Nothing is ever under way: it is done when it is asked for.
  }
}

type Operation = (...values: never[]) => unknown

/** `internalBinding('fs')`: Node's own file API on top of files in memory. @param errors libuv's, by name */
export function makeBindingFs(errors: ReadonlyMap<string, readonly [number: number, text: string]>): Record<string, unknown> {
  const memoryMb = Number(process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE ?? 128)
  const files = new MemoryFiles(Math.min(TMP_BYTES_MAX, (memoryMb * MB) / 2))
  for (const [name, length] of JSON.parse(String(core.ask(ASK.FILE))) as [string, number][]) {
    files.addReadOnly(placeOf(name), length, () => core.ask(ASK.FILE, name) as Uint8Array)
  }
  const open = new OpenFiles(files)

  const told = (error: unknown, syscall: string, path?: string, destination?: string): unknown => {
    if (!(error instanceof FileError)) return error
    const [errno, text] = errors.get(error.code) ?? [-1, 'unknown error']
    const where = path === undefined ? '' : ` '${path}'`
    const to = destination === undefined ? '' : ` -> '${destination}'`
    return Object.assign(new Error(`${error.code}: ${text}, ${syscall}${where}${to}`), {
      errno,
      code: error.code,
      syscall,
      ...(path === undefined ? {} : { path }),
      ...(destination === undefined ? {} : { dest: destination })
    })
  }

  /** @param count of arguments before the request @param paths how many of them are paths, for the error */
  const operation =
    (syscall: string, count: number, paths: number, run: Operation) =>
    (...values: unknown[]): unknown => {
      const request = values[count]
      const call = () => {
        try {
          return run(...(values as never[]))
        } catch (error) {
          throw told(error, syscall, paths > 0 ? textOf(values[0]) : undefined, paths > 1 ? textOf(values[1]) : undefined)
        }
      }
      if (request === undefined || request === null) return call()
      if (request === kUsePromises) return Promise.resolve().then(call)
      complete(call, (error, result) => {
        const { oncomplete } = request as FSReqCallback
        if (error !== null) Reflect.apply(oncomplete as () => void, request, [error])
        else if (result === undefined) Reflect.apply(oncomplete as () => void, request, [null])
        else Reflect.apply(oncomplete as () => void, request, [null, result])
      })
      return undefined
    }

  const stat = (node: Node, big: unknown): Float64Array | BigInt64Array => {
    const size = node.kind === 'file' ? node.length : node.kind === 'link' ? node.target.length : BLOCK
    const times = [node.atimeMs, node.mtimeMs, node.ctimeMs, node.birthtimeMs]
    const seconds = times.flatMap((ms) => [Math.floor(ms / 1_000), (ms - Math.floor(ms / 1_000) * 1_000) * 1_000_000])
    const values = [1, node.mode, node.links, node.uid, node.gid, 0, BLOCK, node.ino, size, Math.ceil(size / 512), ...seconds]
    return big === true ? BigInt64Array.from(values, BigInt) : Float64Array.from(values)
  }

  // Whatever is no number, such as the encoding in write(fd, text, 'utf8'), is the position where the file is.
  const positionOf = (alleged: unknown): number | undefined => {
    const position = typeof alleged === 'number' || typeof alleged === 'bigint' ? Number(alleged) : -1
    return position >= 0 ? position : undefined
  }
  const writeBytes = (descriptor: number, bytes: Uint8Array, position: unknown) =>
    open.write(descriptor, bytes, positionOf(position))

  const statOf = (follow: boolean) => (path: string, big: unknown, _request: unknown, throws: unknown) => {
    try {
      return stat(files.get(path, follow), big)
    } catch (error) {
      if (throws === false && error instanceof FileError && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
        return undefined
      throw error
    }
  }

  const readWhole = (path: string | number, flags: number): Uint8Array => {
    const descriptor = typeof path === 'number' ? path : open.open(path, flags, 0o666)
    try {
      const node = open.node(descriptor)
      if (node.kind === 'folder') throw new FileError('EISDIR')
      return node.kind === 'file' ? contentOf(node) : new Uint8Array(0)
    } finally {
      if (typeof path !== 'number') open.close(descriptor)
    }
  }
  const writeWhole = (path: string | number, bytes: Uint8Array, flags: number, mode: number): void => {
    const descriptor = typeof path === 'number' ? path : open.open(path, flags, mode)
    try {
      open.write(descriptor, bytes, undefined)
    } finally {
      if (typeof path !== 'number') open.close(descriptor)
    }
  }

  const mkdir = (path: string, mode: number, recursive: unknown): string | undefined => {
    if (recursive !== true) {
      files.makeFolder(files.find(path), mode)
      return undefined
    }
    const whole = path.startsWith('/') ? path : `${process.cwd()}/${path}`
    let first: string | undefined
    let at = ''
    for (const part of whole.split('/').filter((one) => one !== '')) {
      at += `/${part}`
      const found = files.find(at)
      if (found.node?.kind === 'folder') continue
      if (found.node !== undefined) throw new FileError(at === whole ? 'EEXIST' : 'ENOTDIR')
      files.makeFolder(found, mode)
      first ??= at
    }
    return first
  }

  const remove = (path: string, kind: 'file' | 'folder'): void => {
    const found = files.find(path, false)
    if (found.node === undefined) throw new FileError('ENOENT')
    if (kind === 'file' && found.node.kind === 'folder') throw new FileError('EISDIR')
    if (kind === 'folder') {
      if (found.node.kind !== 'folder') throw new FileError('ENOTDIR')
      files.assertWritable(found.path)
      if (found.node.entries.size > 0) throw new FileError('ENOTEMPTY')
    }
    files.remove(found)
  }
  const removeTree = (path: string): void => {
    const found = files.find(path, false)
    if (found.node === undefined) throw new FileError('ENOENT')
    if (found.node.kind === 'folder') {
      for (const name of [...found.node.entries.keys()]) removeTree(`${found.path}/${name}`)
    }
    files.remove(found)
  }

  const readdir = (path: string, encoding: unknown, withTypes: unknown): unknown => {
    const listed = namesOf(files.folder(path))
    const names = listed.map(([name]) => encoded(name, encoding))
    return withTypes === true ? [names, listed.map(([, type]) => type)] : names
  }
  /** Folder by folder, those nearer to the top first: names alone are paths from there, with types it is told how many belong to which folder. */
  const readdirRecursive = (base: string, encoding: unknown, withTypes: unknown): unknown => {
    const names: unknown[] = []
    const types: number[] = []
    const counts: number[] = []
    const folders = ['']
    for (const folder of folders) {
      const listed = namesOf(files.folder(folder === '' ? base : `${textOf(base)}/${folder}`))
      counts.push(listed.length)
      for (const [name, type] of listed) {
        const place = folder === '' ? name : `${folder}/${name}`
        names.push(encoded(withTypes === true ? name : place, encoding))
        types.push(type)
        if (type === FOLDER) folders.push(place)
      }
    }
    return withTypes === true ? [names, types, counts, folders.map((folder) => encoded(folder, encoding))] : names
  }

  const mkdtemp = (prefix: string | Uint8Array, encoding: unknown): unknown => {
    const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'
    const bytes = crypto.getRandomValues(new Uint8Array(6))
    const path = textOf(prefix) + Array.from(bytes, (byte) => letters[byte % letters.length]).join('')
    files.makeFolder(files.find(path), 0o700)
    return encoded(path, encoding)
  }
  const access = (path: string, mode: number): void => {
    const { node, path: real } = files.find(path)
    if (node === undefined) throw new FileError('ENOENT')
    if ((mode & 2) !== 0) files.assertWritable(real)
    if ((mode & 1) !== 0 && (node.mode & 0o111) === 0) throw new FileError('EACCES')
  }
  const changed = (node: Node, path: string, change: Partial<Node>): void => {
    files.assertWritable(path)
    Object.assign(node, change, { ctimeMs: Date.now() })
  }
  const change =
    (follow: boolean, make: (node: Node, values: number[]) => Partial<Node>) =>
    (path: string, ...values: number[]) => {
      const found = files.find(path, follow)
      if (found.node === undefined) throw new FileError('ENOENT')
      changed(found.node, found.path, make(found.node, values))
    }
  const changeOpen =
    (make: (node: Node, values: number[]) => Partial<Node>) =>
    (descriptor: number, ...values: number[]) => {
      const node = open.node(descriptor)
      changed(node, '/tmp', make(node, values))
    }
  const toMode = (node: Node, [mode = 0]: number[]) => ({ mode: (node.mode & S_IFMT) | (mode & 0o7777) })
  const toOwner = (node: Node, [uid = 0, gid = 0]: number[]) => ({
    uid: uid === -1 ? node.uid : uid,
    gid: gid === -1 ? node.gid : gid
  })
  const toTimes = (_node: Node, [atime = 0, mtime = 0]: number[]) => ({ atimeMs: atime * 1_000, mtimeMs: mtime * 1_000 })

  class FileHandle {
    fd: number

    constructor(descriptor: number) {
      this.fd = descriptor
    }

    getAsyncId(): number {
      return 0
    }

    closeSync(): void {
      open.close(this.fd)
      this.fd = -1
    }

    async close(): Promise<void> {
      this.closeSync()
    }
  }

  /** One job reads a whole file: everything is in memory anyway. */
  class Job {
    ondone: ((...values: unknown[]) => void) | undefined
    context: unknown
    readonly #values: [path: string, flags: number, mode: unknown, data: unknown]

    constructor(...values: [string, number, unknown, unknown]) {
      this.#values = values
    }

    run(path: string): undefined {
      const [, flags, mode, data] = this.#values
      const write = ArrayBuffer.isView(data)
      complete(
        () => {
          try {
            return write ? writeWhole(path, bytesOf(data), flags, Number(mode)) : Buffer.from(readWhole(path, flags))
          } catch (error) {
            const late = error instanceof FileError && error.code === 'EISDIR' && !write
            throw told(error, late ? 'read' : 'open', path)
          }
        },
        (error, result) => {
          if (error !== null) this.ondone?.(error)
          else this.ondone?.(null, result, -1, 0)
        }
      )
      return undefined
    }
  }

  const op = operation
  return {
    kUsePromises,
    FSReqCallback,
    FileHandle,
    ReadFileJob: Job,
    WriteFileJob: Job,
    kFsStatsFieldsNumber: 18,
    statValues: new Float64Array(36),
    bigintStatValues: new BigInt64Array(36),
    open: op('open', 3, 1, (path: string, flags: number, mode: number) => open.open(path, flags, mode)),
    openFileHandle: op('open', 3, 1, (path: string, flags: number, mode: number) => new FileHandle(open.open(path, flags, mode))),
    close: op('close', 1, 0, (descriptor: number) => open.close(descriptor)),
    read: op('read', 5, 0, (descriptor: number, view: ArrayBufferView, offset: number, length: number, position: unknown) =>
      open.read(descriptor, bytesOf(view).subarray(offset, offset + length), positionOf(position))
    ),
    readBuffers: op('read', 3, 0, (descriptor: number, views: ArrayBufferView[], position: unknown) => {
      let at = positionOf(position)
      let total = 0
      for (const view of views) {
        const count = open.read(descriptor, bytesOf(view), at)
        total += count
        if (at !== undefined) at += count
        if (count < view.byteLength) break
      }
      return total
    }),
    writeBuffer: op(
      'write',
      5,
      0,
      (descriptor: number, view: ArrayBufferView, offset: number, length: number, position: unknown) =>
        writeBytes(descriptor, bytesOf(view).subarray(offset, length === null ? undefined : offset + length), position)
    ),
    writeBuffers: op('write', 3, 0, (descriptor: number, views: ArrayBufferView[], position: unknown) => {
      let at = positionOf(position)
      let total = 0
      for (const view of views) {
        const count = open.write(descriptor, bytesOf(view), at)
        total += count
        if (at !== undefined) at += count
      }
      return total
    }),
    writeString: op('write', 4, 0, (descriptor: number, text: string, position: unknown, encoding: BufferEncoding) =>
      writeBytes(descriptor, Buffer.from(text, encoding), position)
    ),
    readFileUtf8: (path: string | number, flags: number): string => {
      try {
        return Buffer.from(readWhole(path, flags)).toString()
      } catch (error) {
        const late = error instanceof FileError && error.code === 'EISDIR'
        throw told(error, late ? 'read' : 'open', late || typeof path === 'number' ? undefined : path)
      }
    },
    writeFileUtf8: (path: string | number, data: string, flags: number, mode: number): void => {
      try {
        writeWhole(path, Buffer.from(data), flags, mode)
      } catch (error) {
        const full = error instanceof FileError && error.code === 'ENOSPC'
        throw told(error, full ? 'write' : 'open', full || typeof path === 'number' ? undefined : path)
      }
    },
    stat: op('stat', 2, 1, statOf(true)),
    lstat: op('lstat', 2, 1, statOf(false)),
    fstat: op('fstat', 2, 0, (descriptor: number, big: unknown) => stat(open.node(descriptor), big)),
    statfs: op('statfs', 2, 1, () =>
      Float64Array.of(0, BLOCK, BLOCK, TMP_BYTES_MAX / BLOCK, files.bytesFree / BLOCK, files.bytesFree / BLOCK, 0, 0)
    ),
    existsSync: (path: string): boolean => {
      try {
        return files.find(path).node !== undefined
      } catch {
        // What can't be reached is not there.
        return false
      }
    },
    internalModuleStat: (path: string): number => {
      try {
        return files.get(path).kind === 'folder' ? 1 : 0
      } catch {
        // As above: a negative number means that.
        return -2
      }
    },
    access: op('access', 2, 1, access),
    mkdir: op('mkdir', 3, 1, mkdir),
    mkdtemp: op('mkdtemp', 2, 1, mkdtemp),
    readdir: op('scandir', 3, 1, readdir),
    readdirRecursive: op('scandir', 3, 1, readdirRecursive),
    rmdir: op('rmdir', 1, 1, (path: string) => remove(path, 'folder')),
    unlink: op('unlink', 1, 1, (path: string) => remove(path, 'file')),
    rmSync: (path: string, _retries: unknown, recursive: unknown): void => {
      try {
        const { node } = files.find(path, false)
        if (node === undefined) return
        if (recursive === true) removeTree(path)
        else if (node.kind !== 'folder') remove(path, 'file')
        else throw directory(path)
      } catch (error) {
        throw told(error, 'rm', path)
      }
    },
    rename: op('rename', 2, 2, (from: string, to: string) => files.rename(files.find(from, false), files.find(to, false))),
    copyFile: op('copyfile', 3, 2, (from: string, to: string, mode: number) => {
      if ((mode & COPY_BY_REFERENCE) !== 0) throw new FileError('ENOTSUP')
      const { mode: permissions } = files.get(from)
      const bytes = readWhole(from, 0).slice()
      writeWhole(to, bytes, (mode & COPY_NEW) !== 0 ? 0o301 : 0o1101, 0o644)
      files.get(to).mode = permissions
    }),
    link: op('link', 2, 2, (from: string, to: string) => files.linkNode(files.find(to, false), files.get(from))),
    symlink: op('symlink', 3, 2, (target: string, path: string) => files.makeLink(files.find(path, false), String(target))),
    readlink: op('readlink', 2, 1, (path: string, encoding: unknown) => {
      const node = files.get(path, false)
      if (node.kind !== 'link') throw new FileError('EINVAL')
      return encoded(node.target, encoding)
    }),
    realpath: op('realpath', 2, 1, (path: string, encoding: unknown) => {
      const found = files.find(path)
      if (found.node === undefined) throw new FileError('ENOENT')
      return encoded(found.path, encoding)
    }),
    ftruncate: op('ftruncate', 2, 0, (descriptor: number, length: number) => files.resize(open.file(descriptor), length ?? 0)),
    fsync: op('fsync', 1, 0, (descriptor: number) => void open.node(descriptor)),
    fdatasync: op('fdatasync', 1, 0, (descriptor: number) => void open.node(descriptor)),
    chmod: op('chmod', 2, 1, change(true, toMode)),
    fchmod: op('fchmod', 2, 0, changeOpen(toMode)),
    chown: op('chown', 3, 1, change(true, toOwner)),
    lchown: op('lchown', 3, 1, change(false, toOwner)),
    fchown: op('fchown', 3, 0, changeOpen(toOwner)),
    utimes: op('utime', 3, 1, change(true, toTimes)),
    lutimes: op('lutime', 3, 1, change(false, toTimes)),
    futimes: op('futime', 3, 0, changeOpen(toTimes))
  }
}

function directory(path: string): Error {
  return Object.assign(new Error(`Path is a directory: rm returned EISDIR (is a directory) ${path}`), {
    name: 'SystemError',
    code: 'ERR_FS_EISDIR',
    errno: 21,
    syscall: 'rm',
    path
  })
}

/** After the ticks of who asked, as an answer from outside would come. */
function complete(call: () => unknown, done: (error: unknown, result?: unknown) => void): void {
  Promise.resolve()
    .then(() => undefined)
    .then(() => {
      let answer: [error: unknown, result?: unknown]
      try {
        answer = [null, call()]
      } catch (error) {
        answer = [error]
      }
      // What the callback throws is no rejection.
      process.nextTick(done, ...answer)
    })
}

function placeOf(name: string): string {
  return name.startsWith(`${LAYERS}/`) ? `/opt${name.slice(LAYERS.length)}` : `/var/task/${name}`
}

function textOf(path: unknown): string {
  return typeof path === 'string' ? path : Buffer.from(path as Uint8Array).toString()
}
