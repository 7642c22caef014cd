import _ from 'lodash'

export const handler = async ({ list }) => ({
  grouped: _.groupBy(list, 'kind'),
  sorted: _.orderBy(list, ['kind', 'n'], ['desc', 'asc']),
  sums: _.chain(list).map('n').sum().value(),
  merged: _.merge({ a: { b: 1 } }, { a: { c: [1] } }),
  cloned: _.isEqual(_.cloneDeep(list), list),
  text: [_.camelCase('hello big-world'), _.kebabCase('fooBar'), _.template('<%= a %>!')({ a: 'hi' }), _.deburr('déjà')],
  chunks: _.chunk(_.range(5), 2),
  get: _.get({ a: [{ b: 3 }] }, 'a[0].b', 0),
  curried: _.curry((a, b, c) => a + b + c)(1)(2)(3),
  types: [_.isPlainObject({}), _.isBuffer(Buffer.from('')), _.isTypedArray(new Uint8Array()), _.isDate(new Date())]
})
export const events = [{ list: [{ kind: 'a', n: 2 }, { kind: 'b', n: 1 }, { kind: 'a', n: 1 }] }, { list: [] }]
