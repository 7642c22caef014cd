import { isForReading } from './bundle-files.ts'
import { packageFolder } from './native-package.ts'

/** By these a module finds the files next to it. */
const SAYS_WHERE = /\b__(?:dirname|filename)\b|\bimport\.meta\b/
const SAYS_NAME = /\b__filename\b|\bimport\.meta\.(?:url|filename)\b/
/** What stands in a text instead, after it was packed once: where in the zip the files of its packages lie. */
const PACKED = /\/var\/task\/([\w@./-]{1,400})/g
/** Files of one package that are called alike and come along. */
const ALIKE_MAX = 16
const CODE_CHARACTERS_MAX = 262_144
const FILE_NAME = /[\w@.-]{1,100}\.[A-Za-z0-9]{1,8}(?![\w.])/g

/** What a package has besides code: paths, by the last part of their names. */
export type PackageData = ReadonlyMap<string, readonly string[]>

const NOTHING: PackageData = new Map()

/** Of all packages, by their folder. Gone through when it is first asked for. */
export function packageData(names: Iterable<string>): (folder: string) => PackageData {
  let all: Map<string, Map<string, string[]>> | undefined
  return (wanted) => {
    if (all === undefined) {
      all = new Map()
      for (const name of names) addData(all, name)
    }
    return all.get(wanted) ?? NOTHING
  }
}

/** Whether a file belongs to a package, and is no code. */
export function isPackageData(name: string): boolean {
  const folder = packageFolder(name)
  return folder !== undefined && isForReading(name.slice(folder.length + 1))
}

function addData(all: Map<string, Map<string, string[]>>, name: string): void {
  const folder = packageFolder(name)
  if (folder === undefined || !isPackageData(name)) return
  const data = all.get(folder) ?? new Map<string, string[]>()
  all.set(folder, data)
  const last = lastPart(name)
  const alike = data.get(last)
  if (alike === undefined) data.set(last, [name])
  else if (alike.length < ALIKE_MAX) alike.push(name)
}

function lastPart(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1)
}

/** Whether a module of a package asks where it lies. */
export function mayRead(text: string): boolean {
  return SAYS_WHERE.test(text)
}

/**
 * The author's own files of code that a module may read: itself where it asks for its name, and those whose place it says since it was packed. Large ones
 * are left out: they are in the script already.
 */
export function codeReadBy(path: string, text: string, isFile: (name: string) => boolean): string[] {
  if (packageFolder(path) !== undefined || text.length > CODE_CHARACTERS_MAX) return []
  const named = Array.from(text.matchAll(PACKED), ([, name]) => name as string)
  const all = SAYS_NAME.test(text) ? [path, ...named] : named
  return all.filter((name) => packageFolder(name) === undefined && isFile(name))
}

/**
 * Files that packages read while they run: WebAssembly that they compile, fonts, tables. They are few, and which ones says the code that
 * reads them: a module that asks where it lies, and names a file of its package.
 * @param path of the module, its slashes leaning forward
 * @param dataOf the files of a package that are no code
 */
export function filesReadBy(path: string, text: string, dataOf: (folder: string) => PackageData): string[] {
  const folders = new Set<string>()
  const own = packageFolder(path)
  if (own !== undefined && mayRead(text)) folders.add(own)
  for (const [, place] of text.matchAll(PACKED)) {
    const folder = packageFolder(`${place}/`)
    if (folder !== undefined) folders.add(folder)
  }
  const all = [...folders].map(dataOf).filter((data) => data.size > 0)
  if (all.length === 0) return []
  const named = new Set(Array.from(text.matchAll(FILE_NAME), ([name]) => name))
  return all.flatMap((data) => {
    // The fewer ones are gone through: the time is that of reading the text.
    const names = data.size < named.size ? [...data.keys()].filter((name) => named.has(name)) : [...named]
    return names.flatMap((name) => data.get(name) ?? [])
  })
}
