/** Bars by group, as an SVG without anything from elsewhere. */
export interface Plot {
  readonly title: string
  readonly unit: string
  readonly groups: readonly {
    readonly name: string
    readonly bars: readonly { readonly name: string; readonly value: number }[]
  }[]
  /** Draws the axis by powers of ten. */
  readonly logarithmic?: boolean
}

const COLOURS = ['#1b6ca8', '#8a8f98', '#b58900', '#c0392b', '#6c5ce7', '#2e8b57']
const [WIDTH, HEIGHT, LEFT, TOP, BOTTOM] = [760, 380, 60, 64, 40]

export function svgOf({ title, unit, groups, logarithmic = false }: Plot): string {
  const values = groups.flatMap(({ bars }) => bars.map(({ value }) => value))
  const floor = logarithmic ? Math.min(1, ...values.filter((value) => value > 0)) : 0
  const top = Math.max(...values, floor * 1.01, 1e-9)
  const inner = HEIGHT - TOP - BOTTOM
  const share = (value: number) =>
    logarithmic ? Math.max(0, Math.log(Math.max(value, floor) / floor) / Math.log(top / floor)) : value / top
  const names = [...new Set(groups.flatMap(({ bars }) => bars.map(({ name }) => name)))]
  const parts: string[] = []
  const groupWidth = (WIDTH - LEFT - 20) / Math.max(1, groups.length)
  for (const [at, { name, bars }] of groups.entries()) {
    const barWidth = (groupWidth * 0.85) / Math.max(1, bars.length)
    for (const [index, bar] of bars.entries()) {
      const height = inner * share(bar.value)
      const x = LEFT + at * groupWidth + index * barWidth
      const y = HEIGHT - BOTTOM - height
      parts.push(
        `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${(barWidth * 0.9).toFixed(1)}" height="${height.toFixed(1)}" fill="${COLOURS[names.indexOf(bar.name) % COLOURS.length]}"/>`,
        text(x + barWidth * 0.45, y - 4, shown(bar.value), 9, 'middle')
      )
    }
    parts.push(text(LEFT + at * groupWidth + groupWidth * 0.42, HEIGHT - BOTTOM + 18, name, 11, 'middle'))
  }
  for (const [index, name] of names.entries()) {
    const x = LEFT + index * 115
    parts.push(
      `<rect x="${x}" y="34" width="10" height="10" fill="${COLOURS[index % COLOURS.length]}"/>`,
      text(x + 14, 43, name, 10)
    )
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif">`,
    '<rect width="100%" height="100%" fill="#fff"/>',
    text(LEFT, 20, `${title} (${unit}${logarithmic ? ', logarithmic' : ''})`, 14),
    `<line x1="${LEFT}" y1="${HEIGHT - BOTTOM}" x2="${WIDTH - 20}" y2="${HEIGHT - BOTTOM}" stroke="#333"/>`,
    ...parts,
    '</svg>',
    ''
  ].join('\n')
}

function text(x: number, y: number, content: string, size: number, anchor = 'start'): string {
  const safe = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" font-size="${size}" text-anchor="${anchor}">${safe}</text>`
}

function shown(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}
