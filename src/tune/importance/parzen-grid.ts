import type { Distribution } from '../distribution.js'
import { cdf } from '../samplers/normal.js'

/** Places into which a range is divided at most. */
const PLACES = 50
/** How much the prior counts, in observations. */
const PRIOR = 1

/**
 * How values are spread over the places of a parameter's grid: for choices their smoothed shares, for ranges a mixture of
 * discrete normal distributions with Scott's bandwidth (Scott 1992) and a wide prior.
 * @param values internal ones
 * @returns for each place its probability
 */
export function densityOnGrid(d: Distribution, values: readonly number[]): Float64Array {
  return d.type === 'categorical' ? sharesOfChoices(d.choices.length, values) : mixture(countsOnGrid(d, values))
}

function sharesOfChoices(choices: number, values: readonly number[]): Float64Array {
  const counts = new Float64Array(choices)
  for (const value of values) counts[value]! += 1
  const kernels = counts.filter(count => count > 0).length + 1
  // Each kernel gives its choice 1 and all choices a little; the prior's is even.
  const little = PRIOR / kernels
  const whole = 1 + little * choices
  const total = values.length + PRIOR
  const even = (values.length * little) / whole + PRIOR / choices
  return counts.map(count => (count / whole + even) / total)
}

/** How many values lie nearest to each place; those between two belong to the lower one. */
function countsOnGrid(d: Exclude<Distribution, { type: 'categorical' }>, values: readonly number[]): Float64Array {
  const places =
    d.type === 'int' && d.log
      ? Math.min(Math.ceil(Math.log2(d.high - d.low + 1)) + 1, PLACES)
      : d.step !== null
        ? Math.min(Math.round((d.high - d.low) / d.step) + 1, PLACES)
        : PLACES
  const scale = d.log ? Math.log : (x: number) => x
  const low = scale(d.low)
  const size = (scale(d.high) - low) / (places - 1)
  const counts = new Float64Array(places)
  for (const value of values) {
    const place = Math.ceil((scale(value) - low) / size - 0.5)
    counts[Math.min(Math.max(place, 0), places - 1)]! += 1
  }
  return counts
}

function mixture(counts: Float64Array): Float64Array {
  const last = counts.length - 1
  const seen = [...counts.keys()].filter(place => counts[place]! > 0)
  const total = counts.reduce((a, b) => a + b, 0)
  const mean = seen.reduce((sum, place) => sum + counts[place]! * place, 0) / total
  const variance = seen.reduce((sum, place) => sum + counts[place]! * (place - mean) ** 2, 0) / Math.max(1, total - 1)
  let so = 0
  const upTo = seen.map(place => (so += counts[place]!))
  const first = seen[upTo.findIndex(count => count >= Math.floor(total / 4))]!
  const third = seen[upTo.findIndex(count => count > Math.floor((total * 3) / 4))] ?? seen.at(-1)!
  const width = 1.059 * Math.min((third - first) / 1.34, Math.sqrt(variance)) * total ** -0.2
  // At least so wide that 90 % of a kernel lie within its place.
  const sigma = Math.max(width, 0.5 / 1.64)
  const density = new Float64Array(counts.length)
  const add = (centre: number, spread: number, weight: number) => {
    const at = (edge: number) => cdf((edge - centre) / spread)
    const whole = at(last + 0.5) - at(-0.5)
    for (let place = 0; place <= last; place++) {
      // Right of the centre by symmetry: differences of what is near 1 lose their digits.
      const [a, b] = place > centre ? [2 * centre - place - 0.5, 2 * centre - place + 0.5] : [place - 0.5, place + 0.5]
      density[place]! += (weight * (at(b) - at(a))) / whole
    }
  }
  for (const place of seen) add(place, sigma, counts[place]! / (total + PRIOR))
  add(last / 2, last + 1, PRIOR / (total + PRIOR))
  return density
}
