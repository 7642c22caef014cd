import type { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { CliError } from './errors.ts'

/** A log line is at most 16 KiB before it is escaped as JSON (at most six characters per byte). */
const LINE_CHARACTERS_MAX = 131_072

export interface JsonLine {
  /** As it was sent. */
  text: string
  value: Record<string, unknown>
}

/** Objects, one per line, as they come. @throws CliError naming the line that is none, or when the stream breaks off */
export async function* readJsonLines(stream: Readable, what: string): AsyncGenerator<JsonLine> {
  const decoder = new StringDecoder('utf8')
  let held = ''
  let number = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    const lines = (held + decoder.write(chunk)).split('\n')
    held = lines.pop() ?? ''
    for (const line of lines) {
      number++
      if (line !== '') yield parseLine(line, number, what)
    }
    if (held.length > LINE_CHARACTERS_MAX)
      throw new CliError(`${what}: line ${number + 1} is longer than ${LINE_CHARACTERS_MAX} characters`)
  }
  if (held !== '') yield parseLine(held, number + 1, what)
}

function parseLine(text: string, number: number, what: string): JsonLine {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return { text, value: value as Record<string, unknown> }
  } catch {
    // Refused below, like JSON that is no object.
  }
  throw new CliError(
    `${what}: line ${number} of the answer is no JSON object`,
    'The node may have stopped while it answered: try again.'
  )
}
