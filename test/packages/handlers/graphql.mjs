import { buildSchema, graphql, GraphQLError, introspectionFromSchema, printSchema } from 'graphql'

const schema = buildSchema('type User { id: ID!, name: String, friends(first: Int = 1): [User!]! } type Query { user(id: ID!): User, fail: Int } type Mutation { add(a: Int!, b: Int!): Int! }')
const user = (id) => ({ id, name: `user ${id}`, friends: ({ first }) => Array.from({ length: first }, (_, n) => user(`${id}${n}`)) })
const rootValue = {
  user: async ({ id }) => user(id),
  fail: () => {
    throw new GraphQLError('planted', { extensions: { code: 'X' } })
  },
  add: ({ a, b }) => a + b
}
export const handler = async ({ source, variableValues }) =>
  source === 'schema' ? { sdl: printSchema(schema), types: introspectionFromSchema(schema).__schema.types.length } : await graphql({ schema, source, rootValue, variableValues })
export const events = [
  { source: 'query Q($id: ID!) { user(id: $id) { id name friends(first: 2) { id friends { name } } } }', variableValues: { id: '7' } },
  { source: 'mutation { add(a: 2, b: 3) }' },
  { source: '{ fail }' },
  { source: '{ nope }' },
  { source: '{ user( }' },
  { source: 'schema' }
]
