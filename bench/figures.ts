/** What is made of measured numbers, and how a goal is printed. */

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}

/** The number below which this share of them lies. @param share 0 to 1 */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

/** The median over rounds of `a` divided by `b` of the same round: machines are noisy, neighbours in time less so. */
export function medianRatio(a: readonly number[], b: readonly number[]): number {
  return median(a.map((value, round) => value / (b[round] as number)))
}

export function medianDifference(a: readonly number[], b: readonly number[]): number {
  return median(a.map((value, round) => value - (b[round] as number)))
}

/** Printed, never asserted: a noisy machine is not a broken build. */
export function goal(name: string, value: number, relation: '≥' | '≤' | '<', bound: number): void {
  const reached = relation === '≥' ? value >= bound : relation === '≤' ? value <= bound : value < bound
  const shown = (number: number) => (Number.isInteger(number) || Math.abs(number) >= 100 ? number.toFixed(0) : number.toFixed(2))
  const figure = Math.abs(bound) >= 100 ? value.toFixed(0) : value.toFixed(2)
  console.log(`${reached ? 'reached' : 'MISSED '}  ${name}: ${figure} (goal ${relation} ${shown(bound)})`)
}
