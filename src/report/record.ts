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
  readonly charts?: readonly LineChart[]
}

export interface Table {
  readonly columns: readonly { readonly title: string; readonly align?: 'left' | 'right' }[]
  readonly rows: readonly (readonly string[])[]
  /** What the numbers are. */
  readonly caption?: string
}

/** Lines over a numeric axis. */
export interface LineChart {
  readonly title: string
  readonly xLabel: string
  readonly yLabel: string
  readonly series: readonly Series[]
  readonly yLog?: boolean
  readonly yRange?: readonly [number, number]
  readonly xLog?: boolean
  /** Places on the x axis that get a line and a name. */
  readonly marks?: readonly { readonly x: number; readonly label: string }[]
}

export interface Series {
  readonly name: string
  readonly points: readonly (readonly [x: number, y: number])[]
  /** Dashed lines are validation by convention here. */
  readonly dashed?: boolean
  /** Series of one group share a colour. */
  readonly group?: number
}
