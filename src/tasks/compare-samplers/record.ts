/** What a comparison of samplers found: plain data, safe to write as JSON. */
export interface SamplerComparison {
  readonly kind: 'samplers'
  /** Trials each sampler had, in each of the studies. */
  readonly trials: number
  readonly seeds: readonly number[]
  readonly problems: readonly ProblemResult[]
  readonly seconds: number
}

export interface ProblemResult {
  readonly name: string
  readonly what: string
  /** What is minimized. */
  readonly valueLabel: string
  /** The least value there is, where it is known. */
  readonly least: number | null
  readonly parameters: readonly string[]
  /** A plane that can be drawn. */
  readonly plane: {
    readonly x: readonly number[]
    readonly y: readonly number[]
    readonly values: readonly (readonly number[])[]
  } | null
  readonly samplers: readonly SamplerResult[]
}

export interface SamplerResult {
  readonly name: string
  readonly what: string
  /** For each seed the best value after each trial; null until there is one. */
  readonly best: readonly (readonly (number | null)[])[]
  /** Where the first seed's trials looked, by parameter. */
  readonly places: readonly (readonly number[])[]
}
