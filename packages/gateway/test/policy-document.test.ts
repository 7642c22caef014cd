import { policyEffect } from '@peerless/interface'
import test from 'ava'
import fc from 'fast-check'
import { POLICY_BYTES_MAX } from '../src/limits.ts'
import { bounded, parsePolicy, printedPolicy } from '../src/policy-document.ts'

const PLACE = { arn: 'arn:aws:lambda:us-east-1:000000000000:function:f', accountId: '000000000000' }
const ALLOW = { Sid: 'a', Effect: 'Allow', Principal: '*', Action: 'lambda:InvokeFunction' }

const parsed = (...statements: unknown[]) => parsePolicy(JSON.stringify({ Statement: statements }), PLACE, () => 'given')
const policyOf = (...statements: unknown[]) => ({ revisionId: '', statements: parsed(...statements) })

test('what would be stored and not enforced is refused, with its name', (t) => {
  for (const [change, named] of [
    [{ NotAction: 'lambda:*' }, /NotAction/],
    [{ Effect: 'allow' }, /allow/],
    [{ Action: 's3:GetObject' }, /s3:GetObject/],
    [{ Action: [] }, /Action/],
    [{ Principal: {} }, /Principal/],
    [{ Principal: { Federated: 'x' } }, /Federated/],
    [{ Principal: { Service: 'guests' } }, /guests/],
    [{ Principal: { AWS: 's3.amazonaws.com' } }, /s3\.amazonaws/],
    [{ Resource: `${PLACE.arn}:1` }, /function:f:1/],
    [{ Sid: 'a b' }, /a b/],
    [{ Condition: { StringLike: { 'AWS:SourceAccount': '1*' } } }, /StringLike/],
    [{ Condition: { StringEquals: { constructor: 'x' } } }, /constructor/],
    [{ Condition: { StringEquals: { 'AWS:SourceAccount': ['111111111111', '222222222222'] } } }, /several/],
    [{ Condition: { Bool: { 'lambda:InvokedViaFunctionUrl': 'yes' } } }, /yes/]
  ] as const)
    t.throws(() => parsed({ ...ALLOW, ...change }), { message: named }, JSON.stringify(change))
  t.throws(() => parsed(ALLOW, ALLOW), { message: /more than one/ })
  t.throws(() => parsed(), { message: /empty/ })
  t.throws(() => parsePolicy('{', PLACE, String), { message: /JSON/ })
  t.throws(() => parsePolicy(' '.repeat(POLICY_BYTES_MAX + 1), PLACE, String), { message: /20481/ })
  const many = Array.from({ length: 20 }, (_, at) => `n${at}`)
  t.throws(
    () =>
      parsed({
        ...ALLOW,
        Principal: { AWS: many },
        Action: many.map((name) => `lambda:${name.replace(/\d+/, (digits) => 'x'.repeat(Number(digits)))}`)
      }),
    {
      message: /at most 256/
    }
  )
})

test('denials win, stars and question marks match, conditions on sources hold for no key', (t) => {
  const effect = (account: string, viaUrl: boolean, ...statements: unknown[]) =>
    policyEffect(policyOf(...statements), account, viaUrl)
  t.is(effect('x', false, ALLOW), 'Allow')
  t.is(effect('x', true, ALLOW), undefined)
  t.is(effect('x', true, { ...ALLOW, Action: 'lambda:invokefunction???' }), 'Allow')
  t.is(effect('x', true, { ...ALLOW, Action: 'lambda:*Url' }), 'Allow')
  t.is(effect('x', false, { ...ALLOW, Action: 'lambda:*Url' }), undefined)
  const closed = { Sid: 'd', Effect: 'Deny', Principal: { AWS: 'x' }, Action: '*' }
  t.is(effect('x', false, ALLOW, closed), 'Deny')
  t.is(effect('y', false, ALLOW, closed), 'Allow')
  const sourced = { ArnLike: { 'aws:SourceArn': 'arn:aws:s3:::b' } }
  t.is(effect('x', false, { ...ALLOW, Condition: sourced }), undefined)
})

