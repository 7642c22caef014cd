// Gives back the body that it got, under the type that it came with: payloads both ways.
export const handler = async ({ body, isBase64Encoded, headers }) => ({
  statusCode: 200,
  headers: { 'content-type': headers['content-type'] },
  body,
  isBase64Encoded
})
