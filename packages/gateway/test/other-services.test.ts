import test from 'ava'
import { type Ask, ask, presigned, signed } from './_http.ts'
import { start } from './_ports.ts'

const FORM = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }
const WHO: Ask = { method: 'POST', path: '/', headers: FORM, body: 'Action=GetCallerIdentity&Version=2011-06-15' }

test('sts says who a key is, with the signature in a header or in the query', async (t) => {
  const node = await start(t)
  const sign = { date: new Date(node.clock.now()), service: 'sts', region: 'eu-west-1' }
  const answer = await ask(node, await signed(node, node.admin, WHO, sign))
  t.is(answer.status, 200)
  t.is(answer.headers['content-type'], 'text/xml')
  const { accessKeyId, account } = node.admin
  t.regex(answer.text, new RegExp(`<Arn>arn:aws:iam::\\d{12}:user/${account}</Arn><UserId>${accessKeyId}</UserId>`))
  t.regex(answer.text, /<Account>\d{12}<\/Account>/)
  t.true(answer.text.includes(`<RequestId>${answer.headers['x-amzn-requestid']}</RequestId>`))
  const query = { path: '/?Action=GetCallerIdentity&Version=2011-06-15' }
  t.is(
    (await ask(node, await presigned(node, node.admin, query, sign))).text.replace(/<RequestId>.*/, ''),
    answer.text.replace(/<RequestId>.*/, '')
  )
})

test('strangers, wrong secrets and signatures for other services get the words of sts', async (t) => {
  const node = await start(t)
  const sign = { date: new Date(node.clock.now()), service: 'sts' }
  const code = async (key: { accessKeyId: string; secretAccessKey: string }, body = WHO.body as string) => {
    const { status, text } = await ask(node, await signed(node, key, { ...WHO, body }, sign))
    return `${status} ${/<Type>Sender<\/Type><Code>(\w+)<\/Code><Message>[^<]+<\/Message>/.exec(text)?.[1]}`
  }
  t.is(await code({ ...node.admin, secretAccessKey: 'wrong' }), '403 SignatureDoesNotMatch')
  t.is(await code({ accessKeyId: 'PLNOBODY', secretAccessKey: 'wrong' }), '403 InvalidClientTokenId')
  t.is(await code(node.admin, 'Action=AssumeRole&RoleArn=%3Cx%3E'), '404 InvalidAction')
  t.is(await code(node.admin, `Action=${'<'.repeat(9_000)}`), '413 RequestEntityTooLargeException')
  const forSts = await signed(node, node.admin, { path: '/2015-03-31/functions' }, sign)
  t.is(
    (await ask(node, forSts)).headers['x-amzn-errortype'],
    'InvalidSignatureException',
    'what is signed for sts opens nothing else'
  )
})

test('other services are refused in the words of their protocol, with what to do', async (t) => {
  const node = await start(t)
  const date = new Date(node.clock.now())
  const refusal = async (service: string, options: Ask) => {
    const answer = await ask(node, await signed(node, node.admin, options, { date, service }))
    t.is(answer.status, 'x-amz-target' in (options.headers ?? {}) ? 400 : 404)
    t.true(answer.text.includes('AWS_ENDPOINT_URL_LAMBDA'), answer.text)
    return answer
  }
  const iam = await refusal('iam', { ...WHO, body: 'Action=ListUsers&Version=2010-05-08' })
  t.regex(iam.text, /^<ErrorResponse .*<Code>UnknownOperationException<\/Code><Message>&#39;iam&#39; is not here/)
  const s3 = await refusal('s3', { path: '/bucket/key?x=1' })
  t.regex(s3.text, /<Error><Code>UnknownOperationException<\/Code>/)
  const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'AmazonSSM.GetParameter' }
  const ssm = await refusal('ssm', { method: 'POST', path: '/', headers, body: '{"Name":"x"}' })
  t.is(ssm.headers['x-amzn-errortype'], 'UnknownOperationException')
  t.is(ssm.json().__type, 'UnknownOperationException', 'where botocore looks')
  t.regex(String(ssm.json().message), /'ssm' is not here/)
})
