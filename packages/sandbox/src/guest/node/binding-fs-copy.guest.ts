import type * as NodeFs from 'node:fs'

type Load = (id: string) => unknown

interface Options {
  recursive: true
  force: boolean
  dereference: boolean
  errorOnExist: boolean
  verbatimSymlinks: boolean
  preserveTimestamps: boolean
  mode: number
  filter: () => true
}

/**
 * What `cp`, `cpSync` and the promise form ask of C++. Node walks a tree in C++ where nobody filters; here its own walk in JavaScript, the one for a filter, does
 * that too.
 */
export function makeBindingFsCopy(load: Load): Record<string, unknown> {
  const fs = () => load('fs') as typeof NodeFs
  const path = () => load('path') as typeof import('node:path')
  const walk = (from: string, to: string, options: Options) =>
    (load('internal/fs/cp/cp-sync') as { cpSyncFn(from: string, to: string, options: Options): void }).cpSyncFn(from, to, options)
  const fail = (code: string, message: string) => Object.assign(new Error(message), { code })

  const copyFolder = (from: string, to: string, options: Options): void => {
    const { existsSync, mkdirSync, readdirSync, chmodSync, statSync, utimesSync } = fs()
    const created = !existsSync(to)
    if (created) mkdirSync(to, { recursive: true })
    for (const name of readdirSync(from)) walk(path().join(from, name), path().join(to, name), options)
    const { mode, atime, mtime } = statSync(from)
    if (options.preserveTimestamps) utimesSync(to, atime, mtime)
    if (created) chmodSync(to, mode)
  }

  const optionsOf = ([force, dereference, errorOnExist, verbatimSymlinks, preserveTimestamps, mode = 0]: unknown[]): Options => ({
    recursive: true,
    force: force as boolean,
    dereference: dereference as boolean,
    errorOnExist: errorOnExist as boolean,
    verbatimSymlinks: verbatimSymlinks as boolean,
    preserveTimestamps: preserveTimestamps as boolean,
    mode: mode as number,
    filter: () => true
  })

  const checkPaths = (from: string, to: string, dereference: unknown, recursive: unknown): void => {
    const { lstatSync, statSync, mkdirSync } = fs()
    const look = dereference === true ? statSync : lstatSync
    const source = look(from)
    const target = look(to, { throwIfNoEntry: false })
    if (target?.ino === source.ino) throw fail('ERR_FS_CP_EINVAL', 'src and dest cannot be the same')
    if (target !== undefined && source.isDirectory() && !target.isDirectory()) {
      throw fail('ERR_FS_CP_DIR_TO_NON_DIR', `Cannot overwrite non-directory ${to} with directory ${from}`)
    }
    if (target?.isDirectory() === true && !source.isDirectory()) {
      throw fail('ERR_FS_CP_NON_DIR_TO_DIR', `Cannot overwrite directory ${to} with non-directory ${from}`)
    }
    const { resolve, dirname, sep } = path()
    const within = `Cannot copy ${from} to a subdirectory of self ${to}`
    if (source.isDirectory() && `${resolve(to)}${sep}`.startsWith(`${resolve(from)}${sep}`))
      throw fail('ERR_FS_CP_EINVAL', within)
    // Whatever links lead there.
    for (let above = dirname(resolve(to)); above !== dirname(above); above = dirname(above)) {
      if (statSync(above, { throwIfNoEntry: false })?.ino === source.ino) throw fail('ERR_FS_CP_EINVAL', within)
    }
    if (source.isDirectory() && recursive !== true) {
      throw fail('ERR_FS_EISDIR', `Recursive option not enabled, cannot copy a directory: ${from}`)
    }
    mkdirSync(dirname(resolve(to)), { recursive: true })
  }

  /** One job copies a whole tree: everything is in memory anyway. */
  class CpDirJob {
    ondone: ((error: unknown) => void) | undefined
    readonly #values: [from: string, to: string, ...options: unknown[]]

    constructor(...values: [string, string, ...unknown[]]) {
      this.#values = values
    }

    run(): void {
      const [from, to, ...options] = this.#values
      queueMicrotask(() => {
        try {
          copyFolder(from, to, optionsOf(options))
        } catch (error) {
          this.ondone?.(error)
          return
        }
        this.ondone?.(null)
      })
    }
  }

  return {
    CpDirJob,
    cpSyncCheckPaths: checkPaths,
    cpSyncCopyDir: (from: string, to: string, ...options: unknown[]) => copyFolder(from, to, optionsOf(options)),
    cpSyncOverrideFile: (from: string, to: string, mode: number, preserveTimestamps: unknown): void => {
      const { unlinkSync, copyFileSync, statSync, utimesSync } = fs()
      unlinkSync(to)
      copyFileSync(from, to, mode)
      const { atime, mtime } = statSync(from)
      if (preserveTimestamps === true) utimesSync(to, atime, mtime)
    }
  }
}
