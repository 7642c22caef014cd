import { attack } from '../_attack.ts'

/** Files of the node, by every way up. */
export default attack({
  family: 'escape',
  files: {
    'app.py': `def handler(event, context):
    found = []
    for path in ["/etc/passwd", "../../etc/passwd", "/proc/self/environ", "/var/task/../../etc/passwd", "/tmp/../etc/hostname"]:
        try:
            open(path).read()
            found.append(path)
        except OSError:
            pass
    return found
`
  },
  handler: 'app.handler',
  expected: { results: [[]] }
})
