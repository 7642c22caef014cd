import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, extname, join, relative, sep } from 'node:path'
import { LIMITS, MANIFEST_FILE, PeerlessError } from '@peerless/interface'
import { parseHandler } from './handler-name.ts'
import { checkModule } from './wasm-module.ts'
import { writeZip } from './zip-write.ts'

export const FOREIGN_EXTENSIONS = ['.wasm', '.py'] as const
/** Handlers that Python files are looked through for, in this order; the second is what Lambda's console writes. */
const PYTHON_HANDLERS = ['handler', 'lambda_handler'] as const
/** Files that a folder without JavaScript is a function by. */
const FOLDER_ENTRIES = ['app.py', 'lambda_function.py', 'main.py', 'index.py', 'main.wasm', 'index.wasm'] as const
const RUNTIME_WASM = 'provided.al2023'
const RUNTIME_PYTHON = 'python3.13'
const FOLDERS_LEFT_OUT: ReadonlySet<string> = new Set(['node_modules', '__pycache__', 'venv', 'target', 'build'])
/** Modules of one's own that a file imports, one file after the other. */
const IMPORT = /^[ \t]*(?:from[ \t]+(\.*[\w.]*)[ \t]+import[ \t]+(?:\(([^)]*)\)|([^\n#;]*))|import[ \t]+([^\n#;]+))/gm

interface Packed {
  zip: Uint8Array
  handler: string
  runtime: string
}

/** The file by which a folder is a function in another language. */
export async function foreignEntry(folder: string, handler: string | undefined): Promise<string | undefined> {
  const stem = handler === undefined ? undefined : parseHandler(handler).stem
  const names = stem === undefined ? FOLDER_ENTRIES : FOREIGN_EXTENSIONS.map((extension) => stem + extension)
  for (const name of names) if (await isFile(join(folder, name))) return join(folder, name)
  return undefined
}

/**
 * A module or Python file as a zip: alone with what it imports, or with the whole folder.
 * @param folder undefined: the file was named, not its folder
 * @throws INVALID_SOURCE, HANDLER_NOT_FOUND, TOO_LARGE
 */
export async function packForeign(entry: string, folder: string | undefined, handler: string | undefined): Promise<Packed> {
  const python = extname(entry) === '.py'
  const root = folder ?? dirname(entry)
  const name = nameOf(root, entry)
  const files =
    folder !== undefined
      ? await filesOf(folder)
      : python
        ? await withImports(root, name)
        : { [`${moduleStem(entry, handler)}.wasm`]: await readFile(entry) }
  const made = python
    ? { handler: handler ?? (await pythonHandler(entry, name)), runtime: RUNTIME_PYTHON }
    : {
        handler: handler ?? (await wasmHandler(entry, moduleStem(folder === undefined ? entry : name, undefined))),
        runtime: RUNTIME_WASM
      }
  return { ...made, zip: writeZip(files) }
}

/** As it is named in the zip: a handler can't have a second dot, so other names give way. */
function moduleStem(entry: string, handler: string | undefined): string {
  if (handler !== undefined) return parseHandler(handler).stem
  const stem = basename(entry, '.wasm')
  return /^[\w-]{1,64}$/.test(stem) ? stem : 'main'
}

async function wasmHandler(entry: string, stem: string): Promise<string> {
  return (await checkModule(entry, await readFile(entry))).has('_start') ? `${stem}.wasm` : `${stem}.handler`
}

async function pythonHandler(entry: string, name: string): Promise<string> {
  const source = await readFile(entry, 'utf8')
  const stem = name.slice(0, -'.py'.length)
  for (const one of PYTHON_HANDLERS) {
    if (new RegExp(`^(?:async[ \\t]+)?def[ \\t]+${one}\\b|^${one}[ \\t]*=`, 'm').test(source)) return `${stem}.${one}`
  }
  throw new PeerlessError(
    'HANDLER_NOT_FOUND',
    `'${entry}' defines neither '${PYTHON_HANDLERS.join("' nor '")}'; name it with --handler ${stem}.NAME`
  )
}

/** The file and those of its folder that it imports, in turn. What is not there is taken for a module of the interpreter. */
async function withImports(root: string, first: string): Promise<Record<string, Uint8Array>> {
  const found: Record<string, Uint8Array> = {}
  const queue = [first]
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (Object.hasOwn(found, name)) continue
    if (Object.keys(found).length >= LIMITS.zipFilesMax) throw tooMany(root)
    const bytes = await readFile(join(root, name))
    found[name] = bytes
    for (const candidate of candidatesOf(bytes.toString(), name)) if (await isFile(join(root, candidate))) queue.push(candidate)
  }
  return found
}

function candidatesOf(source: string, importer: string): string[] {
  const modules = new Set<string>()
  for (const [, from, inBrackets, names, plain] of source.matchAll(IMPORT)) {
    if (plain !== undefined) for (const one of plain.split(',')) modules.add(absolute(one.trim().split(/\s/)[0] ?? '', importer))
    if (from === undefined) continue
    const base = absolute(from, importer)
    modules.add(base)
    for (const one of (inBrackets ?? names ?? '').split(',')) modules.add(`${base}.${one.trim().split(/\s/)[0] ?? ''}`)
  }
  const paths: string[] = []
  for (const module of modules) {
    const parts = module.split('.').filter((part) => part !== '')
    for (let length = 1; length <= parts.length; length++) {
      const path = parts.slice(0, length).join('/')
      paths.push(`${path}.py`, `${path}/__init__.py`)
    }
  }
  return paths
}

/** `.name` is beside the importer, `..name` a folder above. */
function absolute(module: string, importer: string): string {
  const dots = /^\.*/.exec(module)?.[0].length ?? 0
  if (dots === 0) return module
  const folder = importer.split('/').slice(0, -dots)
  return [...folder, module.slice(dots)].join('.')
}

async function filesOf(folder: string): Promise<Record<string, Uint8Array>> {
  const found: Record<string, Uint8Array> = {}
  let bytes = 0
  const walk = async (at: string): Promise<void> => {
    for (const item of await readdir(at, { withFileTypes: true })) {
      if (item.name.startsWith('.') || FOLDERS_LEFT_OUT.has(item.name)) continue
      const path = join(at, item.name)
      if (item.isDirectory()) await walk(path)
      if (!item.isFile() || nameOf(folder, path) === MANIFEST_FILE) continue
      if (Object.keys(found).length >= LIMITS.zipFilesMax) throw tooMany(folder)
      bytes += (await stat(path)).size
      if (bytes > LIMITS.bundleBytesMax) {
        throw new PeerlessError('TOO_LARGE', `'${folder}' has more than ${LIMITS.bundleBytesMax} bytes of files`)
      }
      found[nameOf(folder, path)] = await readFile(path)
    }
  }
  await walk(folder)
  return found
}

function tooMany(folder: string): PeerlessError {
  return new PeerlessError('TOO_LARGE', `'${folder}' has more than ${LIMITS.zipFilesMax} files`)
}

function nameOf(root: string, path: string): string {
  return relative(root, path).split(sep).join('/')
}

async function isFile(path: string): Promise<boolean> {
  // Not there, or not to be read: either way it is not what was looked for.
  return (await stat(path).catch(() => undefined))?.isFile() === true
}
