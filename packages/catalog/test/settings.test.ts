import type { FunctionSettings } from '@peerless/interface'
import test, { type ExecutionContext } from 'ava'
import { checkSettings } from '../src/settings.ts'

const accepted = test.macro({
  exec: (t: ExecutionContext, settings: FunctionSettings) => {
    t.notThrows(() => checkSettings(settings))
  },
  title: (provided) => `accepted: ${provided}`
})

test('nothing at all', accepted, {})
test('undefined everywhere', accepted, { handler: undefined, memoryMb: undefined, environment: undefined, urlAuth: undefined })
test('the least of all', accepted, { memoryMb: 128, timeoutSeconds: 1, description: '', environment: {} })
test('the most of all', accepted, {
  memoryMb: 10_240,
  timeoutSeconds: 900,
  description: 'x'.repeat(256),
  handler: 'x'.repeat(128)
})
test('a handler in a folder', accepted, { handler: 'src/app.main' })
test('a role in a path, of another partition', accepted, {
  role: 'arn:aws-cn:iam::123456789012:role/service-role/a+b=c,d.e@f-g_h'
})
test('every kind of function URL', accepted, { urlAuth: 'AWS_IAM' })
test('a function URL taken away', accepted, { urlAuth: null })
test('a variable of exactly 4,096 bytes', accepted, { environment: { AB: 'x'.repeat(4_094) } })
test('a name that only begins like a reserved one', accepted, {
  environment: { AWS_REGION_OF_MINE: 'x', AWS_LAMBDA_EXEC_WRAPPER: '/x' }
})

const refused = test.macro({
  exec: (t: ExecutionContext, settings: unknown, message: RegExp) => {
    t.throws(() => checkSettings(settings as FunctionSettings), { code: 'INVALID_ARGUMENT', message })
  },
  title: (provided) => `refused: ${provided}`
})

test('settings that are none', refused, null, /settings 'null' must be an object/)
test('an unknown setting', refused, { memory: 128 }, /setting 'memory' must be one of handler, .*memoryMb/)
test('a setting of the prototype', refused, { constructor: 1 }, /setting 'constructor'/)
test('a handler with a space', refused, { handler: 'index handler' }, /handler 'index handler' must be 'file.export', 1 to 128/)
test('an empty handler', refused, { handler: '' }, /handler ''/)
test('a handler of 129 characters', refused, { handler: 'x'.repeat(129) }, /\(129 characters\)' must be 'file.export'/)
test('a handler that is a number', refused, { handler: 7 }, /handler '7'/)
test('null where a text belongs', refused, { handler: null }, /handler 'null'/)
test('a runtime of another language', refused, { runtime: 'java21' }, /runtime 'java21' must be one of .*nodejs/)
test('a runtime that only begins right', refused, { runtime: 'nodejs22.x; rm' }, /runtime/)
test('a role that is no ARN', refused, { role: 'admin' }, /role 'admin' must be an ARN/)
test('a role of a short account', refused, { role: 'arn:aws:iam::123:role/x' }, /role/)
test('a role with a second line', refused, { role: 'arn:aws:iam::123456789012:role/x\nX-Header: 1' }, /role/)
test(
  'a description of 257 characters',
  refused,
  { description: 'x'.repeat(257) },
  /description .*\(257 characters\)' must have at most 256/
)
test('127 MB', refused, { memoryMb: 127 }, /memory size '127' must be a whole number of MB from 128 to 10240/)
test('10,241 MB', refused, { memoryMb: 10_241 }, /memory size '10241'/)
test('half a megabyte', refused, { memoryMb: 128.5 }, /memory size '128.5'/)
test('memory as text', refused, { memoryMb: '128' }, /memory size '128'/)
test('memory that is not a number', refused, { memoryMb: Number.NaN }, /memory size 'NaN'/)
test('a timeout of 0', refused, { timeoutSeconds: 0 }, /timeout '0' must be a whole number of seconds from 1 to 900/)
test('a timeout of 901', refused, { timeoutSeconds: 901 }, /timeout '901'/)
test('a timeout of minus one', refused, { timeoutSeconds: -1 }, /timeout '-1'/)
test('an environment that is a list', refused, { environment: ['A=1'] }, /environment 'object' must be an object of names/)
test('a variable of one letter', refused, { environment: { A: '1' } }, /name 'A' must start with a letter and have at least 2/)
test('a variable that starts with a digit', refused, { environment: { '1A': '1' } }, /name '1A' must start/)
test('a variable with a hyphen', refused, { environment: { 'A-B': '1' } }, /name 'A-B'/)
test('a variable with a trailing newline', refused, { environment: { 'AB\n': '1' } }, /name 'AB\n'/)
test('a reserved variable', refused, { environment: { AWS_REGION: 'eu' } }, /name 'AWS_REGION' is reserved/)
test('another reserved variable', refused, { environment: { _HANDLER: 'x' } }, /name '_HANDLER' is reserved/)
test(
  'a variable without text; its value is not told',
  refused,
  { environment: { TOKEN: 12_345 } },
  /^environment variable 'TOKEN' must have a text value$/
)
test('4,097 bytes of variables', refused, { environment: { AB: 'x'.repeat(4_095) } }, /have 4097 bytes, .* at most 4096/)
test('4,096 characters, but more bytes', refused, { environment: { AB: 'ä'.repeat(2_048) } }, /have 4098 bytes/)
test('a function URL of another kind', refused, { urlAuth: 'PUBLIC' }, /function URL auth type 'PUBLIC' must be NONE or AWS_IAM/)
