import { z } from 'zod'

export const seed = z.int().default(0)
export const probability = z.number().min(0).max(1)
/** The parameter of a symmetric Beta distribution. */
export const concentration = z.number().positive().finite()

const classCount = z.int().min(2)
export const classes = z.union([classCount, z.record(z.string(), classCount)]).optional()

export const range = (limits: z.ZodNumber) =>
  z.tuple([limits, limits]).refine(limits => limits[0]! <= limits[1]!, 'the smaller number first')
