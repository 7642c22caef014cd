import { closeSync, openSync } from 'node:fs'

/** What the start of an executor takes at one time: its pipes with both their ends, the filter, the kernel's files of its control group. */
const DESCRIPTORS_PER_START = 24

/**
 * Whether this process may open as many files as the start of an executor needs. Node gives a child without its pipes where they cannot be opened, and what was opened before them stays:
 * so a start is begun only where there is room for all of it. Takes 0.1 ms.
 * @throws the system's error, EMFILE or ENFILE
 */
export function checkDescriptors(): void {
  const open: number[] = []
  try {
    while (open.length < DESCRIPTORS_PER_START) open.push(openSync(import.meta.filename, 'r'))
  } finally {
    for (const descriptor of open) closeSync(descriptor)
  }
}
