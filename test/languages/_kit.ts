import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { type Daemon, type Ending, up } from '../_daemon.ts'

export async function folderOf(t: Ending, files: Record<string, Uint8Array | string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'peerless-languages-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content)
  return folder
}

interface Called {
  code: number | null
  result: unknown
  stderr: string
}

export interface Place {
  daemon: Daemon
  deploy(path: string, ...args: string[]): Promise<string>
  call(name: string, event?: unknown): Promise<Called>
  logs(name: string): Promise<string[]>
}

/** One daemon for all tests of a file. */
export function sharedPlace(): Place {
  const place = {} as Place
  const endings: (() => unknown)[] = []
  test.before(async () => {
    Object.assign(place, await placeOf({ teardown: (ending) => endings.unshift(ending) }))
  })
  test.after.always(async () => {
    for (const ending of endings) await ending()
  })
  return place
}

async function placeOf(t: Ending): Promise<Place> {
  const daemon = await up(t)
  return {
    daemon,
    deploy: async (path, ...args) => {
      const ran = await daemon.cli('deploy', path, ...args, '--json')
      if (ran.code !== 0) throw new Error(ran.stderr)
      return (JSON.parse(ran.stdout) as { name: string }).name
    },
    call: async (name, event = {}) => {
      const { code, stdout, stderr } = await daemon.cli('invoke', name, '--data', JSON.stringify(event))
      return { code, result: stdout.trim() === '' ? undefined : JSON.parse(stdout), stderr }
    },
    logs: async (name) => {
      const ran = await daemon.cli('logs', name, '--json')
      return ran.stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => (JSON.parse(line) as { message: string }).message)
    }
  }
}
