import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { DataFolder } from '../src/data-folder.ts'

async function temporaryFolder(t: ExecutionContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'peerless-node-'))
  t.teardown(() => rm(path, { recursive: true, force: true }))
  return path
}

test('of several that start at once on a folder whose owner was killed, one gets it', async (t) => {
  for (let round = 0; round < 20; round++) {
    const path = await temporaryFolder(t)
    await writeFile(join(path, 'lock'), '4194305 1')
    const opened = await Promise.allSettled([1, 2, 3, 4].map(() => DataFolder.open(path)))
    const folders = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    t.is(folders.length, 1)
    for (const one of opened) if (one.status === 'rejected') t.like(one.reason, { code: 'CONFLICT' })
    await folders[0]?.release()
  }
})

test('a second owner is refused with the number of the first; a released folder is free', async (t) => {
  const path = await temporaryFolder(t)
  const first = await DataFolder.open(path)
  const error = await t.throwsAsync(DataFolder.open(path))
  t.like(error, { code: 'CONFLICT' })
  t.true(error?.message.includes(`process ${process.pid}`), error?.message)
  await first.release()
  await (await DataFolder.open(path)).release()
})

test('the folder of a process is kept from others while it lives, and free when it was killed', async (t) => {
  const path = await temporaryFolder(t)
  const source = `
    const { DataFolder } = await import(${JSON.stringify(new URL('../src/data-folder.ts', import.meta.url).href)})
    globalThis.folder = await DataFolder.open(${JSON.stringify(path)})
    console.log('open')
    setInterval(() => undefined, 1_000)`
  const child: ChildProcess = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  t.teardown(() => child.kill('SIGKILL'))
  await once(child.stdout as NodeJS.ReadableStream, 'data')
  const error = await t.throwsAsync(DataFolder.open(path))
  t.like(error, { code: 'CONFLICT' })
  t.true(error?.message.includes(`process ${child.pid}`), error?.message)
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
  await (await DataFolder.open(path)).release()
})

test('a damaged lock is told of with what to do, and is not called a bug', async (t) => {
  const path = await temporaryFolder(t)
  await writeFile(join(path, 'lock.sqlite'), 'what a failing disk leaves')
  await t.throwsAsync(DataFolder.open(path), { code: 'CORRUPT', message: /lock\.sqlite cannot be read: .*remove it/ })
  await rm(join(path, 'lock.sqlite'))
  await (await DataFolder.open(path)).release()
})

test('a disk that refuses the lock is told of as such', async (t) => {
  const path = await temporaryFolder(t)
  await mkdir(join(path, 'lock.sqlite'))
  await t.throwsAsync(DataFolder.open(path), { code: 'UNAVAILABLE', message: /lock\.sqlite cannot be read: .*space on its disk/ })
})

test('a folder that cannot be written to is refused by name, with what to do', async (t) => {
  const path = await temporaryFolder(t)
  // Root may write into a folder that others may only read.
  await mkdir(join(path, 'lock'))
  const error = await t.throwsAsync(DataFolder.open(path), {
    message: /can't be written to: .*; see to its disk, and to who may write there/
  })
  t.like(error, { code: 'UNAVAILABLE' })
  await rm(join(path, 'lock'), { recursive: true })
  await (await DataFolder.open(path)).release()
})

test('a folder that cannot be made is refused by name, rule and what to do', async (t) => {
  const path = await temporaryFolder(t)
  const file = join(path, 'notes.txt')
  await writeFile(file, 'of somebody')
  await t.throwsAsync(DataFolder.open(file), { code: 'INVALID_ARGUMENT', message: /notes\.txt' is a file, .*--data/ })
  await t.throwsAsync(DataFolder.open(join(file, 'deep', 'er')), { code: 'INVALID_ARGUMENT', message: /notes\.txt' is a file, / })
  t.is(await readFile(file, 'utf8'), 'of somebody')
})

test('a folder that is not there is made with all above it', async (t) => {
  const path = join(await temporaryFolder(t), 'a', 'b', 'c')
  const folder = await DataFolder.open(path)
  t.is((await stat(path)).mode & 0o777, 0o700)
  await folder.release()
})

// There `mkdir` says ENOENT of a folder whose parent is there, at which Node's own recursive one never ends.
if (existsSync('/proc/self'))
  test('where no folders can be made the start fails instead of trying without end', async (t) => {
    await t.throwsAsync(DataFolder.open('/proc/peerless/data'), {
      code: 'INVALID_ARGUMENT',
      message: /'\/proc\/peerless'.*ENOENT.*--data/
    })
  })
