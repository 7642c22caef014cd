import { createHash, createHmac } from 'node:crypto'

/** Calls the next function of `names` at the next of `endpoints`, until `depthMax` or until the API says no, by a request that is
 * signed here and says nothing of where it comes from. */
export const handler = async (event) => {
  const { names, endpoints, depth, depthMax = 100, type = 'RequestResponse' } = event
  if (depth >= depthMax) return { depth }
  const name = names[(depth + 1) % names.length]
  const endpoint = endpoints[depth % endpoints.length]
  const payload = JSON.stringify({ ...event, depth: depth + 1 })
  try {
    const answer = await send(endpoint, event.keys, name, type, payload)
    return type === 'Event' ? { depth } : JSON.parse(answer)
  } catch (error) {
    return { depth, name: error.name, message: error.message }
  }
}

async function send(endpoint, { accessKeyId, secretAccessKey }, name, type, payload) {
  const path = `/2015-03-31/functions/${name}/invocations`
  const stamp = new Date().toISOString().replaceAll(/[-:]|\.\d{3}/g, '')
  const sha256 = (text) => createHash('sha256').update(text).digest('hex')
  const headers = { host: new URL(endpoint).host, 'x-amz-date': stamp, 'x-amz-invocation-type': type }
  const signed = Object.keys(headers).join(';')
  const lines = Object.entries(headers).map((pair) => pair.join(':'))
  const scope = `${stamp.slice(0, 8)}/us-east-1/lambda/aws4_request`
  const canonical = ['POST', path, '', ...lines, '', signed, sha256(payload)].join('\n')
  let key = `AWS4${secretAccessKey}`
  for (const part of scope.split('/')) key = createHmac('sha256', key).update(part).digest()
  const signature = createHmac('sha256', key).update(`AWS4-HMAC-SHA256\n${stamp}\n${scope}\n${sha256(canonical)}`).digest('hex')
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${signed}, Signature=${signature}`
  // A chain that it makes up is not taken for the true one.
  const trace = 'Root=1-00000000-000000000000000000000000;Sampled=0'
  const answer = await fetch(endpoint + path, {
    method: 'POST',
    headers: { ...headers, authorization, 'x-amzn-trace-id': trace },
    body: payload
  })
  const text = await answer.text()
  if (answer.status < 300) return text
  throw Object.assign(new Error(JSON.parse(text).Message ?? text), { name: answer.headers.get('x-amzn-errortype') })
}
