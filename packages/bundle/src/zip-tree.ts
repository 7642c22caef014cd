import { PeerlessError } from '@peerless/interface'
import type { ZipItem } from './zip-read.ts'

/** npm's own are below 100 KB. */
const PACKAGE_JSON_BYTES_MAX = 1_048_576
/** Where a function finds its files on AWS; absolute imports of it are meant for the zip. */
const TASK_ROOT = '/var/task/'
/** Where it finds those of its layers, there and here. A zip with such a folder of its own fools nobody but its own function. */
const LAYERS_ROOT = '/opt/'
export const LAYERS_FOLDER = 'opt:'
/** Where packages of layers are, as Lambda's NODE_PATH says: the one for this version of Node first. */
export const LAYER_PACKAGES = [`${LAYERS_FOLDER}/nodejs/node26/node_modules`, `${LAYERS_FOLDER}/nodejs/node_modules`] as const

/** What the resolver needs of a package.json; everything in it is as its author wrote it, unchecked. */
export type PackageJson = Readonly<Record<string, unknown>>

/**
 * The files of a zip as the bundler sees them: the only files there are. Paths are relative to the zip's root without a leading
 * slash; '' is the root.
 */
export class ZipTree {
  readonly #files = new Map<string, ZipItem>()
  readonly #folders = new Set<string>([''])
  readonly #packages = new Map<string, Promise<PackageJson | undefined>>()

  constructor(items: readonly ZipItem[]) {
    for (const item of items) {
      this.#files.set(item.name, item)
      for (let slash = item.name.lastIndexOf('/'); slash !== -1; slash = item.name.lastIndexOf('/', slash - 1)) {
        const folder = item.name.slice(0, slash)
        if (this.#folders.has(folder)) break
        this.#folders.add(folder)
      }
    }
  }

  isFile(path: string): boolean {
    return this.#files.has(path)
  }

  isFolder(path: string): boolean {
    return this.#folders.has(path)
  }

  names(): IterableIterator<string> {
    return this.#files.keys()
  }

  /** @throws INVALID_SOURCE when there is no such file, INVALID_ZIP when its data is broken */
  async text(path: string): Promise<string> {
    return new TextDecoder().decode(await this.bytes(path))
  }

  async bytes(path: string): Promise<Uint8Array> {
    const item = this.#files.get(path)
    if (item === undefined) throw new PeerlessError('INVALID_SOURCE', `'${path}' is not in the zip`)
    return await item.read()
  }

  bytesDeclared(path: string): number {
    return this.#files.get(path)?.bytesDeclared ?? 0
  }

  /** The package.json of exactly this folder. @throws INVALID_SOURCE when it is not a JSON object */
  packageJson(folder: string): Promise<PackageJson | undefined> {
    let known = this.#packages.get(folder)
    if (known === undefined) {
      known = this.#readPackageJson(joined(folder, 'package.json'))
      this.#packages.set(folder, known)
    }
    return known
  }

  /** The nearest package.json upwards, as Node scopes it: the search does not cross a node_modules folder. */
  async packageScope(folder: string): Promise<{ folder: string; json: PackageJson } | undefined> {
    for (let at = folder; ; at = parentOf(at)) {
      if (at === 'node_modules' || at.endsWith('/node_modules')) return undefined
      const json = await this.packageJson(at)
      if (json !== undefined) return { folder: at, json }
      if (at === '') return undefined
    }
  }

  async #readPackageJson(path: string): Promise<PackageJson | undefined> {
    const item = this.#files.get(path)
    if (item === undefined) return undefined
    if (item.bytesDeclared > PACKAGE_JSON_BYTES_MAX) {
      throw new PeerlessError('TOO_LARGE', `'${path}' has ${item.bytesDeclared} bytes, at most ${PACKAGE_JSON_BYTES_MAX}`)
    }
    const text = await this.text(path)
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch (error) {
      throw new PeerlessError('INVALID_SOURCE', `${path}: is not JSON: ${(error as Error).message.slice(0, 200)}`, {
        cause: error
      })
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new PeerlessError('INVALID_SOURCE', `${path}: is not a JSON object`)
    }
    return value as PackageJson
  }
}

/** The folder above; '' for the root's own children and for the root. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

/** `folder/path` with '.' and '..' worked out, or undefined when it leaves the root. */
export function join(folder: string, path: string): string | undefined {
  const segments = folder === '' ? [] : folder.split('/')
  for (const segment of path.split('/')) {
    if (segment === '' || segment === '.') continue
    if (segment !== '..') segments.push(segment)
    else if (segments.pop() === undefined) return undefined
  }
  return segments.join('/')
}

/** An absolute path as a path of the zip, or undefined when it is meant for somewhere else. */
export function insideTaskRoot(path: string): string | undefined {
  if (path.startsWith(LAYERS_ROOT)) return join(LAYERS_FOLDER, path.slice(LAYERS_ROOT.length))
  return path.startsWith(TASK_ROOT) ? join('', path.slice(TASK_ROOT.length)) : undefined
}

function joined(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`
}
