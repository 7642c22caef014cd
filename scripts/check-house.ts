/** House rules that no linter knows, each with the reason in its message. */
import { globSync, readFileSync } from 'node:fs'

const SOURCE_LINES_MAX = 450
const TEST_LINES_MAX = 700

interface Rule {
  readonly pattern: RegExp
  readonly message: string
  /** Where it does not hold. */
  readonly except?: RegExp
}

/** What a machine's package manager may not have is left out by the tests, and counted as skipped. */
const FOREIGN_COMPILERS = /^test\/languages\/(rust|go)\//

/** Guest code and the executor live in another process, where nobody hands them a clock. */
const OUTSIDE_THE_DAEMON = /packages\/(sandbox|testing)\/|\.worker\.ts$/

const rules: Rule[] = [
  { pattern: /\bprocess\.env\b/, message: 'only node/ and cli/ read the environment: take an option' },
  { pattern: /\bDate\.now\(|\bnew Date\(\)/, message: 'policy is told the time: take a Clock' },
  { pattern: /\bMath\.random\(/, message: 'policy is told the random number: take a Random' },
  { pattern: /(?<![.\w#])set(Timeout|Interval)\(/, message: 'timers come from the Clock' },
  { pattern: /process\.on\(/, message: 'signals belong to node/' }
]

/** Of what the daemon and the command line load. */
const shipped: Rule[] = [
  {
    pattern: /^(import (?!type ).*|\} from |.*\bimport\()'node:http'/,
    message:
      "an import of node:http reads all that it exports, WebSocket too, and so loads undici: 120 ms of processor; process.getBuiltinModule('node:http') does not"
  }
]

const everywhere: Rule[] = [
  {
    pattern: /catch\s*(\(\w+\))?\s*\{\s*\}/,
    message: 'an empty catch swallows an error: say in a comment why ignoring it is right'
  },
  {
    pattern: /\btest\.(skip|todo|failing|only)\b/,
    message: 'a test that does not run proves nothing',
    except: FOREIGN_COMPILERS
  },
  { pattern: /@ts-(ignore|nocheck)/, message: 'mend the type' }
]

const errors: string[] = []
for (const file of globSync([
  'packages/*/{src,test}/**/*.ts',
  'node/{src,test}/**/*.ts',
  'cli/{src,test}/**/*.ts',
  'test/**/*.ts',
  'scripts/*.ts',
  'bench/**/*.ts'
])) {
  if (file === 'scripts/check-house.ts') continue
  const lines = readFileSync(file, 'utf8').split('\n')
  const isTest = /(^|\/)test\//.test(file)
  const max = isTest ? TEST_LINES_MAX : SOURCE_LINES_MAX
  if (lines.length > max) errors.push(`${file}: ${lines.length} lines, at most ${max}: it holds two ideas`)
  const strict = file.startsWith('packages/') && !isTest && !OUTSIDE_THE_DAEMON.test(file)
  for (const [index, line] of lines.entries()) {
    if (/^\s*(\*|\/\/|\/\*)/.test(line)) continue
    for (const { pattern, message, except } of [
      ...(strict ? rules : []),
      ...(/\/src\//.test(file) ? shipped : []),
      ...everywhere
    ]) {
      if (pattern.test(line) && except?.test(file) !== true) errors.push(`${file}:${index + 1}: ${message}`)
    }
  }
}

for (const error of errors) console.error(error)
process.exitCode = errors.length > 0 ? 1 : 0
