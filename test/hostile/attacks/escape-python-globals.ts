import { attack } from '../_attack.ts'

/** What JavaScript has where Python runs: nothing of the host, whoever made it. */
export default attack({
  family: 'escape',
  files: {
    'app.py': `import js

def handler(event, context):
    return js.eval("typeof this.constructor.constructor('return process')().mainModule")
`
  },
  handler: 'app.handler',
  expected: { results: ['undefined'], errors: ['TypeError', 'JsException', 'ReferenceError', 'EvalError'] }
})
