import { attack, TIMEOUT } from '../_attack.ts'

/** A loop in Python. */
export default attack({
  family: 'time',
  files: { 'app.py': 'def handler(event, context):\n    while event["attack"]:\n        pass\n' },
  handler: 'app.handler',
  expected: { errors: [TIMEOUT] }
})
