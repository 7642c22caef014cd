import promises, { copyFile, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { keptBuild } from '../src/build-cache.ts'

const folder = await mkdtemp(join(tmpdir(), 'peerless-build-cache-'))
test.after.always(() => rm(folder, { recursive: true }))

/** Some time ago, as sources are when a daemon starts. */
async function saved(path: string, text: string): Promise<void> {
  await writeFile(path, text)
  await utimes(path, 1_000_000, 1_000_000)
}

/** A build of one file whose result says how often it was made. */
async function fixture(name: string) {
  const input = join(folder, `${name}.ts`)
  const file = join(folder, 'cache', `${name}.json`)
  await saved(input, 'one')
  let times = 0
  const make = async () => ({ parts: { code: `${await readFile(input, 'utf8')} ${++times}` }, inputs: [input] })
  return { input, file, build: async (setting = 'v1') => (await keptBuild(file, setting, make)).code }
}

test('what was made is taken from the file until an input or the setting changes', async (t) => {
  const { input, build } = await fixture('changes')
  t.is(await build(), 'one 1')
  t.is(await build(), 'one 1')
  await saved(input, 'two')
  t.is(await build(), 'two 2')
  t.is(await build('v2'), 'two 3')
  t.is(await build('v2'), 'two 3')
  await rm(input)
  await t.throwsAsync(build('v2'), { code: 'ENOENT' }, 'an input that is gone is not taken for unchanged')
})

test('a cache that was copied with its installation is not taken for the other one', async (t) => {
  const first = await fixture('copied-from')
  const second = await fixture('copied-to')
  t.is(await first.build(), 'one 1')
  await saved(second.input, 'other')
  await copyFile(first.file, second.file)
  t.is(await second.build(), 'other 1')
})

test.serial('an input that nobody touched since it was made is not read again', async (t) => {
  const { input: late, file } = await fixture('untouched')
  // Saved when this code was installed, and so before the last few seconds.
  const early = import.meta.filename
  const make = async () => ({ parts: { code: 'ä', more: 'b' }, inputs: [early, late] })
  const parts = await keptBuild(file, 'v1', make)
  const read: unknown[] = []
  const { readFile: original } = promises
  t.teardown(() => {
    promises.readFile = original
    syncBuiltinESMExports()
  })
  promises.readFile = ((path: string, ...rest: []) => {
    read.push(path)
    return original(path, ...rest)
  }) as typeof original
  syncBuiltinESMExports()
  t.deepEqual(await keptBuild(file, 'v1', () => t.fail('it was made already') as never), parts)
  t.deepEqual(read, [file, late], 'of what was saved just now the system could not tell a further change')
})

test('what was made while an input was saved is not kept', async (t) => {
  const { input, file } = await fixture('saved')
  let times = 0
  const make = async () => {
    times++
    const parts = { code: await readFile(input, 'utf8') }
    await writeFile(input, 'two')
    // As a kernel does whose clock of files ticks every 10 ms.
    const early = (Date.now() - 10) / 1_000
    await utimes(input, early, early)
    return { parts, inputs: [input] }
  }
  t.is((await keptBuild(file, 'v1', make)).code, 'one')
  t.is((await keptBuild(file, 'v1', make)).code, 'two')
  t.is(times, 2, 'nothing was kept')
})

test('a file that was cut or changed is made anew', async (t) => {
  const { file, build } = await fixture('mangled')
  await build()
  const whole = await readFile(file, 'utf8')
  await writeFile(file, whole.slice(0, -10))
  t.is(await build(), 'one 2')
  await writeFile(file, whole.replace('one 1', 'bad 1'))
  t.is(await build(), 'one 3')
})

test('where it cannot be kept it is made each time', async (t) => {
  const { input, file } = await fixture('unwritable')
  const inTheWay = join(input, 'cache.json')
  const make = async () => ({ parts: { code: 'made' }, inputs: [input] })
  t.is((await keptBuild(inTheWay, 'v1', make)).code, 'made')
  t.is((await keptBuild(file, 'v1', make)).code, 'made')
})

test('what could not be put in its place is not left beside it', async (t) => {
  const { input } = await fixture('full')
  const taken = join(folder, 'taken')
  await mkdir(join(taken, 'cache.json', 'something'), { recursive: true })
  const make = async () => ({ parts: { code: 'made' }, inputs: [input] })
  t.is((await keptBuild(join(taken, 'cache.json'), 'v1', make)).code, 'made')
  t.deepEqual(await readdir(taken), ['cache.json'])
})
