import Ajv from 'ajv'

const ajv = new Ajv({ allErrors: true })
const validate = ajv.compile({
  type: 'object',
  properties: { id: { type: 'integer', minimum: 1 }, kind: { enum: ['x', 'y'] }, list: { type: 'array', items: { type: 'string', pattern: '^a' }, uniqueItems: true } },
  required: ['id'],
  additionalProperties: false
})
export const handler = async (event) => ({ valid: validate(event), errors: validate.errors, text: ajv.errorsText(validate.errors) })
export const events = [{ id: 1, kind: 'x', list: ['a', 'ab'] }, { id: 0, kind: 'z', list: ['b', 'b'], other: 1 }, {}]
