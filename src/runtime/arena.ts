const PAGE = 65536
/** Vectors are 16 bytes; lengths are padded to them so that no kernel has to look at what is left over. */
const padded = (bytes: number): number => Math.ceil(Math.max(bytes, 1) / 16) * 16

/** Places in one WebAssembly memory, by their first byte. They stay where they are when the memory grows; views do not. */
export interface Arena {
  readonly memory: WebAssembly.Memory
  /** @throws RangeError when there is no more memory */
  allocate(bytes: number): number
  free(place: number): void
  /** Makes room for places of these sizes, so that allocating them does not grow the memory one by one. */
  reserve(bytes: readonly number[]): void
  floats(place: number, length: number): Float32Array<ArrayBuffer>
}

/** An empty arena. A WebAssembly memory has at most 4 GiB; how much of it a machine gives is seen when it is asked for. */
export function arena(): Arena {
  const memory = new WebAssembly.Memory({ initial: 1 })
  const sizes = new Map<number, number>()
  /** Free stretches by their first byte, in order, none touching the next. */
  let holes: { at: number; size: number }[] = [{ at: 16, size: PAGE - 16 }]
  const grow = (bytes: number): void => {
    const pages = Math.ceil(bytes / PAGE)
    const at = memory.grow(pages) * PAGE
    addHole(at, pages * PAGE)
  }
  const addHole = (at: number, size: number): void => {
    const merged: typeof holes = []
    for (const hole of [...holes, { at, size }].sort((a, b) => a.at - b.at)) {
      const last = merged.at(-1)
      if (last !== undefined && last.at + last.size === hole.at) last.size += hole.size
      else merged.push({ ...hole })
    }
    holes = merged
  }
  return {
    memory,
    allocate(bytes) {
      const size = padded(bytes)
      let hole = holes.find(h => h.size >= size)
      if (hole === undefined) {
        const last = holes.at(-1)
        const rest = last !== undefined && last.at + last.size === memory.buffer.byteLength ? last.size : 0
        grow(size - rest)
        hole = holes.find(h => h.size >= size)!
      }
      const { at } = hole
      hole.at += size
      hole.size -= size
      if (hole.size === 0) holes = holes.filter(h => h !== hole)
      sizes.set(at, size)
      return at
    },
    free(place) {
      const size = sizes.get(place)
      if (size === undefined) return
      sizes.delete(place)
      addHole(place, size)
    },
    reserve(bytes) {
      const wanted = bytes.reduce((sum, size) => sum + padded(size), 0)
      const free = holes.reduce((sum, hole) => sum + hole.size, 0)
      if (wanted > free) grow(wanted - free)
    },
    floats: (place, length) => new Float32Array(memory.buffer, place, length),
  }
}
