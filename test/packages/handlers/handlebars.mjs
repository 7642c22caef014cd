import Handlebars from 'handlebars'

Handlebars.registerHelper('loud', (text) => `${String(text).toUpperCase()}!`)
Handlebars.registerPartial('row', '<li>{{@index}}: {{name}}{{#if last}} (last){{/if}}</li>')
export const handler = async ({ source, data }) => {
  try {
    return { text: Handlebars.compile(source)(data), spec: Handlebars.precompile(source).toString().length > 50 }
  } catch (error) {
    return { message: error.message.split('\n')[0] }
  }
}
export const events = [
  { source: 'Hi {{loud name}} {{{raw}}} {{esc}}<ul>{{#each list}}{{> row}}{{else}}none{{/each}}</ul>', data: { name: 'ada', raw: '<b>', esc: '<b>', list: [{ name: 'x' }, { name: 'y', last: true }] } },
  { source: '{{#with a}}{{b}}{{../c}}{{/with}}{{lookup m k}}', data: { a: { b: 1 }, c: 2, m: { z: 3 }, k: 'z' } },
  { source: '{{#if}}', data: {} }
]
