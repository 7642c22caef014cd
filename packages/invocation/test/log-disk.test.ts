import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LogLine } from '@peerless/interface'
import { MemoryLogger, VirtualClock } from '@peerless/testing'
import test, { type ExecutionContext } from 'ava'
import {
  LOG_DISK_BYTES_MAX,
  LOG_DISK_FLUSH_BYTES_MAX,
  LOG_DISK_FLUSH_MS,
  LOG_LINES_PER_FUNCTION_MAX,
  LOG_PAGE_LINES_MAX
} from '../src/constants.ts'
import { fairShare } from '../src/fair-share.ts'
import { LogDisk } from '../src/log-disk.ts'
import { type LogArchive, LogStore } from '../src/log-store.ts'

function lineOf(message: string, name = 'f', time = 1): LogLine {
  return { time, level: 'info', message, function: name, version: '$LATEST', requestId: 'r', instance: 'i', node: 'n' }
}

interface Folder {
  readonly directory: string
  readonly clock: VirtualClock
  readonly logger: MemoryLogger
  /** As a start of the node does. */
  open(): { disk: LogDisk; store: LogStore }
}

function folder(t: ExecutionContext): Folder {
  const directory = mkdtempSync(join(tmpdir(), 'logs-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const [clock, logger] = [new VirtualClock(), new MemoryLogger()]
  return {
    directory,
    clock,
    logger,
    open: () => {
      const disk = LogDisk.open({ directory, node: 'n', clock, logger }) as LogDisk
      return { disk, store: new LogStore(clock.now(), disk) }
    }
  }
}

/** All pages. */
function messagesOf(store: LogStore, account = 'a', name = 'f', sinceMs = 0, after = 0): string[] {
  const messages: string[] = []
  for (let cursor = after, more = true; more; ) {
    const page = store.read(account, name, sinceMs, cursor)
    messages.push(...page.lines.map(({ message }) => message))
    cursor = page.cursor
    more = page.more
  }
  return messages
}

test('lines of earlier starts come before those of this one, once, whole and to their account alone', async (t) => {
  const { clock, open } = folder(t)
  const first = open()
  const line = { ...lineOf('one', 'f', 5), level: 'error', version: '7', requestId: 'q', instance: 'j' } as const
  first.store.append('a', line)
  first.store.append('a', lineOf('two'))
  first.store.append('a', lineOf('of another', 'g'))
  first.store.append('b', lineOf('of somebody else'))
  const { cursor } = first.store.read('a', 'f', 0, 0)
  first.disk.close()
  await clock.advance(1_000)
  const second = open()
  second.store.append('a', lineOf('three'))
  t.deepEqual(messagesOf(second.store), ['one', 'two', 'three'])
  t.deepEqual(second.store.read('a', 'f', 0, 0).lines[0], line)
  t.deepEqual(messagesOf(second.store, 'a', 'f', 2), ['one'], 'since')
  t.deepEqual(messagesOf(second.store, 'a', 'f', 0, cursor), ['three'], 'who followed has seen the others')
  t.deepEqual(messagesOf(second.store, 'b'), ['of somebody else'])
  await clock.advance(LOG_DISK_FLUSH_MS)
  t.deepEqual(messagesOf(second.store), ['one', 'two', 'three'], 'also when those of this start are on disk')
  second.disk.close()
})

test('a clock that was set back does not put later lines before earlier ones', (t) => {
  const { clock, open, directory, logger } = folder(t)
  const first = open()
  first.store.append('a', lineOf('one'))
  first.disk.close()
  const disk = LogDisk.open({ directory, node: 'n', clock, logger }) as LogDisk
  const store = new LogStore(clock.now() - 86_400_000, disk)
  store.append('a', lineOf('two'))
  t.deepEqual(messagesOf(store), ['one', 'two'])
  disk.close()
})

test('of a function that wrote much the newest are read, in pages', async (t) => {
  const { clock, open } = folder(t)
  const first = open()
  for (let line = 0; line < LOG_LINES_PER_FUNCTION_MAX + 500; line++) {
    first.store.append('a', lineOf(String(line)))
    if (line % 100 === 0) await clock.advance(LOG_DISK_FLUSH_MS)
  }
  first.disk.close()
  await clock.advance(1_000)
  const { disk, store } = open()
  for (let line = 0; line < 10; line++) store.append('a', lineOf(`now ${line}`))
  const page = store.read('a', 'f', 0, 0)
  t.is(page.lines.length, LOG_PAGE_LINES_MAX)
  t.true(page.more)
  const all = messagesOf(store)
  t.is(all.length, LOG_LINES_PER_FUNCTION_MAX)
  t.is(all[0], '510')
  t.is(all.at(-1), 'now 9')
  t.is(new Set(all).size, all.length)
  disk.close()
})

test('where accounts write more than is kept, each gets its share, and the oldest of the largest goes', async (t) => {
  const { clock, open, logger } = folder(t)
  const first = open()
  first.store.append('quiet', lineOf('kept'))
  const long = 'x'.repeat(10_000)
  let flushed = 0
  for (; flushed * LOG_DISK_FLUSH_BYTES_MAX < LOG_DISK_BYTES_MAX * 1.2; flushed++) {
    for (let line = 0; line < 40; line++) first.store.append('loud', lineOf(long))
    if (flushed === 3) first.store.append('quiet', lineOf('among many'))
    await clock.advance(LOG_DISK_FLUSH_MS)
  }
  first.disk.close()
  t.true(logger.lines.some(({ message }) => message === 'functions write more than is kept on disk'))
  await clock.advance(1_000)
  const { disk, store } = open()
  t.deepEqual(messagesOf(store, 'quiet'), ['kept', 'among many'])
  const loud = messagesOf(store, 'loud').length * long.length
  t.true(loud > LOG_DISK_BYTES_MAX * 0.7 && loud <= LOG_DISK_BYTES_MAX, `${loud}`)
  disk.close()
})

test('shares: all where there is room, turns where there is not', (t) => {
  const of = (account: string, bytes: number) => ({ account, bytes })
  const [a1, a2, a3, b1] = [of('a', 4), of('a', 4), of('a', 4), of('b', 4)]
  t.deepEqual(fairShare([a1, b1, a2], 12), { taken: [a1, b1, a2], left: 0 })
  t.deepEqual(fairShare([a1, a2, a3, b1], 12), { taken: [a1, a2, b1], left: 1 })
  t.deepEqual(fairShare([of('a', 20), b1], 12), { taken: [b1], left: 1 })
})

test('a file that is none is set aside, and a folder that cannot be is no reason not to start', (t) => {
  const { directory, clock, logger, open } = folder(t)
  writeFileSync(join(directory, 'logs.sqlite'), 'x'.repeat(5_000))
  const { disk, store } = open()
  store.append('a', lineOf('one'))
  t.deepEqual(messagesOf(store), ['one'])
  disk.close()
  t.true(logger.lines.some(({ level, message }) => level === 'error' && message.includes('set aside')))
  writeFileSync(join(directory, 'file'), '')
  t.is(LogDisk.open({ directory: join(directory, 'file'), node: 'n', clock, logger }), undefined)
  t.true(logger.lines.some(({ message }) => message === 'logs are kept in memory alone'))
})

test('of long lines no more are read than a page has room for', (t) => {
  const { directory, clock, logger, open } = folder(t)
  const first = open()
  for (let line = 0; line < 400; line++) {
    first.store.append('a', lineOf(`${line} ${'x'.repeat(16_000)}`))
    first.disk.flush()
  }
  first.disk.close()
  const disk = LogDisk.open({ directory, node: 'n', clock, logger }) as LogDisk
  let read = 0
  const counting: LogArchive = {
    last: disk.last,
    append: () => undefined,
    placeOfNewest: (...args) => disk.placeOfNewest(...args),
    read: (...args) => {
      const lines = disk.read(...args)
      read += lines.length
      return lines
    }
  }
  const store = new LogStore(clock.now() + 1_000, counting)
  const messages = messagesOf(store).map((message) => message.split(' ')[0])
  t.deepEqual(
    messages,
    Array.from({ length: 400 }, (_, line) => String(line))
  )
  t.true(read < 1_500, `${read} lines read`)
  disk.close()
})

/** Overwrites pages of the file, which must be closed. */
function damage(directory: string, page: number, count: number): void {
  const descriptor = openSync(join(directory, 'logs.sqlite'), 'r+')
  writeSync(descriptor, Buffer.alloc(4_096 * count, 0xa5), 0, 4_096 * count, page * 4_096)
  closeSync(descriptor)
}

for (const [what, page, count] of [
  ['its first tables', 1, 1],
  ['an index', 2, 1],
  ['lines', 100, 100],
  ['one page', 250, 1]
] as const) {
  test(`a file that is damaged in its midst, in ${what}, is begun anew, and at the next start it is there`, (t) => {
    const { directory, clock, logger, open } = folder(t)
    const { disk } = open()
    for (let line = 0; line < 8_000; line++) {
      disk.append(line + 1, 'ab'.charAt(line % 2), lineOf('x'.repeat(100)))
      if (line % 100 === 0) disk.flush()
    }
    disk.close()
    damage(directory, page, count)
    const second = LogDisk.open({ directory, node: 'n', clock, logger })
    const store = new LogStore(2_000, second)
    messagesOf(store)
    store.append('a', lineOf('new'))
    second?.close()
    t.true(logger.lines.some(({ message }) => message.includes('set aside')))
    const third = open()
    t.deepEqual(messagesOf(third.store), ['new'])
    third.disk.close()
  })
}

for (const [what, message] of [
  ['three bytes a character', '\u4e2d'.repeat(16_000)],
  ['a NUL at the start', `\0${'x'.repeat(16_000)}`],
  ['pairs of surrogates', '\u{1f600}'.repeat(8_000)]
] as const) {
  test(`the file is bounded for messages with ${what} too, over a restart`, (t) => {
    const { directory, open } = folder(t)
    const lines = 1.1 * (LOG_DISK_BYTES_MAX / Buffer.byteLength(message))
    for (let start = 0; start < 2; start++) {
      const { disk } = open()
      for (let line = 0; line < lines; line++) {
        disk.append(1 + line + start * 1e6, 'a', lineOf(message))
        disk.flush()
      }
      disk.close()
      const { size } = statSync(join(directory, 'logs.sqlite'))
      t.true(size < LOG_DISK_BYTES_MAX * 1.3, `${size} bytes after ${start + 1} starts`)
    }
    const { disk, store } = open()
    t.true(messagesOf(store, 'a').every((one) => one === message))
    disk.close()
  })
}

test('what comes after the end is left out', async (t) => {
  const { clock, open } = folder(t)
  const { disk, store } = open()
  disk.close()
  store.append('a', lineOf('late'))
  await clock.advance(LOG_DISK_FLUSH_MS)
  t.deepEqual(messagesOf(store), ['late'])
})
