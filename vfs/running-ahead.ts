// What runs ahead of a query: it is loaded for queries that wait again and again (`run-ahead.ts`).
export { Forerunner } from './forerunner.ts'
export { Scout } from './scout.ts'
