import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../_daemon.ts'

/** A compiler that makes WASI commands on this machine: the words before the output file and the source. */
export interface Toolchain {
  compile(source: string, output: string): Promise<void>
}

async function mustRun(command: string, args: string[], env?: Record<string, string>): Promise<void> {
  const { code, stderr } = await run(command, args, env === undefined ? {} : { env })
  if (code !== 0) throw new Error(stderr)
}

async function printed(command: string, args: string[]): Promise<string> {
  // A command that is not there is an answer, too.
  return await run(command, args).then(
    ({ stdout }) => stdout.trim(),
    () => ''
  )
}

/** Rust with the standard library of a WASI target: rustup's, or Debian's beside it. undefined where there is none. */
export async function rust(): Promise<Toolchain | undefined> {
  for (const rustc of ['rustc', '/usr/bin/rustc']) {
    for (const target of ['wasm32-wasip1', 'wasm32-wasi']) {
      const folder = await printed(rustc, ['--print', 'target-libdir', '--target', target])
      if (folder === '' || !existsSync(folder)) continue
      return { compile: (source, output) => mustRun(rustc, ['--target', target, '-O', '-o', output, source]) }
    }
  }
  return undefined
}

const GO_FOLDER = '/usr/lib'

/** Go from 1.21, which knows wasip1. undefined where there is none. */
export async function go(): Promise<Toolchain | undefined> {
  const packaged = readdirSync(GO_FOLDER)
    .filter((name) => /^go-[0-9.]+$/.test(name))
    .sort()
    .reverse()
    .map((name) => join(GO_FOLDER, name, 'bin/go'))
  for (const command of ['go', ...packaged]) {
    if (!(await printed(command, ['tool', 'dist', 'list'])).includes('wasip1/wasm')) continue
    const env = { GOOS: 'wasip1', GOARCH: 'wasm', GO111MODULE: 'off', GOFLAGS: '' }
    return { compile: (source, output) => mustRun(command, ['build', '-ldflags=-s -w', '-o', output, source], env) }
  }
  return undefined
}

export async function tinyGo(): Promise<Toolchain | undefined> {
  if ((await printed('tinygo', ['version'])) === '') return undefined
  return { compile: (source, output) => mustRun('tinygo', ['build', '-target=wasip1', '-o', output, source]) }
}
