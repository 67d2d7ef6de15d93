/**
 * Symmetric positive definite matrices of double precision, in rows of one array. All the work is dot products of
 * contiguous rows, two rows by four columns at a time: so every number loaded is used several times.
 */

/** Solves x Lᵀ = b for two rows of `rows` in place (at offsets r0 and r1), entries [from, to); those before `from` are 0. */
function solvePair(
  l: Float64Array,
  n: number,
  rows: Float64Array,
  r0: number,
  r1: number,
  from: number,
  to: number,
): void {
  let j = from
  for (; j + 3 < to; j += 4) {
    const c0 = j * n
    const c1 = c0 + n
    const c2 = c1 + n
    const c3 = c2 + n
    let a0 = rows[r0 + j]!
    let a1 = rows[r0 + j + 1]!
    let a2 = rows[r0 + j + 2]!
    let a3 = rows[r0 + j + 3]!
    let b0 = rows[r1 + j]!
    let b1 = rows[r1 + j + 1]!
    let b2 = rows[r1 + j + 2]!
    let b3 = rows[r1 + j + 3]!
    for (let k = from; k < j; k++) {
      const x = rows[r0 + k]!
      const y = rows[r1 + k]!
      const l0 = l[c0 + k]!
      a0 -= x * l0
      b0 -= y * l0
      const l1 = l[c1 + k]!
      a1 -= x * l1
      b1 -= y * l1
      const l2 = l[c2 + k]!
      a2 -= x * l2
      b2 -= y * l2
      const l3 = l[c3 + k]!
      a3 -= x * l3
      b3 -= y * l3
    }
    // The triangle of these four columns.
    const d0 = l[c0 + j]!
    a0 /= d0
    b0 /= d0
    const l10 = l[c1 + j]!
    const d1 = l[c1 + j + 1]!
    a1 = (a1 - a0 * l10) / d1
    b1 = (b1 - b0 * l10) / d1
    const l20 = l[c2 + j]!
    const l21 = l[c2 + j + 1]!
    const d2 = l[c2 + j + 2]!
    a2 = (a2 - a0 * l20 - a1 * l21) / d2
    b2 = (b2 - b0 * l20 - b1 * l21) / d2
    const l30 = l[c3 + j]!
    const l31 = l[c3 + j + 1]!
    const l32 = l[c3 + j + 2]!
    const d3 = l[c3 + j + 3]!
    a3 = (a3 - a0 * l30 - a1 * l31 - a2 * l32) / d3
    b3 = (b3 - b0 * l30 - b1 * l31 - b2 * l32) / d3
    rows[r0 + j] = a0
    rows[r0 + j + 1] = a1
    rows[r0 + j + 2] = a2
    rows[r0 + j + 3] = a3
    rows[r1 + j] = b0
    rows[r1 + j + 1] = b1
    rows[r1 + j + 2] = b2
    rows[r1 + j + 3] = b3
  }
  for (; j < to; j++) {
    const c = j * n
    let a = rows[r0 + j]!
    let b = rows[r1 + j]!
    for (let k = from; k < j; k++) {
      const x = l[c + k]!
      a -= rows[r0 + k]! * x
      b -= rows[r1 + k]! * x
    }
    rows[r0 + j] = a / l[c + j]!
    rows[r1 + j] = b / l[c + j]!
  }
}

const square = (rows: Float64Array, offset: number, end: number): number => {
  let sum = 0
  for (let k = 0; k < end; k++) sum += rows[offset + k]! * rows[offset + k]!
  return sum
}

/**
 * The lower triangle L with L Lᵀ = a, in place; what is above the diagonal stays as it was and is never read.
 * @param stride length of a row in the array, where it is longer than n
 * @returns false where `a` is not positive definite
 */
export function cholesky(a: Float64Array, n: number, stride = n): boolean {
  for (let i = 0; i < n; i += 2) {
    const r0 = i * stride
    const r1 = i + 1 < n ? r0 + stride : r0
    if (r1 === r0) solveRow(a, stride, a, r0, 0, i)
    else solvePair(a, stride, a, r0, r1, 0, i)
    const d0 = a[r0 + i]! - square(a, r0, i)
    if (!(d0 > 0) || d0 === Infinity) return false
    a[r0 + i] = Math.sqrt(d0)
    if (r1 === r0) return true
    let s = a[r1 + i]!
    for (let k = 0; k < i; k++) s -= a[r0 + k]! * a[r1 + k]!
    a[r1 + i] = s / a[r0 + i]!
    const d1 = a[r1 + i + 1]! - square(a, r1, i + 1)
    if (!(d1 > 0) || d1 === Infinity) return false
    a[r1 + i + 1] = Math.sqrt(d1)
  }
  return true
}

