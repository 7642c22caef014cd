import type * as NodeFs from 'node:fs'

interface Options {
  recursive?: boolean
  force?: boolean
  errorOnExist?: boolean
  dereference?: boolean
  filter?: (from: string, to: string) => boolean
}

/** fs.cpSync, which Node does in C++. */
export function makeCopySync(load: (id: string) => unknown): Record<string, unknown> {
  const fs = load('fs') as typeof NodeFs
  const { codes } = load('internal/errors') as { codes: Record<string, new (info: object) => Error> }
  const fail = (name: string, message: string, path: string, errno: number, code: string): Error =>
    new (codes[name] as new (info: object) => Error)({ message, path, syscall: 'cp', errno, code })

  const copy = (from: string, to: string, options: Options): void => {
    if (options.filter?.(from, to) === false) return
    const stats = options.dereference === true ? fs.statSync(from) : fs.lstatSync(from)
    if (stats.isDirectory()) {
      if (options.recursive !== true) {
        throw fail('ERR_FS_EISDIR', `Recursive option not enabled, cannot copy a directory: ${from}`, from, 21, 'EISDIR')
      }
      fs.mkdirSync(to, { recursive: true })
      for (const name of fs.readdirSync(from)) copy(`${from}/${name}`, `${to}/${name}`, options)
      return
    }
    if (fs.existsSync(to) && options.force === false) {
      if (options.errorOnExist === true) throw fail('ERR_FS_CP_EEXIST', `${to} already exists`, to, 17, 'EEXIST')
      return
    }
    fs.mkdirSync((load('path') as { dirname(path: string): string }).dirname(to), { recursive: true })
    if (stats.isSymbolicLink()) fs.symlinkSync(fs.readlinkSync(from), to)
    else fs.copyFileSync(from, to)
  }

  return {
    cpSyncFn: (from: string, to: string, options: Options) => {
      if (to === from || to.startsWith(`${from}/`)) {
        throw fail('ERR_FS_CP_EINVAL', `cannot copy ${from} to a subdirectory of self ${to}`, to, 22, 'EINVAL')
      }
      copy(from, to, options)
    }
  }
}
