import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, symlinkSync } from 'node:fs'
import { copyFile, writeFile } from 'node:fs/promises'
import { delimiter, join, resolve } from 'node:path'
import type { ExecutionContext } from 'ava'
import { temporaryFolder } from './_fake-node.ts'

const root = resolve(import.meta.dirname, '../..')
export const launcher = join(root, 'bin/peerless')
/** The pinned Node: tests run under it. */
export const pinned = process.execPath

/** Every other Node on this machine that the launcher promises to run under; the machine's own is usually one. */
export function otherNodes(): string[] {
  const candidates = [
    process.env.npm_node_execpath ?? '',
    ...(process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'node'))
  ]
  const versions = new Map<string, string>()
  for (const candidate of candidates) {
    if (candidate === '' || !existsSync(candidate)) continue
    const version = execFileSync(candidate, ['-p', 'process.versions.node'], { encoding: 'utf8' }).trim()
    if (version !== process.versions.node && Number(version.split('.')[0]) >= 20) versions.set(version, candidate)
  }
  return [...versions.values()]
}

export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

export interface Running {
  child: ChildProcess
  /** Resolves with the first text on stdout that matches; rejects when it ends without one. */
  says(pattern: RegExp): Promise<RegExpExecArray>
  /** Resolves when it has ended and everyone who could write to its stdout too. */
  ended: Promise<Ended>
}

/** Starts a process in a group of its own, as a shell does, and ends the group with the test. */
export function start(t: ExecutionContext, command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: { PATH: process.env.PATH, ...env }
  })
  const text = { stdout: '', stderr: '' }
  const listeners = new Set<() => void>()
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk
      for (const listener of listeners) listener()
    })
  }
  const ended = new Promise<Ended>((done) => child.on('close', (code, signal) => done({ code, signal, ...text })))
  t.teardown(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await ended
  })
  const says = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((found, reject) => {
      const look = () => {
        const match = pattern.exec(text.stdout)
        if (match !== null) {
          listeners.delete(look)
          found(match)
        }
      }
      listeners.add(look)
      look()
      void ended.then((end) => reject(new Error(`ended without ${pattern}: ${JSON.stringify(end)}`)))
    })
  return { child, says, ended }
}

/**
 * A checkout in miniature: the real launcher, the pinned Node under a version of the test's choosing, and `main` as the command line.
 * @param version 'missing' leaves the package out, 'unbuilt' leaves only its binary out
 */
export async function fakeCheckout(t: ExecutionContext, version: string, main: string): Promise<string> {
  const folder = await temporaryFolder(t)
  for (const part of ['bin', 'cli/src', 'node_modules/node/bin']) mkdirSync(join(folder, part), { recursive: true })
  for (const file of ['peerless', 'pinned.js', 'runtime.js', 'package.json'])
    await copyFile(join(root, 'bin', file), join(folder, 'bin', file))
  await writeFile(join(folder, 'package.json'), '{"type":"module"}')
  await writeFile(join(folder, 'cli/src/main.ts'), main)
  if (version !== 'missing') {
    await writeFile(join(folder, 'node_modules/node/package.json'), JSON.stringify({ version, bin: { node: 'bin/node' } }))
    if (version !== 'unbuilt') symlinkSync(pinned, join(folder, 'node_modules/node/bin/node'))
  }
  return join(folder, 'bin/peerless')
}
