import type { Dice } from './dice.js'
import type { Line } from './pen.js'

/** How a pen writes, in pixels. */
export interface Pen {
  /** Half the width of the line. */
  readonly radius: number
  /** Share by which pressure widens and narrows the line along its way, and how often. */
  readonly swing: number
  readonly rhythm: number
  readonly phase: number
  /** Width of the soft rim: 1 is plain anti-aliasing. */
  readonly rim: number
}

/** Paints the lines with a round pen: coverage from 0 to 1 for each pixel of a square sheet, the most of all pieces. */
export function paint(lines: readonly Line[], pen: Pen, sheet: Float32Array, side: number): void {
  for (const line of lines)
    for (let i = 0; i + 3 < line.length; i += 2) {
      const radius = pen.radius * (1 + pen.swing * Math.sin(pen.phase + (pen.rhythm * i) / line.length))
      paintPiece(line[i]!, line[i + 1]!, line[i + 2]!, line[i + 3]!, radius, pen.rim, sheet, side)
    }
}

function paintPiece(
  x0: number,
  y0: number,
  x1: number,
  y1: number,
  radius: number,
  rim: number,
  sheet: Float32Array,
  side: number,
): void {
  const reach = radius + rim / 2
  const [dx, dy] = [x1 - x0, y1 - y0]
  const square = dx * dx + dy * dy
  const perLength = square === 0 ? 0 : 1 / square
  const top = Math.max(0, Math.ceil(Math.min(y0, y1) - reach))
  const bottom = Math.min(side - 1, Math.floor(Math.max(y0, y1) + reach))
  const left = Math.max(0, Math.ceil(Math.min(x0, x1) - reach))
  const right = Math.min(side - 1, Math.floor(Math.max(x0, x1) + reach))
  for (let y = top; y <= bottom; y++)
    for (let x = left; x <= right; x++) {
      const t = Math.min(1, Math.max(0, ((x - x0) * dx + (y - y0) * dy) * perLength))
      const [ex, ey] = [x - x0 - t * dx, y - y0 - t * dy]
      const away = ex * ex + ey * ey
      if (away >= reach * reach) continue
      const cover = Math.min(1, (reach - Math.sqrt(away)) / rim)
      const at = y * side + x
      if (cover > sheet[at]!) sheet[at] = cover
    }
}

/**
 * The sheet as bytes, ink 255 on 0: ink saturates, is uneven by `grain` (in steps of 256), and paper stays clean. The
 * sheet is blank afterwards.
 */
export function develop(sheet: Float32Array, strength: number, grain: number, roll: Dice, out: Uint8Array): void {
  let noise = 0
  let left = 0
  for (let i = 0; i < sheet.length; i++) {
    const cover = sheet[i]!
    if (cover === 0) {
      out[i] = 0
      continue
    }
    sheet[i] = 0
    if (left === 0) {
      noise = roll.bits()
      left = 4
    }
    const value = cover * strength + grain * ((noise & 0xff) / 128 - 1)
    noise >>>= 8
    left--
    out[i] = Math.max(0, Math.min(255, value))
  }
}
