export const web: { fetch: (request: Request) => Response | Promise<Response> }
