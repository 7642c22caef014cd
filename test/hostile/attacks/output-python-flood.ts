import { attack, TIMEOUT } from '../_attack.ts'

/** Prints without end. */
export default attack({
  family: 'output',
  files: { 'app.py': 'def handler(event, context):\n    while event["attack"]:\n        print("x" * 10000)\n' },
  handler: 'app.handler',
  expected: { errors: [TIMEOUT] }
})
