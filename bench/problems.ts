import type { Trial } from '../src/tune/index.js'

/** Functions to minimize with what is known of them; peers/optuna_samplers.py has the same. */
export interface Problem {
  readonly objective: (trial: Trial) => number
  readonly trials: number
  /** Values of each parameter for grid search, where a grid makes sense. */
  readonly grid?: Readonly<Record<string, readonly number[]>>
  /** Places at which both sides must agree. */
  readonly points: readonly Readonly<Record<string, number | string>>[]
}

const floats = (trial: Trial, n: number, low: number, high: number): number[] =>
  Array.from({ length: n }, (_, i) => trial.suggestFloat(`x${i}`, low, high))
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)
const place = (...x: readonly number[]) => Object.fromEntries(x.map((v, i) => [`x${i}`, v]))
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

const ackley = (n: number, trials: number): Problem => ({
  trials,
  objective: trial => {
    const x = floats(trial, n, -32.768, 32.768)
    const mean = sum(x.map(v => v * v)) / n
    return (
      -20 * Math.exp(-0.2 * Math.sqrt(mean)) - Math.exp(sum(x.map(v => Math.cos(2 * Math.PI * v))) / n) + 20 + Math.E
    )
  },
  points: [place(...spaced(-3, 7, n))],
})

export const problems: Readonly<Record<string, Problem>> = {
  branin: {
    trials: 60,
    objective: trial => {
      const [x, y] = [trial.suggestFloat('x0', -5, 10), trial.suggestFloat('x1', 0, 15)]
      const [b, c, t] = [5.1 / (4 * Math.PI ** 2), 5 / Math.PI, 1 / (8 * Math.PI)]
      return (y - b * x * x + c * x - 6) ** 2 + 10 * (1 - t) * Math.cos(x) + 10
    },
    grid: { x0: spaced(-5, 10, 10), x1: spaced(0, 15, 6) },
    points: [place(1.5, 4), place(-4, 11)],
  },
  hartmann6: {
    trials: 60,
    objective: trial => {
      const x = floats(trial, 6, 0, 1)
      return -sum([1, 1.2, 3, 3.2].map((w, i) => w * Math.exp(-sum(x.map((v, j) => A[i]![j]! * (v - P[i]![j]!) ** 2)))))
    },
    points: [place(0.2, 0.15, 0.48, 0.28, 0.31, 0.66)],
  },
  ackley5: ackley(5, 60),
  rosenbrock4: {
    trials: 60,
    objective: trial => {
      const x = floats(trial, 4, -5, 10)
      return sum([0, 1, 2].map(i => 100 * (x[i + 1]! - x[i]! ** 2) ** 2 + (1 - x[i]!) ** 2))
    },
    points: [place(1.2, -0.3, 2, 5)],
  },
  levy4: {
    trials: 60,
    objective: trial => {
      const w = floats(trial, 4, -10, 10).map(v => 1 + (v - 1) / 4)
      const last = w[3]!
      const middle = sum(w.slice(0, 3).map(v => (v - 1) ** 2 * (1 + 10 * Math.sin(Math.PI * v + 1) ** 2)))
      return Math.sin(Math.PI * w[0]!) ** 2 + middle + (last - 1) ** 2 * (1 + Math.sin(2 * Math.PI * last) ** 2)
    },
    points: [place(3, -7, 0.5, 9)],
  },
  mixed: {
    trials: 60,
    objective: trial => {
      const rate = trial.suggestFloat('rate', 1e-5, 1, { log: true })
      const value = 0.5 * (Math.log10(rate) + 2.5) ** 2
      const model = trial.suggestCategorical('model', ['tree', 'net', 'kernel'])
      if (model === 'tree') {
        const depth = trial.suggestInt('tree.depth', 1, 12)
        const leaf = trial.suggestFloat('tree.leaf', 0, 1, { step: 0.05 })
        return value + 0.3 + ((depth - 7) / 4) ** 2 + 3 * (leaf - 0.35) ** 2
      }
      if (model === 'net') {
        const layers = trial.suggestInt('net.layers', 1, 4)
        const units = trial.suggestInt('net.units', 8, 512, { log: true })
        const activation = trial.suggestCategorical('net.activation', ['relu', 'tanh', 'gelu'])
        const loss = { relu: 0.1, tanh: 0.5, gelu: 0 }[activation]
        return value + ((layers - 3) / 2) ** 2 + (Math.log2(units) - 7) ** 2 / 4 + loss
      }
      const c = trial.suggestFloat('kernel.c', 1e-3, 1e3, { log: true })
      const gamma = trial.suggestFloat('kernel.gamma', 1e-3, 10, { log: true })
      return value + 0.15 + 0.5 * (Math.log10(c) - 1) ** 2 + 0.5 * (Math.log10(gamma) + 1) ** 2
    },
    points: [
      { rate: 0.01, model: 'tree', 'tree.depth': 4, 'tree.leaf': 0.2 },
      { rate: 0.1, model: 'net', 'net.layers': 2, 'net.units': 100, 'net.activation': 'tanh' },
      { rate: 1e-4, model: 'kernel', 'kernel.c': 3, 'kernel.gamma': 0.5 },
    ],
  },
  ackley10: ackley(10, 100),
}
