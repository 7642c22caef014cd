import { attack, TIMEOUT } from '../_attack.ts'

/** An exception whose text never comes to its end: whoever tells of it asks for it. */
export default attack({
  family: 'time',
  files: {
    'app.py': `class Endless(Exception):
    def __str__(self):
        while True:
            pass

def handler(event, context):
    if event["attack"]:
        raise Endless()
`
  },
  handler: 'app.handler',
  expected: { errors: [TIMEOUT, 'Endless'] }
})
