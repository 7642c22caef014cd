import { SourceMap } from 'node:module'
import type { Message } from 'esbuild'
import { nameInZip } from './zip-plugin.ts'
import { join, parentOf, type ZipTree } from './zip-tree.ts'

/** A larger map is not looked into: the place in the file as it was uploaded is told instead. */
const MAP_BYTES_MAX = 33_554_432

/** Errors in a file that was made by a compiler, at the place in its author's file, where the zip has the map next to it. */
export async function originalPlaces(messages: readonly Message[], tree: ZipTree): Promise<Message[]> {
  const maps = new Map<string, SourceMap | undefined>()
  const mapOf = async (file: string): Promise<SourceMap | undefined> => {
    if (!maps.has(file)) maps.set(file, await readMap(`${file}.map`, tree))
    return maps.get(file)
  }
  return await Promise.all(
    messages.map(async (message) => {
      const { location } = message
      if (location === null) return message
      const file = nameInZip(location.file)
      const entry = (await mapOf(file))?.findEntry(location.line - 1, location.column)
      if (entry === undefined || !('originalSource' in entry) || typeof entry.originalSource !== 'string') return message
      const source = join(parentOf(file), entry.originalSource) ?? entry.originalSource.replace(/^(?:\.\.\/)+/, '')
      return { ...message, location: { ...location, file: source, line: entry.originalLine + 1, column: entry.originalColumn } }
    })
  )
}

async function readMap(path: string, tree: ZipTree): Promise<SourceMap | undefined> {
  if (!tree.isFile(path) || tree.bytesDeclared(path) > MAP_BYTES_MAX) return undefined
  try {
    return new SourceMap(JSON.parse(await tree.text(path)))
  } catch {
    // A broken map only makes an error less helpful.
    return undefined
  }
}
