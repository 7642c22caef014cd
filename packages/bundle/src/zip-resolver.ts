import { exportsTarget, isFreeOfSideEffects } from './package-exports.ts'
import { insideTaskRoot, join, LAYER_PACKAGES, type PackageJson, parentOf, type ZipTree } from './zip-tree.ts'

/** Tried in this order, Node's own first: where a zip has both index.js and index.ts, the compiled one is meant. */
export const SOURCE_EXTENSIONS = ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts', '.jsx', '.tsx'] as const
const IMPORT_EXTENSIONS = [...SOURCE_EXTENSIONS, '.json'] as const
/** TypeScript's habit: an import says './a.js' where the file is a.ts. */
const TYPESCRIPT_OF: Readonly<Record<string, readonly string[]>> = {
  '.js': ['.ts', '.tsx'],
  '.jsx': ['.tsx'],
  '.mjs': ['.mts'],
  '.cjs': ['.cts']
}
/** `imports` of a package.json may name a package whose … and so on. */
const HOPS_MAX = 8

export interface ResolvedFile {
  readonly path: string
  /** package.json says `"type": "module"` for it. */
  readonly esm: boolean
  /** May be left out when nothing of it is used. */
  readonly pure: boolean
}

/**
 * Node's module resolution over the files of a zip, and only over them: there is no disk under it, so no specifier, package.json
 * or folder can name a file outside. More lenient than Node in one way, as bundlers are: extensions may be left out in ES modules.
 */
export class ZipResolver {
  readonly #tree: ZipTree

  constructor(tree: ZipTree) {
    this.#tree = tree
  }

  /**
   * @param specifier what stands in the import, not a builtin
   * @param importer path of the file that has it
   * @param required by `require`, not `import`
   * @throws INVALID_SOURCE for a broken package.json on the way
   */
  async resolve(specifier: string, importer: string, required: boolean): Promise<ResolvedFile | undefined> {
    const conditions = new Set(['node', required ? 'require' : 'import', 'module-sync'])
    const path = await this.#find(specifier, parentOf(importer), conditions, 0)
    return path === undefined ? undefined : await this.describe(path)
  }

  /** @param path of a file of the zip */
  async describe(path: string): Promise<ResolvedFile> {
    const scope = await this.#tree.packageScope(parentOf(path))
    if (scope === undefined) return { path, esm: false, pure: false }
    const inPackage = scope.folder === '' ? path : path.slice(scope.folder.length + 1)
    return { path, esm: scope.json.type === 'module', pure: isFreeOfSideEffects(scope.json, inPackage) }
  }

  async #find(specifier: string, folder: string, conditions: Set<string>, hops: number): Promise<string | undefined> {
    if (hops > HOPS_MAX) return undefined
    if (/^\.\.?(?:\/|$)/.test(specifier)) return await this.#fileOrFolder(join(folder, specifier), specifier.endsWith('/'))
    if (specifier.startsWith('/')) return await this.#fileOrFolder(insideTaskRoot(specifier), false)
    if (specifier.startsWith('#')) return await this.#privateImport(specifier, folder, conditions, hops)
    return await this.#package(specifier, folder, conditions)
  }

  async #privateImport(specifier: string, folder: string, conditions: Set<string>, hops: number): Promise<string | undefined> {
    const scope = await this.#tree.packageScope(folder)
    const target = exportsTarget(scope?.json.imports, specifier, conditions)
    if (scope === undefined || target === undefined) return undefined
    return await this.#find(target, scope.folder, conditions, hops + 1)
  }

  async #package(specifier: string, folder: string, conditions: Set<string>): Promise<string | undefined> {
    const match = /^(@[^/]+\/[^/]+|[^@/.][^/]*)(?:\/(.*))?$/.exec(specifier)
    const name = match?.[1]
    if (name === undefined || specifier.includes('\\') || specifier.includes('\0')) return undefined
    const subpath = match?.[2] ?? ''

    const scope = await this.#tree.packageScope(folder)
    if (scope?.json.name === name && scope.json.exports !== undefined && scope.json.exports !== null) {
      return this.#exported(scope.folder, scope.json, subpath, conditions)
    }
    for (let at = folder; ; at = parentOf(at)) {
      if (at !== 'node_modules' && !at.endsWith('/node_modules')) {
        const found = join(at, `node_modules/${name}`)
        if (found !== undefined && this.#tree.isFolder(found)) return await this.#inPackage(found, subpath, conditions)
        // A single file in node_modules counts too.
        const single = subpath === '' && found !== undefined ? this.#withExtension(found) : undefined
        if (single !== undefined) return single
      }
      if (at === '') break
    }
    for (const packages of LAYER_PACKAGES) {
      const found = `${packages}/${name}`
      if (this.#tree.isFolder(found)) return await this.#inPackage(found, subpath, conditions)
      const single = subpath === '' ? this.#withExtension(found) : undefined
      if (single !== undefined) return single
    }
    return undefined
  }

  async #inPackage(folder: string, subpath: string, conditions: Set<string>): Promise<string | undefined> {
    const json = await this.#tree.packageJson(folder)
    if (json?.exports !== undefined && json.exports !== null) return this.#exported(folder, json, subpath, conditions)
    return await this.#fileOrFolder(join(folder, subpath), subpath === '')
  }

  #exported(folder: string, json: PackageJson, subpath: string, conditions: Set<string>): string | undefined {
    const target = exportsTarget(json.exports, subpath === '' ? '.' : `./${subpath}`, conditions)
    const path = target?.startsWith('./') ? join(folder, target) : undefined
    return path !== undefined && this.#tree.isFile(path) ? path : undefined
  }

  async #fileOrFolder(path: string | undefined, folderOnly: boolean): Promise<string | undefined> {
    if (path === undefined) return undefined
    const file = folderOnly ? undefined : this.#withExtension(path)
    if (file !== undefined || !this.#tree.isFolder(path)) return file
    const json = await this.#tree.packageJson(path)
    for (const main of [json?.main, json?.module]) {
      if (typeof main !== 'string' || main === '') continue
      const target = join(path, main)
      if (target === undefined) continue
      const found = this.#withExtension(target) ?? this.#withExtension(`${target}/index`)
      if (found !== undefined) return found
    }
    return this.#withExtension(path === '' ? 'index' : `${path}/index`)
  }

  #withExtension(path: string): string | undefined {
    if (this.#tree.isFile(path)) return path
    const extension = /\.[cm]?jsx?$/.exec(path)?.[0]
    const stem = extension === undefined ? path : path.slice(0, -extension.length)
    for (const typescript of extension === undefined ? [] : (TYPESCRIPT_OF[extension] ?? [])) {
      if (this.#tree.isFile(stem + typescript)) return stem + typescript
    }
    for (const added of IMPORT_EXTENSIONS) if (this.#tree.isFile(path + added)) return path + added
    return undefined
  }
}
