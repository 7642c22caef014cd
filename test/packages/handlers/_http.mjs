/** An HTTP event in API Gateway's payload format 2.0. */
export const http = (method, rawPath, { headers = {}, ...extra } = {}) => ({
  version: '2.0',
  routeKey: '$default',
  rawPath,
  rawQueryString: '',
  headers: { host: 'h.example', ...headers },
  requestContext: { http: { method, path: rawPath, sourceIp: '192.0.2.1' }, domainName: 'h.example', stage: '$default' },
  isBase64Encoded: false,
  ...extra
})
