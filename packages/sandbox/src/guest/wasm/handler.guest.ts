import { ASK } from '../../bridge-operations.ts'
import { ask } from '../bridge.guest.ts'
import { jsonParse, jsonStringify, now } from '../intrinsics.guest.ts'
import { pause } from '../pause.guest.ts'
import { hostImports } from './env.guest.ts'
import { ProcessExit } from './errno.guest.ts'
import { bundleFolder, makeTmp } from './files.guest.ts'
import { Collected, Lines } from './lines.guest.ts'
import { type LinearMemory, WasmMemory } from './memory.guest.ts'
import { type Exported, ProgramError, wasm } from './program.guest.ts'
import { type Program, wasiImports } from './wasi.guest.ts'

interface Context {
  awsRequestId: string
  getRemainingTimeInMillis(): number
}
type Handler = (event: unknown, context: Context) => unknown

const TASK_FOLDER = '/var/task'

/** A module of the bundle, compiled: what `import module from './file.wasm'` gives. */
export function moduleOf(file: string): object {
  const bytes = ask(ASK.FILE, file) as Uint8Array | undefined
  if (bytes === undefined) throw new Error(`the bundle has no file '${file}'`)
  return new (wasm().Module)(bytes)
}

/**
 * A handler that runs a WASI command once per call, in an instance of its own: the event goes to its standard input, what it prints to
 * standard output is the result, lines of standard error are logged.
 */
export function command(file: string): Handler {
  const module = moduleOf(file)
  const folders = makeFolders()
  return (event, context) => {
    const stdout = new Collected()
    const stderr = new Lines()
    const program: Program = {
      ...ground(file, context),
      stdin: new TextEncoder().encode(jsonStringify(event) ?? 'null'),
      stdout: (bytes) => stdout.add(bytes),
      stderr: (bytes) => stderr.add(bytes),
      folders
    }
    const { exports, detach } = instantiate(module, program)
    let status = 0
    try {
      ;(exports._start as () => void)()
    } catch (error) {
      if (!(error instanceof ProcessExit)) throw error
      status = error.status
    } finally {
      detach()
      stderr.end()
    }
    if (status === 0) return resultOf(stdout.text())
    const text = `RequestId: ${context.awsRequestId} Error: Runtime exited with error: exit status ${status}`
    throw new ProgramError('Runtime.ExitError', text)
  }
}

/**
 * A handler that calls a function of a WASI reactor (or of a plain module), which keeps its state between calls. ABI: the module exports
 * `memory`, `peerless_alloc(length: i32) → i32` and the handler `(pointer: i32, length: i32) → i64`, which is given the event as UTF-8 JSON
 * and answers with `pointer << 32 | length` of UTF-8 JSON. `_initialize` runs first; `peerless_free(pointer, length)` afterwards, for the answer.
 * A module that trapped or exited is begun anew with the next call.
 */
export function reactor(file: string, name: string): Handler {
  const module = moduleOf(file)
  const output = new Lines()
  const program: Program = {
    ...ground(file, undefined),
    stdin: new Uint8Array(0),
    stdout: (bytes) => output.add(bytes),
    stderr: (bytes) => output.add(bytes),
    folders: makeFolders()
  }
  const begin = () => {
    const made = instantiate(module, program)
    ;(made.exports._initialize as (() => void) | undefined)?.()
    return made
  }
  let current: ReturnType<typeof begin> | undefined = begin()
  return (event, context) => {
    const running = current ?? begin()
    current = undefined
    try {
      const result = callReactor(running, name, jsonStringify(event) ?? 'null')
      current = running
      return result
    } catch (error) {
      running.detach()
      if (!(error instanceof ProcessExit)) throw error
      throw new ProgramError(
        'Runtime.ExitError',
        `RequestId: ${context.awsRequestId} Error: Runtime exited with error: exit status ${error.status}`
      )
    } finally {
      output.end()
    }
  }
}

interface Running {
  exports: Exported
  memory: WasmMemory
  /** For a program that has ended. */
  detach(): void
}

function callReactor({ exports, memory }: Running, name: string, event: string): unknown {
  const allocate = exports.peerless_alloc as (length: number) => number
  const handle = exports[name] as (pointer: number, length: number) => unknown
  const free = exports.peerless_free as ((pointer: number, length: number) => void) | undefined
  const bytes = new TextEncoder().encode(event)
  const pointer = allocate(bytes.length)
  memory.bytes(pointer, bytes.length).set(bytes)
  const packed = handle(pointer, bytes.length)
  if (typeof packed !== 'bigint') throw new ProgramError('Runtime.MalformedResponse', `${name} must return an i64`)
  const at = Number(BigInt.asUintN(32, packed >> 32n))
  const length = Number(BigInt.asUintN(32, packed))
  const text = memory.text(at, length)
  free?.(at, length)
  return resultOf(text)
}

/** The working directory is the first: wasi-libc finds it by its name, Zig takes descriptor 3 for it. */
function makeFolders(): Program['folders'] {
  const bundle = bundleFolder()
  return { '.': bundle, '/tmp': makeTmp(), [TASK_FOLDER]: bundle }
}

function ground(file: string, context: Context | undefined): Pick<Program, 'args' | 'environment' | 'sleep'> {
  const { process } = globalThis as unknown as { process: { env: Record<string, string> } }
  // Go asks it for the working directory; a function on Lambda has it, too.
  const env = { PWD: TASK_FOLDER, ...process.env }
  if (context === undefined) return { args: [file], environment: env, sleep: pause }
  const deadlineMs = now() + context.getRemainingTimeInMillis()
  const environment = { ...env, PEERLESS_REQUEST_ID: context.awsRequestId, PEERLESS_DEADLINE_MS: String(deadlineMs) }
  return { args: [file], environment, sleep: pause }
}

function instantiate(module: object, program: Program): Running {
  const { Instance, Memory } = wasm()
  const wasi = wasiImports(program)
  const { imports } = wasi
  let memory: WasmMemory | undefined
  const host = hostImports(() => {
    if (memory === undefined) throw new ProgramError('RuntimeError', 'the module called its host before it was there')
    return memory
  })
  const { exports } = new Instance(module, { wasi_snapshot_preview1: imports, wasi_unstable: imports, ...host })
  if (!(exports.memory instanceof Memory)) throw new ProgramError('Runtime.InvalidEntrypoint', "the module exports no 'memory'")
  const linear = exports.memory as unknown as LinearMemory
  wasi.attach(linear)
  memory = new WasmMemory(linear)
  const detach = () => {
    memory = undefined
    wasi.detach()
  }
  return { exports, memory, detach }
}

/** JSON as the value that it says; nothing as null; any other text as itself. */
function resultOf(printed: string): unknown {
  const text = printed.trim()
  if (text === '') return null
  try {
    return jsonParse(text)
  } catch {
    // A program that prints plain words answers with them.
    return printed
  }
}
