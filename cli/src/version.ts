import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Of this checkout; a running node's own is in `peerless show --node`. */
export function readVersion(): string {
  const manifest = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8')) as { version: string }
  return manifest.version
}
