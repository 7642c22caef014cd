import { LAYERS_FOLDER } from './zip-tree.ts'

const TASK_FOLDER = '/var/task'
const NAMES = /\b__(?:dirname|filename)\b/
const META = /\bimport\.meta\.(url|dirname|filename)\b/g
/** Blanks of the same line only: with those of the next ones, many empty lines would be gone through from each of them to the last. */
const IS_MODULE = /(?:^|[\n;])[^\S\n]*(?:import|export)\b/
/** What must stay first in a file. */
const HEAD = /^(?:#![^\n]*\n)?(?:\s|\/\/[^\n]*\n|\/\*[\s\S]*?\*\/)*(?:(["'])use strict\1;?)?/

/** Whether a line of it begins as those of ES modules do. */
function isModule(text: string): boolean {
  return IS_MODULE.test(text)
}

/** Where a file of the zip lies while the function runs. */
export function placeInTask(path: string): string {
  return path.startsWith(`${LAYERS_FOLDER}/`) ? `/opt${path.slice(LAYERS_FOLDER.length)}` : `${TASK_FOLDER}/${path}`
}

/**
 * One script is made of many files, and each asks where it itself lies: so the names that Node gives to a module are written into it, on
 * the line that is there already.
 */
export function placed(text: string, place: string): string {
  const folder = place.slice(0, place.lastIndexOf('/'))
  if (isModule(text)) {
    const values: Record<string, string> = { url: `file://${encodeURI(place)}`, dirname: folder, filename: place }
    return text.replace(META, (_, name: string) => JSON.stringify(values[name]))
  }
  if (!NAMES.test(text)) return text
  const head = HEAD.exec(text)?.[0] ?? ''
  return `${head};var __filename=${JSON.stringify(place)},__dirname=${JSON.stringify(folder)};${text.slice(head.length)}`
}
