import { z } from 'zod'

const schema = z.object({ name: z.string().min(2), age: z.number().int().positive().optional(), tags: z.array(z.enum(['a', 'b'])).default([]), email: z.email().nullish(), when: z.coerce.date().optional() }).strict()
export const handler = async (event) => {
  const parsed = schema.safeParse(event)
  return parsed.success ? { data: parsed.data } : { issues: parsed.error.issues, tree: z.treeifyError(parsed.error), json: z.toJSONSchema(z.object({ a: z.string() })) }
}
export const events = [{ name: 'Ada', age: 36, when: '2020-01-02' }, { name: 'A', age: -1, tags: ['c'], more: true }, { name: 'Bo', email: 'nope' }, {}]
