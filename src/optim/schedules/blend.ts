/** Ways from one rate to another as `part` goes from 0 to 1; exact at both ends. */

export const linearly = (from: number, to: number, part: number): number => from * (1 - part) + to * part

export const byCosine = (from: number, to: number, part: number): number =>
  to + ((from - to) * (1 + Math.cos(Math.PI * part))) / 2
