import { loadMicroPython, type MicroPython } from '@micropython/micropython-webassembly-pyscript/micropython.mjs'
import { ASK } from '../../bridge-operations.ts'
import { ask } from '../bridge.guest.ts'
import { jsonParse, jsonStringify } from '../intrinsics.guest.ts'
import { Lines } from '../wasm/lines.guest.ts'
import { ProgramError, wasm } from '../wasm/program.guest.ts'
import { BOOTSTRAP } from './bootstrap.guest.ts'
import { HOST_MODULE } from './modules.guest.ts'

interface Context {
  awsRequestId: string
  getRemainingTimeInMillis(): number
}
type Handler = (event: unknown, context: Context) => unknown
type Call = (event: string, facts: string, leftMs: number) => string | PromiseLike<string>

interface Failure {
  type: string
  message: string
  lines: string[]
}

/** Python's garbage collector begins with so much, and takes more from the module's memory when it needs it. */
const HEAP_BYTES = 1_048_576
/** As deep as CPython's default limit of 1,000 calls goes, at some 60 bytes a call and its locals. */
const STACK_BYTES = 131_072
const TASK_FOLDER = '/var/task'
/** Where modules are laid when they are first imported: see `modules.guest.ts`. */
const LIBRARY_FOLDER = '/var/lang/lib'

/**
 * Starts MicroPython and imports the handler's module.
 * @param file of the bundle, such as `app.py`
 * @returns what a Python function is to the rest of the glue: a handler in JavaScript
 */
export async function handler(file: string, name: string): Promise<Handler> {
  const { python, output } = await (ahead ?? start())
  ahead = undefined
  fill(python)
  const { process } = globalThis as unknown as { process: { env: Record<string, string> } }
  const get = <Value>(wanted: string) => python.globals.get(wanted) as Value
  get<(environment: string) => void>('_prepare')(jsonStringify(process.env))
  const module = file.slice(0, -'.py'.length).replaceAll('/', '.')
  const loaded = get<(path: string, name: string) => string>('_load')(module, name)
  output.end()
  read(loaded, '')
  const call = get<Call>('_call')
  return (event, context) => {
    const facts = jsonStringify(context)
    const answer = call(jsonStringify(event) ?? 'null', facts, context.getRemainingTimeInMillis())
    if (typeof answer === 'string') {
      output.end()
      return read(answer, context.awsRequestId)
    }
    return Promise.resolve(answer).then((text) => {
      output.end()
      return read(text, context.awsRequestId)
    })
  }
}

interface Started {
  readonly python: MicroPython
  /** What is printed there. */
  readonly output: Lines
}

let ahead: Promise<Started> | undefined

/** For the function that this isolate will be for. */
export function startAhead(): void {
  ahead = start()
  ahead.catch(() => {
    // It is started again, for somebody who hears of it.
    ahead = undefined
  })
}

async function start(): Promise<Started> {
  const output = new Lines()
  const bytes = (Uint8Array as unknown as { fromBase64(text: string): Uint8Array }).fromBase64(
    ask(ASK.CHUNK, 'micropython') as string
  )
  const write = (part: Uint8Array) => output.add(part)
  const python = await loadMicroPython({
    heapsize: HEAP_BYTES,
    pystack: STACK_BYTES,
    stdout: write,
    stderr: write,
    linebuffer: false,
    module: {
      instantiateWasm: (imports, done) => {
        const { Module, Instance } = wasm()
        const module = new Module(bytes)
        done(new Instance(module, imports), module)
      }
    }
  })
  python.FS.mkdirTree(LIBRARY_FOLDER)
  python.registerJsModule('_peerless', HOST_MODULE)
  python.runPython(BOOTSTRAP)
  return { python, output }
}

/** The bundle's files, where Python looks for modules. */
function fill({ FS }: MicroPython): void {
  FS.mkdirTree(TASK_FOLDER)
  for (const [name] of jsonParse(ask(ASK.FILE) as string) as [string, number][]) {
    const path = `${TASK_FOLDER}/${name}`
    FS.mkdirTree(path.slice(0, path.lastIndexOf('/')))
    FS.writeFile(path, ask(ASK.FILE, name) as Uint8Array)
  }
  FS.chdir(TASK_FOLDER)
}

/** @throws ProgramError for what Python says is none */
function read(answer: string, requestId: string): unknown {
  const json = answer.slice(1)
  if (answer.startsWith('x')) {
    const text = `RequestId: ${requestId} Error: Runtime exited with error: exit status ${json}`
    throw new ProgramError('Runtime.ExitError', text)
  }
  if (answer.startsWith('!')) {
    const { type, message, lines } = jsonParse(json) as Failure
    throw new ProgramError(type, message, lines)
  }
  if (json === '') return undefined
  try {
    return jsonParse(json)
  } catch {
    // MicroPython writes whatever it prints for objects that JSON does not have.
    throw new ProgramError('Runtime.MarshalError', `Unable to marshal response: ${json.slice(0, 200)} is not JSON serializable`)
  }
}
