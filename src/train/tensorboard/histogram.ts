import type { Histogram } from './messages.js'

/**
 * Counts numbers in `buckets` intervals of one width from the smallest to the largest, the last one closed on both
 * sides. Where all are alike, all stand in the last. Numbers that are not finite are left out.
 */
export function histogramOf(values: ArrayLike<number | bigint>, buckets: number): Histogram {
  let [min, max, num, sum, sumSquares] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0, 0]
  for (let i = 0; i < values.length; i++) {
    const value = Number(values[i])
    if (!Number.isFinite(value)) continue
    if (value < min) min = value
    if (value > max) max = value
    num++
    sum += value
    sumSquares += value * value
  }
  if (num === 0) return { min: 0, max: 0, num, sum, sumSquares, limits: [], counts: [] }
  const counts = new Array<number>(buckets).fill(0)
  const width = (max - min) / buckets
  for (let i = 0; i < values.length; i++) {
    const value = Number(values[i])
    if (!Number.isFinite(value)) continue
    const bucket = width === 0 ? buckets - 1 : Math.min(Math.floor((value - min) / width), buckets - 1)
    counts[bucket]!++
  }
  const limits = counts.map((_, i) => (i === buckets - 1 ? max : min + (i + 1) * width))
  return { min, max, num, sum, sumSquares, limits, counts }
}
