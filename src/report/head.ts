import { FONT, type Ink } from './theme.js'

/** An entry of a legend: a stroke or a dot, and a name. */
export interface LegendEntry {
  readonly name: string
  readonly colour: string
  readonly dashed?: boolean
  readonly dot?: boolean
}

/** What ECharts calls graphic elements: shapes in pixels. */
export type Shape = Record<string, unknown>

/** Width of a text in pixels, from above: the reader's font is not known here. */
export function textWidth(text: string, size: number): number {
  let em = 0
  for (const c of text)
    em += /[iljt.,:;'|!()[\] ]/.test(c) ? 0.34 : /[mwMW%@—]/.test(c) ? 0.92 : /[A-Z]/.test(c) ? 0.7 : 0.58
  return em * size
}

/** A text in lines no wider than `width`. */
export function wrapText(text: string, width: number, size: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const longer = lines.length === 0 ? word : `${lines.at(-1)} ${word}`
    if (lines.length > 0 && textWidth(longer, size) <= width) lines[lines.length - 1] = longer
    else lines.push(word)
  }
  return lines
}

export const textShape = (
  x: number,
  y: number,
  text: string,
  colour: string,
  size: number,
  more: Record<string, unknown> = {},
): Shape => ({
  type: 'text',
  silent: true,
  x,
  y,
  z: 10,
  style: { text, fill: colour, fontSize: size, fontFamily: FONT, ...more },
})

/**
 * Title, legend and the vertical axis's label stacked above the plot, and where the plot begins. Laid out here, because
 * a legend that takes as many rows as it needs must push the plot down instead of covering it.
 */
export function headOf(
  { title, yLabel, legend }: { title: string; yLabel: string; legend: readonly LegendEntry[] },
  width: number,
  ink: Ink,
): { shapes: Shape[]; bottom: number } {
  const shapes: Shape[] = []
  let y = 2
  // Bold letters are wider.
  for (const line of wrapText(title, width, TITLE * 1.16)) {
    shapes.push(textShape(0, y, line, ink.text, TITLE, { fontWeight: 600 }))
    y += TITLE + 4
  }
  y += 5
  let x = 0
  for (const entry of legend) {
    const swatch = entry.dot ? 10 : 22
    const taken = swatch + 6 + textWidth(entry.name, LABEL) + 14
    if (x > 0 && x + taken - 14 > width) {
      x = 0
      y += LABEL + 6
    }
    const middle = y + LABEL / 2
    shapes.push(
      entry.dot
        ? { type: 'circle', silent: true, shape: { cx: x + 5, cy: middle, r: 4.5 }, style: { fill: entry.colour } }
        : {
            type: 'line',
            silent: true,
            shape: { x1: x, y1: middle, x2: x + swatch, y2: middle },
            style: { stroke: entry.colour, lineWidth: 2.5, ...(entry.dashed ? { lineDash: DASHES } : {}) },
          },
      textShape(x + swatch + 6, y, entry.name, ink.text, LABEL),
    )
    x += taken
  }
  if (legend.length > 0) y += LABEL + 8
  if (yLabel !== '') {
    shapes.push(textShape(0, y, yLabel, ink.faint, LABEL))
    y += LABEL + 8
  }
  return { shapes, bottom: y + 4 }
}

export const TITLE = 15
export const LABEL = 12
export const DASHES = [5, 4]
