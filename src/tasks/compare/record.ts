import type { History } from '../../train/index.js'

export type ComparisonKind = 'optimizers' | 'regularizers' | 'schedules'

/** What a comparison found: plain data, safe to write as JSON. */
export interface Comparison {
  readonly kind: ComparisonKind
  /** The variant the others are measured against. */
  readonly baseline: string
  readonly data: {
    readonly source: string
    readonly description: string
    readonly training: number
    /** Share of the training labels that were made wrong. */
    readonly wrong: number
    readonly validation: number
    readonly test: number
  }
  /** Sizes of the layers, `784-128-10`. */
  readonly network: string
  readonly epochs: number
  readonly batchSize: number
  readonly seeds: readonly number[]
  readonly variants: readonly Variant[]
  /** How the optimizers walk on surfaces of two variables. */
  readonly descents?: readonly Descent[]
  /** The loss of the network itself, over planes in the space of its weights. */
  readonly landscapes?: readonly Landscape[]
  readonly seconds: number
}

export interface Variant {
  readonly name: string
  /** Variants of one family share a picture where there are too many for one. */
  readonly family: string
  /** Its settings in words. */
  readonly what: string
  /** The learning rate, or the highest one of its schedule. */
  readonly learningRate: number
  /** How the rate was chosen, where it was looked for: validation loss by rate. */
  readonly tuned?: readonly { readonly learningRate: number; readonly validationLoss: number }[]
  readonly runs: readonly Run[]
  readonly weights: WeightHistogram
  /** Learning rate by the number of updates, thinned. */
  readonly rates: readonly (readonly [update: number, rate: number])[]
  readonly verdict: Verdict
}

/** One training: a variant with one seed. */
export interface Run {
  readonly seed: number
  /** At index e after e epochs; index 0 is before training. All are measured as the model predicts: dropout off, no penalty. */
  readonly curves: Curves
  readonly final: Scores
  /** Epochs trained. */
  readonly epochs: number
  readonly updates: number
  /** Of training alone, measuring left out. */
  readonly seconds: number
  readonly reason: History['reason'] | 'diverged'
}

export type Curve = 'trainingLoss' | 'trainingAccuracy' | 'validationLoss' | 'validationAccuracy'
export type Curves = Readonly<Record<Curve, readonly number[]>>

export interface Scores {
  readonly trainingLoss: number
  readonly trainingAccuracy: number
  readonly validationLoss: number
  readonly validationAccuracy: number
  readonly testLoss: number
  readonly testAccuracy: number
}

/** All kernels of a variant's first seed together. */
export interface WeightHistogram {
  readonly edges: readonly number[]
  /** Share of the weights in each bin; what lies beyond the ends is in the outermost bins. */
  readonly shares: readonly number[]
  /** Share of the weights that are smaller than a thousandth. */
  readonly nearZero: number
  readonly rootMeanSquare: number
}

export interface Spread {
  readonly mean: number
  /** Sample standard deviation (n − 1); 0 for a single value. */
  readonly deviation: number
  readonly low: number
  readonly high: number
}

/** A difference to the baseline over the same seeds. */
export interface Difference extends Spread {
  /** Whether zero lies outside the 95 % interval of the mean (Student's t, paired by seed). */
  readonly clear: boolean
}

export interface Verdict {
  /** In plain words. */
  readonly text: string
  /** Whether the variant does what its kind is for (a better test accuracy, a faster descent). */
  readonly effect: 'baseline' | 'helps' | 'no clear difference' | 'hurts' | 'failed'
  readonly gap: Spread
  /** Test accuracy against the baseline's, in shares; absent for the baseline and with a failed one. */
  readonly testDifference?: Difference
  readonly gapDifference?: Difference
  readonly lossDifference?: Difference
}

export interface Descent {
  readonly surface: string
  readonly formula: string
  readonly minima: readonly (readonly [x: number, y: number])[]
  readonly range: { readonly x: readonly [number, number]; readonly y: readonly [number, number] }
  readonly steps: number
  readonly paths: readonly {
    readonly name: string
    readonly family: string
    /** The best of those tried. */
    readonly learningRate: number
    readonly points: readonly (readonly [x: number, y: number])[]
    readonly value: number
    /** From the end of the path to the nearest minimum. */
    readonly distance: number
  }[]
}

export interface Landscape {
  readonly kind: 'random directions' | 'principal directions'
  /** Whose end is in the middle; all those that have a path where the plane belongs to all. */
  readonly of: string
  /** Share of the paths' squared length that lies in the plane. */
  readonly share: number
  readonly x: readonly number[]
  readonly y: readonly number[]
  /** Training loss, `values[row][column]`. */
  readonly values: readonly (readonly number[])[]
  readonly paths: readonly {
    readonly name: string
    readonly points: readonly (readonly [x: number, y: number])[]
    /** Training loss where the path really ends, off the plane. */
    readonly loss: number
  }[]
}
