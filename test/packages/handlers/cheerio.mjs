import * as cheerio from 'cheerio'

export const handler = async ({ html }) => {
  const $ = cheerio.load(html)
  $('li').first().addClass('first').attr('data-n', '1')
  $('ul').append('<li>new &amp; last</li>')
  return { items: $('li').map((_, one) => $(one).text()).get(), links: $('a[href^="http"]').attr('href') ?? null, html: $.html(), title: $('title').text(), xml: cheerio.load('<a><b/></a>', { xml: true }).xml(), text: $('body').prop('innerText') }
}
export const events = [{ html: '<title>T</title><ul><li>one<li>two</ul><a href="http://x/">é</a>' }, { html: '' }, { html: '<table><td>stray' }]
