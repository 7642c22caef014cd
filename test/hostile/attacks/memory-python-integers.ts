import { attack, MEMORY, TIMEOUT } from '../_attack.ts'

/** A number that is squared without end. */
export default attack({
  family: 'memory',
  files: { 'app.py': 'def handler(event, context):\n    n = 3\n    while event["attack"]:\n        n = n * n\n' },
  handler: 'app.handler',
  expected: { errors: [MEMORY, TIMEOUT, 'MemoryError'] }
})
