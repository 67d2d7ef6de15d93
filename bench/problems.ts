import { digits } from './digits.js'

/** What a problem asks of a trial, ours or another tuner's in a process of its own. */
export interface Asks {
  suggestFloat(name: string, low: number, high: number, options?: { log?: boolean; step?: number }): Given<number>
  suggestInt(name: string, low: number, high: number, options?: { log?: boolean }): Given<number>
  suggestCategorical<const T extends string>(name: string, choices: readonly T[]): Given<T>
}
type Given<T> = T | Promise<T>

/** What is to be minimized, with what is known of it. */
export interface Problem {
  readonly objective: (trial: Asks) => Promise<number>
  readonly trials: number
  /** Values of each parameter for grid search, where a grid makes sense. */
  readonly grid?: Readonly<Record<string, readonly (number | string)[]>>
  /** What a reader of the table should know. */
  readonly note?: () => Promise<string>
}

const floats = async (trial: Asks, n: number, low: number, high: number): Promise<number[]> => {
  const values: number[] = []
  for (let i = 0; i < n; i++) values.push(await trial.suggestFloat(`x${i}`, low, high))
  return values
}
/** The middles of equal parts of [low, high]: as many for each axis as `counts` says. */
const middles = (low: number, high: number, counts: readonly number[]) =>
  Object.fromEntries(
    counts.map((n, i) => [`x${i}`, Array.from({ length: n }, (_, k) => low + ((high - low) * (k + 0.5)) / n)]),
  )
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)
const spaced = (low: number, high: number, n: number) =>
  Array.from({ length: n }, (_, i) => low + ((high - low) * i) / (n - 1))

const A = [
  [10, 3, 17, 3.5, 1.7, 8],
  [0.05, 10, 17, 0.1, 8, 14],
  [3, 3.5, 1.7, 10, 17, 8],
  [17, 8, 0.05, 10, 0.1, 14],
]
const P = [
  [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
  [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
  [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.665],
  [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
]

const ackley = (n: number, trials: number, counts?: readonly number[]): Problem => ({
  trials,
  ...(counts === undefined ? {} : { grid: middles(-32.768, 32.768, counts) }),
  objective: async trial => {
    const x = await floats(trial, n, -32.768, 32.768)
    const mean = sum(x.map(v => v * v)) / n
    return (
      -20 * Math.exp(-0.2 * Math.sqrt(mean)) - Math.exp(sum(x.map(v => Math.cos(2 * Math.PI * v))) / n) + 20 + Math.E
    )
  },
})

export const problems: Readonly<Record<string, Problem>> = {
  branin: {
    trials: 60,
    objective: async trial => {
      const [x, y] = [await trial.suggestFloat('x0', -5, 10), await trial.suggestFloat('x1', 0, 15)]
      const [b, c, t] = [5.1 / (4 * Math.PI ** 2), 5 / Math.PI, 1 / (8 * Math.PI)]
      return (y - b * x * x + c * x - 6) ** 2 + 10 * (1 - t) * Math.cos(x) + 10
    },
    grid: { x0: spaced(-5, 10, 10), x1: spaced(0, 15, 6) },
  },
  hartmann6: {
    trials: 60,
    objective: async trial => {
      const x = await floats(trial, 6, 0, 1)
      return -sum([1, 1.2, 3, 3.2].map((w, i) => w * Math.exp(-sum(x.map((v, j) => A[i]![j]! * (v - P[i]![j]!) ** 2)))))
    },
    // A few more than there are trials: which ones are left out is chance.
    grid: middles(0, 1, [2, 2, 2, 2, 2, 2]),
  },
  ackley5: ackley(5, 60, [3, 3, 3, 2, 1]),
  rosenbrock4: {
    trials: 60,
    objective: async trial => {
      const x = await floats(trial, 4, -5, 10)
      return sum([0, 1, 2].map(i => 100 * (x[i + 1]! - x[i]! ** 2) ** 2 + (1 - x[i]!) ** 2))
    },
    grid: middles(-5, 10, [3, 3, 3, 2]),
  },
  levy4: {
    trials: 60,
    objective: async trial => {
      const w = (await floats(trial, 4, -10, 10)).map(v => 1 + (v - 1) / 4)
      const last = w[3]!
      const middle = sum(w.slice(0, 3).map(v => (v - 1) ** 2 * (1 + 10 * Math.sin(Math.PI * v + 1) ** 2)))
      return Math.sin(Math.PI * w[0]!) ** 2 + middle + (last - 1) ** 2 * (1 + Math.sin(2 * Math.PI * last) ** 2)
    },
    grid: middles(-10, 10, [3, 3, 3, 2]),
  },
  mixed: {
    trials: 60,
    objective: async trial => {
      const rate = await trial.suggestFloat('rate', 1e-5, 1, { log: true })
      const value = 0.5 * (Math.log10(rate) + 2.5) ** 2
      const model = await trial.suggestCategorical('model', ['tree', 'net', 'kernel'])
      if (model === 'tree') {
        const depth = await trial.suggestInt('tree.depth', 1, 12)
        const leaf = await trial.suggestFloat('tree.leaf', 0, 1, { step: 0.05 })
        return value + 0.3 + ((depth - 7) / 4) ** 2 + 3 * (leaf - 0.35) ** 2
      }
      if (model === 'net') {
        const layers = await trial.suggestInt('net.layers', 1, 4)
        const units = await trial.suggestInt('net.units', 8, 512, { log: true })
        const activation = await trial.suggestCategorical('net.activation', ['relu', 'tanh', 'gelu'])
        const loss = { relu: 0.1, tanh: 0.5, gelu: 0 }[activation]
        return value + ((layers - 3) / 2) ** 2 + (Math.log2(units) - 7) ** 2 / 4 + loss
      }
      const c = await trial.suggestFloat('kernel.c', 1e-3, 1e3, { log: true })
      const gamma = await trial.suggestFloat('kernel.gamma', 1e-3, 10, { log: true })
      return value + 0.15 + 0.5 * (Math.log10(c) - 1) ** 2 + 0.5 * (Math.log10(gamma) + 1) ** 2
    },
  },
  ackley10: ackley(10, 100),
  digits,
}
