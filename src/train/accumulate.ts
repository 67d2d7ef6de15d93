import type { Tensor } from '../ir/index.js'
import { numbersOf } from '../ir/index.js'
import type { MetricResult } from '../nn/metrics.js'
import type { Compiled } from './config.js'
import type { StatisticPort } from './step.js'

export type Logs = Record<string, number>

interface SumsEntry {
  readonly metric: string
  readonly statistic: string
  readonly over: StatisticPort['over']
  readonly tensor: string
}

/** Sums as data: JSON, and the tensors its entries name. */
export interface SumsState {
  readonly examples: number
  readonly losses: Readonly<Record<string, number>>
  readonly entries: readonly SumsEntry[]
  readonly tensors: Readonly<Record<string, Tensor>>
}

/** Adds up a step's results over an epoch, in double precision. */
export class EpochSums {
  readonly #compiled: Compiled
  readonly #sums = new Map<string, Map<string, Float64Array>>()
  readonly #rows = new Map<string, Map<string, number[]>>()
  readonly #losses = new Map<string, number>()
  #examples = 0

  constructor(compiled: Compiled) {
    this.#compiled = compiled
  }

  add(results: Readonly<Record<string, Tensor>>, ports: readonly StatisticPort[], examples: number): void {
    this.#examples += examples
    for (const [name, value] of Object.entries(results))
      if (name === 'loss' || name.startsWith('loss/'))
        this.#losses.set(name, (this.#losses.get(name) ?? 0) + Number(value.data[0]) * examples)
    for (const port of ports) {
      const { data } = results[port.output]!
      if (port.over === 'sum') {
        const metric = entry(this.#sums, port.metric)
        const sums = metric.get(port.statistic) ?? new Float64Array(data.length)
        for (let i = 0; i < sums.length; i++) sums[i]! += Number(data[i])
        metric.set(port.statistic, sums)
      } else {
        const metric = entry(this.#rows, port.metric)
        const rows = metric.get(port.statistic) ?? []
        for (const value of numbersOf(results[port.output]!)) rows.push(value)
        metric.set(port.statistic, rows)
      }
    }
  }

  get examples(): number {
    return this.#examples
  }

  /** All there is to them, for a checkpoint in the middle of an epoch. */
  state(): SumsState {
    const tensors: Record<string, Tensor> = {}
    const keep = (over: SumsEntry['over'], of: ReadonlyMap<string, ReadonlyMap<string, ArrayLike<number>>>) =>
      [...of].flatMap(([metric, statistics]) =>
        [...statistics].map(([statistic, values]): SumsEntry => {
          const tensor = `${Object.keys(tensors).length}`
          tensors[tensor] = { dtype: 'float64', shape: [values.length], data: Float64Array.from(values) }
          return { metric, statistic, over, tensor }
        }),
      )
    const entries = [...keep('sum', this.#sums), ...keep('concat', this.#rows)]
    return { examples: this.#examples, losses: Object.fromEntries(this.#losses), entries, tensors }
  }

  /** The sums that `state` described, to go on with. */
  static from(compiled: Compiled, { examples, losses, entries, tensors }: SumsState): EpochSums {
    const sums = new EpochSums(compiled)
    sums.#examples = examples
    for (const [name, sum] of Object.entries(losses)) sums.#losses.set(name, sum)
    for (const { metric, statistic, over, tensor } of entries) {
      const values = numbersOf(tensors[tensor]!)
      if (over === 'sum') entry(sums.#sums, metric).set(statistic, Float64Array.from(values))
      else entry(sums.#rows, metric).set(statistic, values)
    }
    return sums
  }

  /** Loss and metrics so far; those that need every row only when the epoch is `complete`. */
  logs(complete: boolean): Logs {
    const logs: Logs = {}
    for (const [name, value] of Object.entries(this.results(complete)))
      if (typeof value === 'number') logs[name] = value
    return logs
  }

  /** All results, those that are not single numbers too (a confusion matrix). */
  results(complete = true): Record<string, MetricResult> {
    const out: Record<string, MetricResult> = {}
    for (const [name, sum] of this.#losses)
      out[name === 'loss' ? name : `${name.slice('loss/'.length)}_loss`] = sum / this.#examples
    for (const output of this.#compiled.outputs)
      for (const metric of output.metrics) {
        const rows = this.#rows.get(metric.key)
        if (rows !== undefined && !complete) continue
        const sums: Record<string, Float64Array> = {}
        for (const [name, values] of rows ?? []) sums[name] = Float64Array.from(values)
        for (const [name, values] of this.#sums.get(metric.key) ?? []) sums[name] = values
        if (Object.keys(sums).length > 0) out[metric.key] = metric.result(sums)
      }
    return out
  }
}

function entry<T>(map: Map<string, Map<string, T>>, key: string): Map<string, T> {
  const known = map.get(key) ?? new Map<string, T>()
  map.set(key, known)
  return known
}
