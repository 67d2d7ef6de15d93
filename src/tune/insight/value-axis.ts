import type { Direction } from '../frozen-trial.js'
import { sign } from '../pareto.js'

/** How much farther than the middle half of the values the picture reaches on the bad side. */
const REACH = 3
/** Ratios of values above 0 that ask for a logarithmic axis. */
const WIDE = 100

/**
 * How values are best shown: in logarithms where they are above 0 and differ by magnitudes, or without the few that are
 * so bad that everything else would look alike.
 */
export function valueAxis(
  values: readonly number[],
  direction: Direction,
): { readonly yLog?: boolean; readonly yRange?: readonly [number, number]; readonly note?: string } {
  if (values.length < 2) return {}
  const sorted = values.map(v => sign(direction) * v).sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))]!
  const [best, worst] = [sorted[0]!, sorted.at(-1)!]
  const all = [...values].sort((a, b) => a - b)
  if (all[0]! > 0 && all.at(-1)! / all[0]! >= WIDE) return { yLog: true }
  const limit = at(0.75) + REACH * Math.max(at(0.75) - at(0.25), at(0.75) - best)
  // Only where the rest would be squeezed into less than a quarter of the picture.
  if (!(worst - best > 4 * (limit - best)) || limit === best) return {}
  const beyond = sorted.filter(v => v > limit).length
  const pad = (limit - best) * 0.05
  const [low, high] = direction === 'minimize' ? [best - pad, limit] : [-limit, -best + pad]
  const round = (x: number) => Number(x.toPrecision(4))
  return {
    yRange: [round(low), round(high)],
    note: `${beyond === 1 ? '1 value lies' : `${beyond} values lie`} beyond the picture: the worst is ${round(sign(direction) * worst)}.`,
  }
}
