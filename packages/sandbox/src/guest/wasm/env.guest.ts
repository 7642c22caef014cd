import { log } from '../console.guest.ts'
import { now } from '../intrinsics.guest.ts'
import type { WasmMemory } from './memory.guest.ts'
import { ProgramError } from './program.guest.ts'

const LEVEL_INFO = 1
const LEVEL_MAX = 3
const UTF16_UNITS_MAX = 65_536

/** Imports beside WASI. `peerless` is ours; `env` is what AssemblyScript's own standard library asks its host for. */
export function hostImports(memory: () => WasmMemory): Record<string, Record<string, unknown>> {
  const text = (pointer: number) => managedText(memory(), pointer)
  return {
    peerless: {
      /** Ends the call with a function error of that message. */
      fail: (pointer: number, length: number) => {
        throw new ProgramError('Error', memory().text(pointer, length))
      },
      /** @param level 0 debug to 3 error */
      log: (level: number, pointer: number, length: number) => {
        log(Math.min(Math.max(level, 0), LEVEL_MAX), memory().text(pointer, length))
      }
    },
    env: {
      abort: (message: number, file: number, line: number, column: number) => {
        throw new ProgramError('RuntimeError', `abort: ${text(message)} in ${text(file)}:${line}:${column}`)
      },
      seed: () => crypto.getRandomValues(new Uint32Array(1))[0],
      trace: (message: number, count: number, ...values: number[]) => {
        log(LEVEL_INFO, [text(message), ...values.slice(0, Math.min(count, values.length))].join(' '))
      },
      'Date.now': () => now(),
      'console.log': (message: number) => log(LEVEL_INFO, text(message)),
      'console.info': (message: number) => log(LEVEL_INFO, text(message)),
      'console.debug': (message: number) => log(0, text(message)),
      'console.warn': (message: number) => log(2, text(message)),
      'console.error': (message: number) => log(LEVEL_MAX, text(message))
    }
  }
}

/** A string of AssemblyScript: UTF-16, with its length in bytes in the word before it. */
function managedText(memory: WasmMemory, pointer: number): string {
  if (pointer >>> 0 < 4) return ''
  const units = Math.min(memory.readU32((pointer >>> 0) - 4) >>> 1, UTF16_UNITS_MAX)
  const bytes = memory.bytes(pointer, units * 2).slice()
  return new TextDecoder('utf-16le').decode(bytes)
}
