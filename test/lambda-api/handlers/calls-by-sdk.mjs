import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'

/** Calls the next function of `names` at the next of `endpoints`, until `depthMax` or until the API says no, by AWS's SDK. */
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

async function send(endpoint, credentials, FunctionName, InvocationType, Payload) {
  const client = new LambdaClient({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1 })
  const answer = await client.send(new InvokeCommand({ FunctionName, InvocationType, Payload }))
  return Buffer.from(answer.Payload ?? []).toString()
}
