export type Theme = 'light' | 'dark'

/** Okabe and Ito's palette, extended: told apart by colour-blind readers too; shades differ by theme. */
const palettes: Record<Theme, readonly string[]> = {
  light: ['#0072b2', '#d55e00', '#009e73', '#b8578f', '#8a6d00', '#3aa0dd', '#5b3f9e', '#4a4f5a'],
  dark: ['#56b4e9', '#ff8c42', '#2fd3a2', '#e59cc5', '#f0e442', '#a9d8ff', '#b9a2ff', '#d5d9e2'],
}

export const colourOf = (theme: Theme, group: number): string => palettes[theme][group % palettes[theme].length]!

export interface Ink {
  readonly text: string
  readonly faint: string
  readonly grid: string
  /** Lines that are context only. */
  readonly muted: string
  /** The paper below the picture: halos around lines have its colour. */
  readonly paper: string
  /** From the lowest to the highest ground of a surface. */
  readonly ground: readonly [low: string, high: string]
  /** From faint to strong: told apart by lightness, for colour-blind readers and in print too. */
  readonly shades: readonly [faint: string, middle: string, strong: string]
}

export const inks: Record<Theme, Ink> = {
  light: {
    text: '#1d2433',
    faint: '#5b6577',
    grid: '#e3e7ee',
    muted: '#b4bdcb',
    paper: '#ffffff',
    ground: ['#8ba3c7', '#f7f9fc'],
    shades: ['#f0cf8a', '#4fa58c', '#1b2f7e'],
  },
  dark: {
    text: '#e8ebf2',
    faint: '#9aa4b8',
    grid: '#2c3445',
    muted: '#4d5970',
    paper: '#171c28',
    ground: ['#0b0f18', '#46566f'],
    shades: ['#4a4272', '#2f9aa0', '#ffe07a'],
  },
}

// No double quotes: ECharts writes the names into attributes as they are.
export const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

/** A colour between two, both `#rrggbb`. */
export function mix(from: string, to: string, t: number): string {
  const channel = (colour: string, i: number) => Number.parseInt(colour.slice(1 + 2 * i, 3 + 2 * i), 16)
  const mixed = [0, 1, 2].map(i => Math.round(channel(from, i) + (channel(to, i) - channel(from, i)) * t))
  return `#${mixed.map(value => value.toString(16).padStart(2, '0')).join('')}`
}

/** The colour of a shade, 0 faint … 1 strong. */
export function shadeOf({ shades: [faint, middle, strong] }: Ink, shade: number): string {
  const t = Math.min(Math.max(shade, 0), 1)
  return t < 0.5 ? mix(faint, middle, 2 * t) : mix(middle, strong, 2 * t - 1)
}
