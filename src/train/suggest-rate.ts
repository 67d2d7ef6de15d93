/**
 * Ways to read a learning rate off a range test, as fastai has them: rates rise from one to the next, losses are
 * smoothed, and both lack the restless beginning and the diverging end. Each takes curves of at least two points.
 */
export type SuggestRate = (rates: readonly number[], losses: readonly number[]) => number

/**
 * Two thirds through the longest valley: of all falling subsequences of the losses the longest, counted back from where
 * it ends; a third and a sixth of its length are left before its end. The rate there is safe and still steep.
 */
const valley: SuggestRate = (rates, losses) => {
  /** Length of the longest falling subsequence that ends at each point. */
  const lengths: number[] = []
  losses.forEach((loss, i) => {
    let longest = 0
    for (let j = 0; j < i; j++) if (loss < losses[j]!) longest = Math.max(longest, lengths[j]!)
    lengths.push(longest + 1)
  })
  const length = lengths.reduce((a, b) => Math.max(a, b), 0)
  if (length === 1) return rates[0]! // nothing falls
  const begin = lengths.indexOf(length) - length
  return rates[Math.max(begin + Math.floor(length / 3) + Math.floor(length / 6), 0)]!
}

/** The lower end of a window of 15 points, moved down from the end until the slopes at both its ends differ little. */
const slide: SuggestRate = (rates, losses) => {
  const n = losses.length
  const slope = losses.map((_, i) => {
    const [from, to] = [Math.max(i - 1, 0), Math.min(i + 1, n - 1)]
    return (losses[to]! - losses[from]!) / (to - from)
  })
  let right = n - 1
  let found = Math.max(right - WINDOW, 0)
  for (let left = found; left >= 0 && Math.abs(slope[right]! - slope[left]!) > ALIKE; left--, right--) found = left
  return rates[found]!
}
const WINDOW = 15
const ALIKE = 0.005

/** A tenth of the rate with the lowest loss. */
const minimum: SuggestRate = (rates, losses) => rates[losses.indexOf(Math.min(...losses))]! / 10

/** Where the loss falls fastest over the logarithm of the rate. */
const steep: SuggestRate = (rates, losses) => {
  const slopes = losses.slice(1).map((loss, i) => (loss - losses[i]!) / Math.log(rates[i + 1]! / rates[i]!))
  return rates[slopes.indexOf(Math.min(...slopes))]!
}

export const suggestRate = { valley, slide, minimum, steep } as const satisfies Readonly<Record<string, SuggestRate>>
export type Suggestion = keyof typeof suggestRate
