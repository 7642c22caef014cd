import { attack, MEMORY, TIMEOUT } from '../_attack.ts'

/** The interpreter's heap, which is a linear memory of its own. */
export default attack({
  family: 'memory',
  files: {
    'app.py': `def handler(event, context):
    kept = []
    while event["attack"]:
        kept.append(bytearray(100000))
`
  },
  handler: 'app.handler',
  timeoutSeconds: 3,
  expected: { errors: [MEMORY, TIMEOUT, 'MemoryError'] }
})
