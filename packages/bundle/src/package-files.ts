import { isForReading } from './bundle-files.ts'
import { packageFolder } from './native-package.ts'

/** By these a module finds the files next to it. */
const SAYS_WHERE = /\b__(?:dirname|filename)\b|\bimport\.meta\b/
const SAYS_NAME = /\b__filename\b|\bimport\.meta\.(?:url|filename)\b/
/** What stands in a text instead, after it was packed once: where in the zip the files of its packages lie. */
const PACKED = /\/var\/task\/([\w@./-]{1,400})/g
const CODE_CHARACTERS_MAX = 262_144
const FILE_NAME = /[\w@.-]{1,100}\.[A-Za-z0-9]{1,8}(?![\w.])/g

/** What packages have besides code, by their folder. Gone through when it is first asked for. */
export function packageData(names: Iterable<string>): (folder: string) => readonly string[] {
  let all: Map<string, string[]> | undefined
  return (wanted) => {
    if (all === undefined) {
      all = new Map()
      for (const name of names) {
        const folder = packageFolder(name)
        if (folder === undefined || !isForReading(name.slice(folder.length + 1))) continue
        const known = all.get(folder)
        if (known === undefined) all.set(folder, [name])
        else known.push(name)
      }
    }
    return all.get(wanted) ?? []
  }
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
export function filesReadBy(path: string, text: string, dataOf: (folder: string) => readonly string[]): string[] {
  const folders = new Set<string>()
  const own = packageFolder(path)
  if (own !== undefined && mayRead(text)) folders.add(own)
  for (const [, place] of text.matchAll(PACKED)) {
    const folder = packageFolder(`${place}/`)
    if (folder !== undefined) folders.add(folder)
  }
  const candidates = [...folders].flatMap(dataOf)
  if (candidates.length === 0) return []
  const named = new Set(Array.from(text.matchAll(FILE_NAME), ([name]) => name))
  return candidates.filter((name) => named.has(name.slice(name.lastIndexOf('/') + 1)))
}
