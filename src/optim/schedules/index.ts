/** Learning rates (and momenta) as functions of the number of updates made so far. */
export { scheduleFromConfig } from './from-config.js'
export type { NamedSchedule, Schedule, ScheduleConfig } from './schedule.js'
export * from './table.js'
