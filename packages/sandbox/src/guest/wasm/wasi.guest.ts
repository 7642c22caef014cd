import { CLOCKS, clockNs, NANOSECONDS_PER_MS } from './clock.guest.ts'
import { type Descriptor, Descriptors, Input, Output } from './descriptors.guest.ts'
import { ERRNO, ProcessExit, WasiError } from './errno.guest.ts'
import { fileCalls } from './file-calls.guest.ts'
import type { WasmFolder } from './files.guest.ts'
import { type LinearMemory, WasmMemory } from './memory.guest.ts'
import { pathCalls } from './path-calls.guest.ts'
import { pollOneoff } from './poll.guest.ts'

/** One run of a program: what it gets and what becomes of what it writes. */
export interface Program {
  args: readonly string[]
  environment: Readonly<Record<string, string>>
  stdin: Uint8Array
  stdout: (bytes: Uint8Array) => void
  stderr: (bytes: Uint8Array) => void
  /** Folders that it finds open, by name. */
  folders: Readonly<Record<string, WasmFolder>>
  /** @param untilMs of `now()` */
  sleep(untilMs: number): void
}

export type WasiCall = (...values: never[]) => number | undefined
export type WasiCalls = Record<string, WasiCall>

/** What the parts of the implementation share. */
export interface Wasi {
  readonly program: Program
  readonly descriptors: Descriptors
  /** @throws WasiError FAULT before the module's memory is known: a call from its start function */
  memory(): WasmMemory
}

const RANDOM_BYTES_MAX = 65_536
const SIGNAL_STATUS = 128

/** Every function of preview1: those that nothing here answers are there too, so that any program can be linked. */
const UNSUPPORTED: Readonly<Record<string, number>> = {
  path_link: ERRNO.NOTSUP,
  path_symlink: ERRNO.NOTSUP
}
/** No descriptor is a socket. */
const SOCKET_CALLS = ['sock_accept', 'sock_recv', 'sock_send', 'sock_shutdown']

export interface WasiImports {
  imports: Record<string, unknown>
  /** Hands the memory in, once the instance is there. */
  attach(memory: LinearMemory): void
  /** The imports know it no longer: V8's compiler may hold one of them, being hot, for longer than the program runs. */
  detach(): void
}

/** The imports of one run. */
export function wasiImports(program: Program): WasiImports {
  const folders = Object.entries(program.folders)
  const standard: Descriptor[] = [new Input(program.stdin), new Output(program.stdout), new Output(program.stderr)]
  const preopened: Descriptor[] = folders.map(([preopenedAs, folder]) => ({ folder, preopenedAs }))
  let memory: WasmMemory | undefined
  const wasi: Wasi = {
    program,
    descriptors: new Descriptors([...standard, ...preopened]),
    memory: () => {
      if (memory === undefined) throw new WasiError(ERRNO.FAULT)
      return memory
    }
  }
  const calls: WasiCalls = { ...processCalls(wasi), ...fileCalls(wasi), ...pathCalls(wasi), poll_oneoff: pollOneoff(wasi) }
  const imports: Record<string, unknown> = {}
  for (const [name, call] of Object.entries(calls)) imports[name] = guarded(call)
  for (const [name, errno] of Object.entries(UNSUPPORTED)) imports[name] = () => errno
  const noSocket = guarded((fd: number) => {
    wasi.descriptors.get(fd)
    return ERRNO.NOTSOCK
  })
  for (const name of SOCKET_CALLS) imports[name] = noSocket
  return {
    imports,
    attach: (linear) => {
      memory = new WasmMemory(linear)
    },
    detach: () => {
      memory = undefined
    }
  }
}

/** A failure becomes an error number; what ends the program goes on. */
function guarded(call: WasiCall): (...values: never[]) => number {
  return (...values) => {
    try {
      return call(...values) ?? ERRNO.SUCCESS
    } catch (error) {
      return errnoOf(error)
    }
  }
}

/** @throws what is no failure of a call */
function errnoOf(error: unknown): number {
  if (error instanceof WasiError) return error.errno
  // Of a DataView: an address outside the memory.
  if (error instanceof RangeError) return ERRNO.FAULT
  throw error
}

function processCalls({ program, memory }: Wasi): WasiCalls {
  const encoder = new TextEncoder()
  const args = program.args.map((text) => encoder.encode(`${text}\0`))
  const environment = Object.entries(program.environment).map(([name, value]) => encoder.encode(`${name}=${value}\0`))
  return {
    args_sizes_get: (count: number, bytes: number) => sizes(memory(), args, count, bytes),
    args_get: (pointers: number, bytes: number) => strings(memory(), args, pointers, bytes),
    environ_sizes_get: (count: number, bytes: number) => sizes(memory(), environment, count, bytes),
    environ_get: (pointers: number, bytes: number) => strings(memory(), environment, pointers, bytes),
    clock_res_get: (id: number, result: number) => {
      if (id >>> 0 >= CLOCKS) return ERRNO.INVAL
      // Clocks inside are that coarse on purpose.
      memory().u64(result, NANOSECONDS_PER_MS)
      return ERRNO.SUCCESS
    },
    clock_time_get: (id: number, _precision: bigint, result: number) => {
      if (id >>> 0 >= CLOCKS) return ERRNO.INVAL
      memory().u64(result, clockNs(id))
      return ERRNO.SUCCESS
    },
    random_get: (pointer: number, length: number) => {
      const bytes = memory().bytes(pointer, length)
      for (let offset = 0; offset < bytes.length; offset += RANDOM_BYTES_MAX) {
        crypto.getRandomValues(bytes.subarray(offset, offset + RANDOM_BYTES_MAX) as Uint8Array<ArrayBuffer>)
      }
      return ERRNO.SUCCESS
    },
    proc_exit: (status: number) => {
      throw new ProcessExit(status >>> 0)
    },
    proc_raise: (signal: number) => {
      throw new ProcessExit(SIGNAL_STATUS + (signal & 0x7f))
    },
    sched_yield: () => ERRNO.SUCCESS
  }
}

function sizes(memory: WasmMemory, texts: readonly Uint8Array[], count: number, bytes: number): number {
  memory.u32(count, texts.length)
  memory.u32(
    bytes,
    texts.reduce((sum, text) => sum + text.length, 0)
  )
  return ERRNO.SUCCESS
}

function strings(memory: WasmMemory, texts: readonly Uint8Array[], pointers: number, bytes: number): number {
  let at = bytes >>> 0
  for (const [index, text] of texts.entries()) {
    memory.u32((pointers >>> 0) + index * 4, at)
    memory.bytes(at, text.length).set(text)
    at += text.length
  }
  return ERRNO.SUCCESS
}
