/** A report is a plain record first; text, SVG and HTML are drawn from the same record. */
export interface Report {
  readonly title: string
  readonly lead: string
  readonly sections: readonly Section[]
}

export interface Section {
  readonly heading: string
  /** Paragraphs in plain text. */
  readonly text?: readonly string[]
  readonly table?: Table
  readonly charts?: readonly (Chart | Panels)[]
}

export interface Table {
  readonly columns: readonly { readonly title: string; readonly align?: 'left' | 'right' }[]
  readonly rows: readonly (readonly string[])[]
  /** What the numbers are. */
  readonly caption?: string
}

/** Any one picture. Each is drawn as SVG, for light and for dark paper, and told in numbers as a table. */
export type Chart = LineChart | BarChart | HistogramChart | SurfaceChart | ScatterChart | ParallelChart | TimelineChart

/** Small charts of one kind side by side, to be compared with each other: give them the same axes. */
export interface Panels {
  readonly kind: 'panels'
  readonly title: string
  /** What the panels have in common: how to read them. */
  readonly note?: string
  readonly panels: readonly Chart[]
}

interface Titled {
  readonly title: string
  /** A sentence below the picture: what bands, whiskers and marks mean. */
  readonly note?: string
}

/** Lines over a numeric axis. */
export interface LineChart extends Titled {
  readonly kind?: 'lines'
  readonly xLabel: string
  readonly yLabel: string
  readonly series: readonly Series[]
  readonly xLog?: boolean
  readonly yLog?: boolean
  readonly yRange?: readonly [number, number]
  /** Places of special meaning with their names: a point, or a line across the plot where there is no y. */
  readonly marks?: readonly { readonly x: number; readonly y?: number; readonly label: string }[]
}

export interface Series {
  readonly name: string
  readonly points: readonly (readonly [x: number, y: number])[]
  /** A band around the line (the range over seeds, say). */
  readonly band?: readonly (readonly [x: number, low: number, high: number])[]
  /** Dashed lines are validation by convention here. */
  readonly dashed?: boolean
  /** Joined points (default), steps that hold each value until the next, or dots alone. */
  readonly draw?: 'line' | 'steps' | 'dots'
  /** Series of one group share a colour. */
  readonly group?: number
  /** Drawn faintly behind the others and left out of the legend: context to compare with. */
  readonly muted?: boolean
}

/** One row for each category, with a bar or a dot for each series; horizontal, so that names can be read. */
export interface BarChart extends Titled {
  readonly kind: 'bars'
  readonly valueLabel: string
  readonly categories: readonly string[]
  readonly series: readonly {
    readonly name: string
    readonly values: readonly number[]
    /** Whiskers: the range over seeds, say. */
    readonly ranges?: readonly (readonly [low: number, high: number])[]
    readonly group?: number
  }[]
  /** Dots of one row are joined by a line, which shows the difference between them. Default bars. */
  readonly mark?: 'bar' | 'dot'
  readonly valueRange?: readonly [number, number]
  /** A line across all rows: what they are compared with. */
  readonly reference?: { readonly value: number; readonly label: string }
}

/** How values are spread: shares of equal bins, over each other or as ridges one below the other. */
export interface HistogramChart extends Titled {
  readonly kind: 'histogram'
  readonly xLabel: string
  readonly yLabel: string
  /** One more than there are bins. */
  readonly edges: readonly number[]
  readonly series: readonly {
    readonly name: string
    /** One per bin. */
    readonly shares: readonly number[]
    /** A short remark at the right of its ridge. */
    readonly remark?: string
    readonly group?: number
  }[]
  /** Ridges are each scaled to their own peak. Default overlaid. */
  readonly layout?: 'overlaid' | 'ridges'
}

/** A function of two variables as filled contours, the darker the lower, with paths over it. */
export interface SurfaceChart extends Titled {
  readonly kind: 'surface'
  readonly xLabel: string
  readonly yLabel: string
  readonly valueLabel: string
  /** Ascending, equally spaced; on a logarithmic axis in equal ratios. */
  readonly x: readonly number[]
  readonly y: readonly number[]
  readonly xLog?: boolean
  readonly yLog?: boolean
  /** `values[row][column]` is the value at (x[column], y[row]). */
  readonly values: readonly (readonly number[])[]
  /** Contours at equal ratios instead of equal differences (values above 0; those near it share the lowest level). */
  readonly log?: boolean
  readonly paths?: readonly SurfacePath[]
  /** Dots where something was measured; hollow ones do not count. */
  readonly points?: readonly {
    readonly x: number
    readonly y: number
    readonly label: string
    readonly hollow?: boolean
  }[]
  /** Places of special meaning; minima are drawn as stars. */
  readonly marks?: readonly { readonly x: number; readonly y: number; readonly label: string }[]
}

export interface SurfacePath {
  readonly name: string
  readonly points: readonly (readonly [x: number, y: number])[]
  readonly group?: number
}

/** An axis of numbers, or of names in a row: places are then their numbers from 0. */
export interface Axis {
  readonly label: string
  readonly log?: boolean
  readonly names?: readonly string[]
  /** Default: what the points need. */
  readonly range?: readonly [number, number]
}

/** Points in a plane, each in a shade. */
export interface ScatterChart extends Titled {
  readonly kind: 'scatter'
  readonly x: Axis
  readonly y: Axis
  readonly points: readonly {
    readonly x: number
    readonly y: number
    /** What the point is. */
    readonly label: string
    /** From 0, faint, to 1, strong. Default 1. */
    readonly shade?: number
    /** An outline: does not count. */
    readonly hollow?: boolean
  }[]
  /** What the faintest and the strongest shade mean. */
  readonly shades?: readonly [faint: string, strong: string]
}

/** Lines across upright axes, one for each quantity. */
export interface ParallelChart extends Titled {
  readonly kind: 'parallel'
  readonly axes: readonly {
    readonly label: string
    /** Places from 0, at the bottom, to 1. */
    readonly ticks: readonly { readonly at: number; readonly text: string }[]
  }[]
  readonly lines: readonly {
    readonly label: string
    /** For each axis the place where it is crossed; null where there is no value: the line is broken. */
    readonly at: readonly (number | null)[]
    /** For each axis the value in words. */
    readonly values: readonly string[]
    /** From 0, faint, to 1, strong. */
    readonly shade: number
  }[]
  readonly shades?: readonly [faint: string, strong: string]
}

/** Stretches of time in rows. */
export interface TimelineChart extends Titled {
  readonly kind: 'timeline'
  readonly xLabel: string
  readonly rowLabel: string
  readonly rows: number
  readonly bars: readonly {
    readonly label: string
    readonly row: number
    readonly from: number
    readonly to: number
    /** Its kind, by place in `kinds`. */
    readonly kind: number
  }[]
  readonly kinds: readonly { readonly name: string; readonly group?: number }[]
}