test('actions match as a regular expression would say, whatever stars and question marks', (t) => {
  const pattern = fc.array(fc.constantFrom('*', '?', 'I', 'n', 'v', 'o', 'k', 'e', 'F', 'U'), { maxLength: 12 })
  fc.assert(
    fc.property(pattern, fc.boolean(), (letters, viaUrl) => {
      const rule = new RegExp(`^lambda:${letters.map((one) => (one === '*' ? '.*' : one.replace('?', '.'))).join('')}$`, 'i')
      const action = viaUrl ? 'lambda:InvokeFunctionUrl' : 'lambda:InvokeFunction'
      const statement = { sid: 'a', action: `lambda:${letters.join('')}`, principal: { kind: 'any', value: '*' } as const }
      const expected = rule.test(action) ? 'Allow' : undefined
      t.is(policyEffect({ revisionId: '', statements: [statement] }, 'x', viaUrl), expected, letters.join(''))
    }),
    { numRuns: 2_000 }
  )
})

test('a small document cannot stand for a million statements, nor grow beyond the bound once it is kept', (t) => {
  const names = Array.from({ length: 1_000 }, (_, at) => `n${at}`)
  const actions = Array.from({ length: 400 }, (_, at) => `lambda:${at.toString(2).replaceAll('0', 'a').replaceAll('1', 'b')}`)
  t.throws(() => parsed({ ...ALLOW, Principal: { AWS: names }, Action: actions }), { message: /400000 pairs/ })
  const full = policyOf({ ...ALLOW, Principal: { AWS: names.slice(0, 256) } })
  t.notThrows(() => bounded(full, PLACE))
  const one = full.statements[0] as (typeof full.statements)[0]
  t.throws(() => bounded({ ...full, statements: [...full.statements, { ...one, sid: 'b' }] }, PLACE), { message: /at most 256/ })
  const long = names.slice(0, 250).map((name) => name.padEnd(60, 'x'))
  t.throws(() => bounded(policyOf({ ...ALLOW, Principal: { AWS: long } }), PLACE), { message: /bigger than the limit/ })
})

test('what was printed is read as what it was', (t) => {
  const name = fc.stringMatching(/^[a-z]{1,8}$/)
  const action = fc.constantFrom('*', 'lambda:*', 'lambda:InvokeFunction', 'lambda:Get*')
  const some = <T>(one: fc.Arbitrary<T>) => fc.oneof(one, fc.uniqueArray(one, { minLength: 1, maxLength: 3 }))
  const statement = fc.record({
    Effect: fc.constantFrom('Allow', 'Deny'),
    Principal: fc.oneof(
      fc.constant('*'),
      fc.record({ AWS: some(name) }),
      fc.record({ AWS: some(name), Service: fc.constant('s3.amazonaws.com') })
    ),
    Action: some(action),
    Condition: fc.oneof(
      fc.constant({}),
      fc.constant({ StringEquals: { 'aws:SourceAccount': '111111111111' }, Bool: { 'lambda:InvokedViaFunctionUrl': 'true' } })
    )
  })
  fc.assert(
    fc.property(fc.array(statement, { minLength: 1, maxLength: 4 }), (list) => {
      const policy = policyOf(...list.map((one, at) => ({ ...one, Sid: `s${at}` })))
      const printed = printedPolicy(policy, PLACE)
      const again = { revisionId: '', statements: parsePolicy(printed, PLACE, String) }
      t.is(printedPolicy(again, PLACE), printed)
      for (const account of ['x', ...policy.statements.map(({ principal }) => principal.value)])
        t.is(policyEffect(again, account, false), policyEffect(policy, account, false))
    })
  )
})

test('anything alleged is read or refused, never thrown about', (t) => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      for (const text of [
        JSON.stringify(value),
        JSON.stringify({ Statement: value }),
        JSON.stringify({ Statement: [{ ...ALLOW, Condition: value }] })
      ])
        try {
          t.true(parsePolicy(text, PLACE, () => 'given').length > 0)
        } catch (error) {
          t.is((error as { code?: string }).code, 'INVALID_ARGUMENT', String(error))
        }
    })
  )
})