/** One row of `solveRows`. */
export function solveRow(
  l: Float64Array,
  n: number,
  row: Float64Array,
  offset: number,
  from: number,
  to: number,
): void {
  let j = from
  for (; j + 3 < to; j += 4) {
    const c0 = j * n
    const c1 = c0 + n
    const c2 = c1 + n
    const c3 = c2 + n
    let a0 = row[offset + j]!
    let a1 = row[offset + j + 1]!
    let a2 = row[offset + j + 2]!
    let a3 = row[offset + j + 3]!
    for (let k = from; k < j; k++) {
      const x = row[offset + k]!
      a0 -= x * l[c0 + k]!
      a1 -= x * l[c1 + k]!
      a2 -= x * l[c2 + k]!
      a3 -= x * l[c3 + k]!
    }
    a0 /= l[c0 + j]!
    a1 = (a1 - a0 * l[c1 + j]!) / l[c1 + j + 1]!
    a2 = (a2 - a0 * l[c2 + j]! - a1 * l[c2 + j + 1]!) / l[c2 + j + 2]!
    a3 = (a3 - a0 * l[c3 + j]! - a1 * l[c3 + j + 1]! - a2 * l[c3 + j + 2]!) / l[c3 + j + 3]!
    row[offset + j] = a0
    row[offset + j + 1] = a1
    row[offset + j + 2] = a2
    row[offset + j + 3] = a3
  }
  for (; j < to; j++) {
    const c = j * n
    let a = row[offset + j]!
    for (let k = from; k < j; k++) a -= row[offset + k]! * l[c + k]!
    row[offset + j] = a / l[c + j]!
  }
}

/** L⁻¹ b for each of `count` rows b of `rows` (of length n), in place. */
export function solveRows(l: Float64Array, n: number, rows: Float64Array, count: number): void {
  for (let i = 0; i + 1 < count; i += 2) solvePair(l, n, rows, i * n, (i + 1) * n, 0, n)
  if (count % 2 === 1) solveRow(l, n, rows, (count - 1) * n, 0, n)
}

/** L⁻ᵀ b in place. */
export function solveBack(l: Float64Array, n: number, b: Float64Array): void {
  let i = n - 1
  for (; i >= 3; i -= 4) {
    const c0 = i * n
    const c1 = c0 - n
    const c2 = c1 - n
    const c3 = c2 - n
    const x0 = b[i]! / l[c0 + i]!
    const x1 = (b[i - 1]! - x0 * l[c0 + i - 1]!) / l[c1 + i - 1]!
    const x2 = (b[i - 2]! - x0 * l[c0 + i - 2]! - x1 * l[c1 + i - 2]!) / l[c2 + i - 2]!
    const x3 = (b[i - 3]! - x0 * l[c0 + i - 3]! - x1 * l[c1 + i - 3]! - x2 * l[c2 + i - 3]!) / l[c3 + i - 3]!
    b[i] = x0
    b[i - 1] = x1
    b[i - 2] = x2
    b[i - 3] = x3
    for (let k = 0; k < i - 3; k++) b[k]! -= x0 * l[c0 + k]! + x1 * l[c1 + k]! + x2 * l[c2 + k]! + x3 * l[c3 + k]!
  }
  for (; i >= 0; i--) {
    const c = i * n
    const x = b[i]! / l[c + i]!
    b[i] = x
    for (let k = 0; k < i; k++) b[k]! -= x * l[c + k]!
  }
}

/**
 * (L Lᵀ)⁻¹, its lower triangle and diagonal.
 * @param work n × n numbers of room, for L⁻ᵀ
 */
export function inverse(l: Float64Array, n: number, out: Float64Array, work: Float64Array): void {
  work.fill(0, 0, n * n)
  for (let i = 0; i < n; i++) work[i * n + i] = 1
  // Row i of L⁻ᵀ begins at i.
  for (let i = 0; i + 1 < n; i += 2) solvePair(l, n, work, i * n, (i + 1) * n, i, n)
  if (n % 2 === 1) work[n * n - 1]! /= l[n * n - 1]!
  for (let i = 0; i < n; i += 2) {
    const r0 = i * n
    const r1 = i + 1 < n ? r0 + n : r0
    for (let j = 0; j <= i + 1 && j < n; j += 4) {
      // Beyond the last row the last one again.
      const c0 = j * n
      const c1 = Math.min(j + 1, n - 1) * n
      const c2 = Math.min(j + 2, n - 1) * n
      const c3 = Math.min(j + 3, n - 1) * n
      let a0 = 0
      let a1 = 0
      let a2 = 0
      let a3 = 0
      let b0 = 0
      let b1 = 0
      let b2 = 0
      let b3 = 0
      for (let k = i; k < n; k++) {
        const x = work[r0 + k]!
        const y = work[r1 + k]!
        const w0 = work[c0 + k]!
        a0 += x * w0
        b0 += y * w0
        const w1 = work[c1 + k]!
        a1 += x * w1
        b1 += y * w1
        const w2 = work[c2 + k]!
        a2 += x * w2
        b2 += y * w2
        const w3 = work[c3 + k]!
        a3 += x * w3
        b3 += y * w3
      }
      out[r1 + j] = b0
      out[r0 + j] = a0
      if (j + 1 < n) {
        out[r1 + j + 1] = b1
        out[r0 + j + 1] = a1
      }
      if (j + 2 < n) {
        out[r1 + j + 2] = b2
        out[r0 + j + 2] = a2
      }
      if (j + 3 < n) {
        out[r1 + j + 3] = b3
        out[r0 + j + 3] = a3
      }
    }
  }
}
