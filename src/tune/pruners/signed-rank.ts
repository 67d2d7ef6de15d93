import { cdf } from '../samplers/normal.js'

/**
 * Wilcoxon's signed-rank test, one-sided: the probability of a rank sum as large as this one where the differences lie
 * evenly around 0. Differences of 0 count half on each side (zsplit), equal ones share their rank. Exact up to 50
 * differences (13 where some are equal or 0), beyond that the normal approximation without continuity correction: what
 * `scipy.stats.wilcoxon(differences, alternative='greater', zero_method='zsplit')` gives.
 */
export function signedRank(differences: readonly number[]): number {
  const n = differences.length
  if (n === 0) return Number.NaN
  const order = differences.map((_, i) => i).sort((a, b) => Math.abs(differences[a]!) - Math.abs(differences[b]!))
  // Twice the rank is whole, shared ones too.
  const doubled = new Array<number>(n)
  let ties = 0
  for (let from = 0, to = 0; from < n; from = to) {
    const size = Math.abs(differences[order[from]!]!)
    while (to < n && Math.abs(differences[order[to]!]!) === size) to++
    for (let k = from; k < to; k++) doubled[order[k]!] = from + 1 + to
    ties += (to - from) ** 3 - (to - from)
  }
  const positive = differences.reduce((sum, d, i) => sum + (d > 0 ? doubled[i]! : d === 0 ? doubled[i]! / 2 : 0), 0)
  const plain = ties === 0 && !differences.includes(0)
  if (plain ? n <= 50 : n <= 13) return exact(differences, doubled, positive)
  const mean = (n * (n + 1)) / 4
  const deviation = Math.sqrt((n * (n + 1) * (2 * n + 1) - ties / 2) / 24)
  return cdf(-(positive / 2 - mean) / deviation)
}

/** The share of the 2ⁿ choices of signs whose positive ranks add up to `positive` or more; everything doubled. */
function exact(differences: readonly number[], doubled: readonly number[], positive: number): number {
  const zeros = differences.reduce((sum, d, i) => sum + (d === 0 ? doubled[i]! / 2 : 0), 0)
  const ranks = doubled.filter((_, i) => differences[i] !== 0)
  const total = ranks.reduce((sum, rank) => sum + rank, 0)
  const ways = new Float64Array(total + 1)
  ways[0] = 1
  let reached = 0
  for (const rank of ranks) {
    for (let sum = reached; sum >= 0; sum--) ways[sum + rank]! += ways[sum]!
    reached += rank
  }
  const atLeast = ways.reduce((count, way, sum) => count + (sum + zeros >= positive ? way : 0), 0)
  return atLeast / 2 ** ranks.length
}
