import middy from '@middy/core'

const order = []
const track = (name) => ({
  before: () => void order.push(`${name} before`),
  after: (request) => {
    request.response.order = [...order, `${name} after`]
  },
  onError: (request) => {
    request.response ??= { failed: request.error.message, order: [...order] }
  }
})
const base = async (event) => {
  order.push('handler')
  if (event.fail) throw new Error('planted')
  return { got: event.value }
}
const wrapped = middy().use(track('outer')).use(track('inner')).handler(base)
export const handler = async (event) => {
  order.length = 0
  return await wrapped(event, { getRemainingTimeInMillis: () => 1000 })
}
export const events = [{ value: 1 }, { fail: true }]
