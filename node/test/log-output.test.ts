import test from 'ava'
import { LOG_WAITING_CHARACTERS_MAX, LogOutput, type LogSink } from '../src/log-output.ts'

/** A place whose writes end when the test says so. */
class HeldSink implements LogSink {
  readonly texts: string[] = []
  readonly lasts: string[] = []
  #done: ((error?: NodeJS.ErrnoException | null) => void) | undefined

  write(text: string, done: (error?: NodeJS.ErrnoException | null) => void): void {
    if (this.#done !== undefined) throw new Error('two writes at a time')
    this.texts.push(text)
    this.#done = done
  }

  last(text: string): void {
    this.lasts.push(text)
  }

  /** Ends the write under way. */
  answer(code?: string): void {
    const done = this.#done
    this.#done = undefined
    done?.(code === undefined ? null : Object.assign(new Error(code), { code }))
  }
}

function opened() {
  const sink = new HeldSink()
  const lost: number[] = []
  return { sink, lost, output: new LogOutput(sink, (lines) => lost.push(lines)) }
}

test('lines that come while one is being written go out together, and the rest at the end of the process', (t) => {
  const { sink, output } = opened()
  for (const line of ['a\n', 'b\n', 'c\n']) output.write(line)
  t.deepEqual(sink.texts, ['a\n'])
  sink.answer()
  t.deepEqual(sink.texts, ['a\n', 'b\nc\n'])
  output.write('d\n')
  output.end()
  t.deepEqual(sink.lasts, ['d\n'])
})

test('lines that a full disk refuses are lost and counted, and the log goes on when it has room', (t) => {
  const { sink, lost, output } = opened()
  for (const line of ['a\n', 'b\n', 'c\n']) output.write(line)
  sink.answer('ENOSPC')
  sink.answer('ENOSPC')
  output.write('d\n')
  sink.answer()
  t.deepEqual(sink.texts, ['a\n', 'b\nc\n', 'd\n'])
  t.deepEqual(lost, [3])
})

test('a reader that reads no more costs a bounded amount of memory', (t) => {
  const { sink, lost, output } = opened()
  output.write('first\n')
  const line = `${'x'.repeat(1_023)}\n`
  for (let count = 0; count < 2 * (LOG_WAITING_CHARACTERS_MAX / line.length); count++) output.write(line)
  sink.answer()
  t.is(sink.texts[1]?.length, LOG_WAITING_CHARACTERS_MAX)
  t.deepEqual(lost, [LOG_WAITING_CHARACTERS_MAX / line.length])
})

test('nothing more is written once the reader is gone', (t) => {
  const { sink, output } = opened()
  output.write('a\n')
  output.write('b\n')
  sink.answer('EPIPE')
  output.write('c\n')
  output.end()
  t.deepEqual([sink.texts, sink.lasts], [['a\n'], []])
})
